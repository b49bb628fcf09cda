--- The words of a condition: `c.gt("age", 18)`, `c.any { … }`, `c.is_null "email"`.
---
--- The left side is a column's name (`"age"`, `"u.age"`) or an expression (`c.col`, `moonpool.raw`,
--- `c.json_text`). The right side is a value, which becomes a parameter; or an expression; or a query
--- that gives one value.

local condition = require "moonpool.sql.condition"
local expression = require "moonpool.sql.expression"
local misuse = require "moonpool.sql.misuse"
local shape = require "moonpool.sql.shape"
local term = require "moonpool.sql.term"
local tree = require "moonpool.sql.tree"
local value = require "moonpool.sql.value"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

---@class moonpool.cond
local C = {}

local Condition, null, step = condition.Condition, value.null, shape.step
local quick = { string = true, number = true, boolean = true }

local function place(name, left)
  return ("c.%s(%s)"):format(name, type(left) == "string" and misuse.show(left) or "...")
end

-- An operator between two sides. `null_answer` is what a NULL on the right means.
local function comparison(name, sql, null_answer)
  local root = shape.root()
  local function build(left, right)
    return tree.build("test", condition.side(left), sql, tree.operand(right))
  end
  return function(left, right)
    if type(left) == "string" and quick[type(right)] then
      local node = step(step(root, left), tree.VALUE)
      if node.tree then return setmetatable({ shape = node, n = 1, right }, Condition) end
    end
    if left == nil then misuse.raise("c.%s needs a column on its left, got nil", name) end
    if right == nil then
      misuse.raise("%s has nothing to compare with (nil); for NULL say c.is_null or moonpool.null", place(name, left))
    elseif right == null then
      if not null_answer then
        misuse.raise("%s compares with NULL, which is never true; say c.is_null or c.is_not_null", place(name, left))
      end
      return C[null_answer](left)
    end
    return term.make(Condition, root, build, 1, place(name, left), left, right)
  end
end

---@type fun(left: string|moonpool.Expression, right: any): moonpool.Condition
C.eq = comparison("eq", " = ", "is_null")
---@type fun(left: string|moonpool.Expression, right: any): moonpool.Condition
C.ne = comparison("ne", " <> ", "is_not_null")
---@type fun(left: string|moonpool.Expression, right: any): moonpool.Condition
C.gt = comparison("gt", " > ")
---@type fun(left: string|moonpool.Expression, right: any): moonpool.Condition
C.ge = comparison("ge", " >= ")
---@type fun(left: string|moonpool.Expression, right: any): moonpool.Condition
C.lt = comparison("lt", " < ")
---@type fun(left: string|moonpool.Expression, right: any): moonpool.Condition
C.le = comparison("le", " <= ")
---Unequal, where NULL is a value like any other.
---@type fun(left: string|moonpool.Expression, right: any): moonpool.Condition
C.distinct_from = comparison("distinct_from", " is distinct from ", "is_not_null")
---Equal, where NULL is a value like any other.
---@type fun(left: string|moonpool.Expression, right: any): moonpool.Condition
C.not_distinct_from = comparison("not_distinct_from", " is not distinct from ", "is_null")

local function test(name, sql)
  local root = shape.root()
  local function build(left) return tree.build("test", condition.side(left), sql) end
  return function(left)
    if left == nil then misuse.raise("c.%s needs a column, got nil", name) end
    local node = type(left) == "string" and step(root, left)
    if not node then return term.make(Condition, root, build, 1, place(name, left), left) end
    if not node.kept then node.kept = term.make(Condition, root, build, 1, place(name, left), left) end
    return node.kept
  end
end

---@type fun(left: string|moonpool.Expression): moonpool.Condition
C.is_null = test("is_null", " is null")
---@type fun(left: string|moonpool.Expression): moonpool.Condition
C.is_not_null = test("is_not_null", " is not null")
---@type fun(left: string|moonpool.Expression): moonpool.Condition
C.is_true = test("is_true", " is true")
---@type fun(left: string|moonpool.Expression): moonpool.Condition
C.is_false = test("is_false", " is false")

local function range(name, sql)
  local root = shape.root()
  local function build(left, low, high)
    return tree.build("test", condition.side(left), sql, tree.operand(low), " and ", tree.operand(high))
  end
  return function(left, low, high)
    if low == nil or high == nil or low == null or high == null then
      misuse.raise("%s needs two ends, got %s and %s", place(name, left), misuse.show(low), misuse.show(high))
    end
    return term.make(Condition, root, build, 1, place(name, left), left, low, high)
  end
end

---Both ends are inside.
---@type fun(left: string|moonpool.Expression, low: any, high: any): moonpool.Condition
C.between = range("between", " between ")
---@type fun(left: string|moonpool.Expression, low: any, high: any): moonpool.Condition
C.not_between = range("not_between", " not between ")

