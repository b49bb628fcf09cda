--- What a condition is, and how plain values become one. The words people use are in `cond.lua`.

local expression = require "moonpool.sql.expression"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local shape = require "moonpool.sql.shape"
local term = require "moonpool.sql.term"
local tree = require "moonpool.sql.tree"
local value = require "moonpool.sql.value"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

local connect

local step, null = shape.step, value.null

---True, false or unknown for each row.
---@class moonpool.Condition: moonpool.sql.Term
local Condition = {}
Condition.__index = Condition
term.register(Condition, "condition")
M.Condition = Condition

local function constant(text, empty)
  local node = shape.root()
  node.tree = tree.text(text)
  node.tree.empty = empty
  return setmetatable({ shape = node, n = 0 }, Condition)
end

---The condition that was made from nothing: it holds for every row, and update and delete refuse it.
---@type moonpool.Condition
M.EMPTY = constant("true", true)

---@type moonpool.Condition
M.FALSE = constant "false"

---The left side of an operator: a column's name or an expression, as it stands beside the operator.
---@param side string|moonpool.sql.Tree
---@return moonpool.sql.Tree
function M.side(side)
  if type(side) == "string" then return tree.text(identifier.column(side).text) end
  return tree.operand(side)
end

---Joins conditions. One alone stays as it is.
---@param members moonpool.sql.Tree[]
---@param among "all"|"any"
---@return moonpool.sql.Tree
function M.join(members, among)
  if #members == 1 then return members[1] end
  local word, pieces = among == "all" and " and " or " or ", {}
  for i = 1, #members do
    if i > 1 then pieces[#pieces + 1] = word end
    pieces[#pieces + 1] = tree.member(members[i], among)
  end
  return tree.build(among, unpack(pieces))
end

local quick = { string = true, number = true, boolean = true }
local equals_root = shape.root()
local NULL = { "null" }

-- The tree of an equality table: in the order of the names, whatever order the table gave them in.
local function equality_tree(keys, nulls)
  local order, at, n = {}, {}, 0
  for i = 1, #keys do
    order[i] = i
    at[i] = n
    if not nulls[i] then n = n + 1 end
  end
  table.sort(order, function(a, b) return keys[a] < keys[b] end)
  local parts = {}
  for i, index in ipairs(order) do
    if i > 1 then parts[#parts + 1] = " and " end
    parts[#parts + 1] = identifier.column(keys[index]).text
    if nulls[index] then
      parts[#parts + 1] = " is null"
    else
      parts[#parts + 1] = " = "
      parts[#parts + 1] = { tree = tree.VALUE, at = at[index] }
    end
  end
  return { n = n, bind = #keys == 1 and "test" or "all", parts = parts }
end

-- A table that holds itself would never end; nobody writes one so deep, and PostgreSQL reads none much deeper.
local DEEPEST = 100

-- A table with expressions among its values, or conditions among its items.
local function mixed(given, depth)
  local members, names = {}, misuse.names("a condition's table", given)
  for _, name in ipairs(names) do
    local item = given[name]
    local kind = term.kind(item)
    if kind == "query" then
      misuse.raise("%s is given a query; say c.in_(%s, query), or c.eq where it gives one value",
        misuse.show(name), misuse.show(name))
    elseif kind == "condition" or kind == "alias" then
      misuse.raise("%s is given a %s; a column equals a value or an expression", misuse.show(name), kind)
    elseif not kind and not value.sendable(item) then
      value.refuse(item, "the condition on " .. misuse.show(name))
    end
    members[#members + 1] = item == null and M.is_null(name) or M.equal(name, item)
  end
  for i = 1, #given do
    if type(given[i]) == "string" then
      misuse.raise("%s stands alone in a condition's table; write { column = value } or moonpool.raw(%s)",
        misuse.show(given[i]), misuse.show(given[i]))
    end
    members[#members + 1] = given[i]
  end
  return connect(members, "all", depth)
end

---An equality table as a condition: `{ name = "Ann", age = moonpool.null }`. A nil is simply not there.
---@param given table
---@param depth integer|nil of tables around it
---@return moonpool.Condition
function M.equality(given, depth)
  local node, n = equals_root, 0
  local made = { shape = node, n = 0 }
  for key, item in pairs(given) do -- order-free: the tree is sorted, and each order has a shape of its own
    if type(key) ~= "string" then return mixed(given, (depth or 0) + 1) end
    if quick[type(item)] then
      node = step(node, key)
      n = n + 1
      made[n] = item
    elseif item == null then
      node = step(step(node, key), NULL)
    elseif type(item) == "cdata" then
      node = step(node, key)
      n = n + 1
      made[n] = item
    else
      return mixed(given, (depth or 0) + 1)
    end
  end
  if node == equals_root then return M.EMPTY end
  if not node.tree then
    local keys, nulls = {}, {}
    for key, item in pairs(given) do -- order-free: equality_tree sorts
      keys[#keys + 1] = key
      nulls[#keys] = item == null
    end
    node.tree = equality_tree(keys, nulls)
  end
  made.shape, made.n = node, n
  return setmetatable(made, Condition)
end

---Whatever stands for a condition, as one: a condition, an expression, an equality table.
---@param given any
---@param depth integer|nil of tables around it
---@return moonpool.Condition|moonpool.Expression
function M.from(given, depth)
  local kind = term.kind(given)
  if kind == "condition" or kind == "expression" then return given end
  if kind == "query" then
    misuse.raise("a query is no condition; say c.exists(query) or c.in_(column, query)")
  elseif kind == "alias" then
    misuse.raise("an expression with an alias is no condition")
  elseif type(given) == "table" then
    if getmetatable(given) ~= nil then value.refuse(given, "the condition") end
    if depth and depth > DEEPEST then misuse.raise("a condition's tables are nested more than %d deep", DEEPEST) end
    return (M.equality(given, depth))
  end
  misuse.raise("a condition must be a table, a c.… or moonpool.raw, got %s", misuse.show(given))
end

local equal_root, null_root = shape.root(), shape.root()

---@param left string|moonpool.Expression
---@param right any
---@return moonpool.Condition
function M.equal(left, right)
  return term.make(Condition, equal_root, function(a, b)
    return tree.build("test", M.side(a), " = ", tree.operand(b))
  end, 1, "the condition on " .. misuse.show(left), left, right)
end

---@param left string|moonpool.Expression
---@return moonpool.Condition
function M.is_null(left)
  return term.make(Condition, null_root, function(a)
    return tree.build("test", M.side(a), " is null")
  end, 1, "is_null", left)
end

local join_roots = { all = shape.root(), any = shape.root() }

-- The members of a list: its items, then its named values in the order of their names.
local function members_of(list, among, depth)
  if type(list) ~= "table" or getmetatable(list) ~= nil then
    misuse.raise("c.%s takes a table of conditions, got %s", among, misuse.show(list))
  end
  local members, names = {}, misuse.names("c." .. among, list)
  for i = 1, #list do members[i] = M.from(list[i], depth) end
  for _, name in ipairs(names) do members[#members + 1] = M.equality { [name] = list[name] } end
  return members
end

function connect(list, among, depth)
  local node, made, n, trees = join_roots[among], { shape = false, n = 0 }, 0, {}
  local members = members_of(list, among, depth)
  for i = 1, #members do
    local member = members[i]
    if member ~= M.EMPTY then
      trees[#trees + 1] = member.shape.tree
      node = step(node, member.shape)
      for k = 1, member.n do made[n + k] = member[k] end
      n = n + member.n
    elseif among == "any" then
      return M.EMPTY
    end
  end
  if #trees == 0 then return among == "all" and M.EMPTY or M.FALSE end
  if not node.tree then node.tree = M.join(trees, among) end
  made.shape, made.n = node, n
  return setmetatable(made, Condition)
end

---Every one of them. None at all is true.
---@param list table
---@return moonpool.Condition
function M.all(list) return connect(list, "all") end

---At least one of them. None at all is false; one that was made from nothing holds for every row,
---and so does the whole.
---@param list table
---@return moonpool.Condition
function M.any(list) return connect(list, "any") end

local not_root = shape.root()

---The opposite.
---@param given any
---@return moonpool.Condition
function M.not_(given)
  local inner = M.from(given)
  if inner == M.EMPTY then misuse.raise "c.not_ was given nothing to turn round: every value in its table is nil" end
  return term.make(Condition, not_root, function(member)
    return tree.build("test", "not (", member, ")")
  end, 0, "c.not_", inner)
end

---What `where("sql", …)` and `where(condition)` were given, as a condition.
---@param method string
---@param given any
---@param ... any the parameters of SQL text
---@return moonpool.Condition|moonpool.Expression
function M.given(method, given, ...)
  if type(given) == "string" then
    if select("#", ...) > 0 and given:find "^%s*[%w_.\"]+%s*$" then
      local operator = select("#", ...) == 2 and (...)
      if type(operator) == "string" and operator:find "^[<>=!~]+$" then
        misuse.raise("%s takes SQL and its values: \"%s %s ?\" and then the value", method, given:match "%S+", operator)
      end
      misuse.raise("%s is given the name %s and a value; write { %s = value }, or SQL with a place for it, \"%s = ?\"",
        method, misuse.show(given), given:match "%S+", given:match "%S+")
    end
    return (expression.raw(given, ...))
  end
  if select("#", ...) > 0 then
    misuse.raise("%s takes values after SQL text only; this was given %s and %d more", method,
      misuse.show(given), select("#", ...))
  end
  if given == nil then
    misuse.raise("%s was given nil; leave the call out, or pass a table whose keys may be nil", method)
  end
  return (M.from(given))
end

return M