-- `(a, b) in (($1, $2), …)`: rows have no array to travel in, so their number is part of the shape.
local function rows(name, root, word, columns, list)
  local operands, width = {}, #columns
  for i = 1, width do
    if type(columns[i]) ~= "string" then
      misuse.raise("c.%s takes several columns by their names, got %s", name, misuse.show(columns[i]))
    end
  end
  for i = 1, #list do
    local row = list[i]
    if type(row) ~= "table" or term.kind(row) or #row ~= width then
      misuse.raise("item %d of c.%s must be a list of %d values", i, name, width)
    end
    for k = 1, width do operands[#operands + 1] = row[k] end
  end
  if #list == 0 then return name == "in_" and condition.FALSE or condition.not_(condition.FALSE) end
  local node = step(step(root, "rows"), tostring(#list))
  for i = 1, width do node = step(node, columns[i]) end
  return term.make(Condition, node, function(...)
    local values, pieces = { ... }, { "(" }
    for i = 1, width do
      pieces[#pieces + 1] = i > 1 and ", " or ""
      pieces[#pieces + 1] = condition.side(columns[i])
    end
    pieces[#pieces + 1] = ")" .. word .. "("
    for i = 1, #values do
      local first, last = (i - 1) % width == 0, i % width == 0
      pieces[#pieces + 1] = first and (i > 1 and ", (" or "(") or ", "
      pieces[#pieces + 1] = tree.operand(values[i])
      if last then pieces[#pieces + 1] = ")" end
    end
    pieces[#pieces + 1] = ")"
    return tree.build("test", unpack(pieces))
  end, 0, "a value of c." .. name, unpack(operands, 1, #list * width))
end

local function membership(name, list_sql, query_sql)
  local root = shape.root()
  local function build_list(left, right)
    return tree.build("test", condition.side(left), list_sql, "(", right, ")")
  end
  local function build_query(left, right)
    return tree.build("test", condition.side(left), query_sql, tree.operand(right))
  end
  return function(left, list)
    local kind = term.kind(list)
    if kind == "query" or kind == "expression" then
      return term.make(Condition, root, build_query, 1, place(name, left), left, list)
    elseif type(list) ~= "table" or kind then
      misuse.raise("%s needs a list or a query, got %s", place(name, left), misuse.show(list))
    end
    if type(left) == "table" and not term.kind(left) then return rows(name, root, query_sql, left, list) end
    local array = value.array(list, "the list of " .. place(name, left))
    return term.make(Condition, root, build_list, 1, place(name, left), left, array)
  end
end

---One of a list, or of what a query gives. An empty list holds for no row. The list travels as one
---array, so the statement's text is the same for every length. Several columns at once:
---`c.in_({ "a", "b" }, { { 1, 2 }, { 3, 4 } })`.
---@type fun(left: string|moonpool.Expression|string[], list: any[]|moonpool.Select): moonpool.Condition
C.in_ = membership("in_", " = any", " in ")
---None of a list. An empty list holds for every row.
---@type fun(left: string|moonpool.Expression|string[], list: any[]|moonpool.Select): moonpool.Condition
C.not_in = membership("not_in", " <> all", " not in ")

local function existence(name, sql)
  local root = shape.root()
  local function build(query) return tree.build("test", sql, tree.operand(query)) end
  return function(query)
    if term.kind(query) ~= "query" then misuse.raise("c.%s needs a query, got %s", name, misuse.show(query)) end
    return term.make(Condition, root, build, 0, "c." .. name, query)
  end
end

---The query gives at least one row.
---@type fun(query: moonpool.Select): moonpool.Condition
C.exists = existence("exists", "exists ")
---The query gives no row.
---@type fun(query: moonpool.Select): moonpool.Condition
C.not_exists = existence("not_exists", "not exists ")

---Every one of them: conditions, expressions, equality tables. None at all is true.
---@type fun(list: table): moonpool.Condition
C.all = condition.all
---At least one of them, always in parentheses beside others. None at all is false.
---@type fun(list: table): moonpool.Condition
C.any = condition.any
---The opposite.
---@type fun(given: table): moonpool.Condition
C.not_ = condition.not_

---A column, where a plain string would be a value.
---@type fun(name: string, ...: string): moonpool.Expression
C.col = expression.column
---SQL as it stands; the same as `moonpool.raw`.
---@type fun(text: string, ...: any): moonpool.Expression
C.raw = expression.raw

for _, more in ipairs { "moonpool.sql.cond_text", "moonpool.sql.cond_json" } do
  for name, word in pairs(require(more)) do C[name] = word end -- order-free: a table of functions
end

-- What other builders call them.
local meant = {
  equals = "c.eq", equal = "c.eq", neq = "c.ne", not_eq = "c.ne", not_equal = "c.ne", gte = "c.ge", lte = "c.le",
  greater_than = "c.gt", less_than = "c.lt", any_of = "c.any or c.in_", one_of = "c.in_", or_ = "c.any { … }",
  and_ = "c.all { … }", isnull = "c.is_null", isnotnull = "c.is_not_null", null = "c.is_null", column = "c.col",
  regex = "c.matches", match = "c.matches", text_search = "c.search", icontains = "c.ilike(column, { contains = … })",
  ["or"] = "c.any { … }", ["and"] = "c.all { … }", ["not"] = "c.not_(…)", ["in"] = "c.in_",
}

return setmetatable(C, { __index = misuse.unknown("there is no condition", C, meant) })
