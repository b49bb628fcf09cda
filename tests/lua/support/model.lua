--- An independent reading of queries: small tables in Lua, three-valued logic, and a generator that makes a
--- condition for the builder and the same condition as a Lua function. It shares nothing with the builder.

local moonpool = require "moonpool"
local walk = require "moonpool.core.walk"

local c, raw, null = moonpool.cond, moonpool.raw, moonpool.null
local pairs = walk.pairs

local M = {}

-- A generator of numbers that is the same everywhere: Park and Miller's.
local Dice = {}
Dice.__index = Dice

---@param seed integer
function M.dice(seed)
  local dice = setmetatable({ state = seed % 2147483646 + 1 }, Dice)
  for _ = 1, 5 do dice:upto(2) end
  return dice
end

---A number from 1 to n.
function Dice:upto(n)
  self.state = self.state * 16807 % 2147483647
  return math.floor(self.state / 127.1) % n + 1
end

function Dice:pick(list) return list[self:upto(#list)] end

function Dice:chance(percent) return self:upto(100) <= percent end

---@return table[] p, table[] q
function M.tables()
  local dice, p, q = M.dice(42), {}, {}
  local words = { "ann", "an%", "a_n", "bob", "b\\b", "", "it's" }
  local function maybe(value) if dice:chance(75) then return value end end
  for id = 1, 14 do
    p[id] = { id = id, a = maybe(dice:upto(5)), b = maybe(dice:upto(4)), s = maybe(dice:pick(words)),
      f = maybe(dice:chance(50)) }
  end
  for id = 1, 18 do
    q[id] = { id = id, p_id = maybe(dice:upto(16)), x = maybe(dice:upto(5)), s = maybe(dice:pick(words)) }
  end
  return p, q
end

M.words = { "ann", "an%", "a_n", "bob", "b\\b", "", "it's", "%", "_", "' or 1=1 --" }

-- Three values: true, false, and nil for unknown.
local function negate(x) if x == nil then return nil end return not x end

local function both(x, y)
  if x == false or y == false then return false end
  if x == nil or y == nil then return nil end
  return true
end

local function either(x, y) return negate(both(negate(x), negate(y))) end

local compare = {
  eq = function(x, y) return x == y end, ne = function(x, y) return x ~= y end,
  gt = function(x, y) return x > y end, ge = function(x, y) return x >= y end,
  lt = function(x, y) return x < y end, le = function(x, y) return x <= y end,
}

local function known(test, x, y)
  if x == nil or y == nil then return nil end
  return test(x, y)
end

local function among(x, list)
  local result = false
  for i = 1, list.n or #list do result = either(result, known(compare.eq, x, list[i])) end
  return result
end

-- LIKE by walking both texts; a backslash takes the next letter as it is.
local function like(text, pattern)
  if pattern == "" then return text == "" end
  local first = pattern:sub(1, 1)
  if first == "%" then
    for i = 1, #text + 1 do
      if like(text:sub(i), pattern:sub(2)) then return true end
    end
    return false
  elseif first == "\\" then
    return text ~= "" and text:sub(1, 1) == pattern:sub(2, 2) and like(text:sub(2), pattern:sub(3))
  end
  return text ~= "" and (first == "_" or text:sub(1, 1) == first) and like(text:sub(2), pattern:sub(2))
end

---@class Scope what a condition may speak of: columns by kind, and how to read them
---@field ints string[]
---@field texts string[]
---@field bools string[]
---@field read fun(row: table, column: string): any
---@field correlate string|nil the column that a subquery compares with its p_id
---@field q table[]

-- Each maker takes the dice of the shape, the dice of the values, and the scope; it gives the builder's condition
-- and the model's.
local makers = {}

local function int(values) return values:upto(6) end

function makers.compare(shape, values, scope)
  local op, column, value = shape:pick { "eq", "ne", "gt", "ge", "lt", "le" }, shape:pick(scope.ints), int(values)
  return c[op](column, value), function(row) return known(compare[op], scope.read(row, column), value) end
end

function makers.compare_text(shape, values, scope)
  local op, column, value = shape:pick { "eq", "ne", "lt", "ge" }, shape:pick(scope.texts), values:pick(M.words)
  return c[op](column, value), function(row) return known(compare[op], scope.read(row, column), value) end
end

function makers.columns(shape, _, scope)
  local op, x, y = shape:pick { "eq", "ne", "gt", "le" }, shape:pick(scope.ints), shape:pick(scope.ints)
  return c[op](x, c.col(y)), function(row) return known(compare[op], scope.read(row, x), scope.read(row, y)) end
end

function makers.null(shape, _, scope)
  local column = shape:pick(shape:chance(50) and scope.ints or scope.texts)
  if shape:chance(50) then return c.is_null(column), function(row) return scope.read(row, column) == nil end end
  return c.is_not_null(column), function(row) return scope.read(row, column) ~= nil end
end

function makers.range(shape, values, scope)
  local column, low, high = shape:pick(scope.ints), int(values), int(values)
  local function inside(row)
    local x = scope.read(row, column)
    return both(known(compare.ge, x, low), known(compare.le, x, high))
  end
  if shape:chance(50) then return c.between(column, low, high), inside end
  return c.not_between(column, low, high), function(row) return negate(inside(row)) end
end

function makers.list(shape, values, scope)
  local column, list = shape:pick(scope.ints), {}
  for i = 1, values:upto(4) - 1 do list[i] = int(values) end
  if shape:chance(50) then return c.in_(column, list), function(row) return among(scope.read(row, column), list) end end
  return c.not_in(column, list), function(row) return negate(among(scope.read(row, column), list)) end
end

function makers.distinct(shape, values, scope)
  local column, value = shape:pick(scope.ints), int(values)
  if shape:chance(50) then
    return c.distinct_from(column, value), function(row) return scope.read(row, column) ~= value end
  end
  return c.not_distinct_from(column, value), function(row) return scope.read(row, column) == value end
end

function makers.pattern(shape, values, scope)
  local column, word = shape:pick(scope.texts), values:pick(M.words)
  local kind = shape:pick { "starts_with", "ends_with", "contains", "like" }
  local escaped = word:gsub("[\\%%_]", "\\%0")
  local patterns = { starts_with = escaped .. "%", ends_with = "%" .. escaped, contains = "%" .. escaped .. "%" }
  local given = kind == "like" and values:pick { "a%", "%b", "_n_", "an\\%", "%" } or word
  local pattern = patterns[kind] or given
  return c[kind](column, given), function(row)
    return known(like, scope.read(row, column), pattern)
  end
end

function makers.flag(shape, _, scope)
  local column = scope.bools[1]
  if not column then return makers.null(shape, nil, scope) end
  if shape:chance(50) then return c.is_true(column), function(row) return scope.read(row, column) == true end end
  return raw("?", c.col(column)), function(row) return scope.read(row, column) end
end

function makers.arithmetic(shape, values, scope)
  local x, y, add, limit = shape:pick(scope.ints), shape:pick(scope.ints), int(values), int(values)
  local function test(row)
    local left, right = scope.read(row, x), scope.read(row, y)
    if left == nil or right == nil then return nil end
    return left + add > right + limit
  end
  if shape:chance(50) then return raw("? + ? > ? + ?", c.col(x), add, c.col(y), limit), test end
  return raw("? + :add > ? + :limit" and "? + ?::int > ? + ?::int", c.col(x), add, c.col(y), limit), test
end

function makers.table(shape, values, scope)
  local given, wanted = {}, {}
  for _, column in ipairs(scope.ints) do
    if shape:chance(40) then
      wanted[column] = shape:chance(30) and null or int(values)
      given[column] = wanted[column]
    end
  end
  local rest
  if shape:chance(30) then given[1], rest = makers.compare(shape, values, scope) end
  return given, function(row)
    local result = rest == nil or rest(row)
    for column, value in pairs(wanted) do
      local x = scope.read(row, column)
      if value == null then result = both(result, x == nil) else result = both(result, known(compare.eq, x, value)) end
    end
    return result
  end
end

-- The scope of a subquery over q.
local function scope_of_q(scope)
  return {
    ints = { "q2.x", "q2.p_id" }, texts = { "q2.s" }, bools = {}, q = scope.q, db = scope.db,
    read = function(row, column) return row[column:match "[^.]+$"] end,
  }
end

function makers.subquery(shape, values, scope)
  local inner = scope_of_q(scope)
  local condition, test = M.condition(shape, values, inner, 1)
  local sub = scope.db:from("q q2"):select("q2.x"):where(condition)
  local column = shape:pick(scope.ints)
  local function values_of()
    local list, n = {}, 0
    for _, row in ipairs(scope.q) do
      if test(row) then
        n = n + 1
        list[n] = row.x
      end
    end
    list.n = n
    return list
  end
  if shape:chance(50) then
    return c.in_(column, sub), function(row) return among(scope.read(row, column), values_of()) end
  end
  return c.not_in(column, sub), function(row) return negate(among(scope.read(row, column), values_of())) end
end

function makers.exists(shape, values, scope)
  if not scope.correlate then return makers.compare(shape, values, scope) end
  local condition, test = M.condition(shape, values, scope_of_q(scope), 1)
  local sub = scope.db:from("q q2"):where(c.eq("q2.p_id", c.col(scope.correlate))):where(condition)
  local function found(row)
    for _, other in ipairs(scope.q) do
      if both(known(compare.eq, other.p_id, scope.read(row, scope.correlate)), test(other)) then return true end
    end
    return false
  end
  if shape:chance(50) then return c.exists(sub), found end
  return c.not_exists(sub), function(row) return not found(row) end
end

local leaves = {}
for name in pairs(makers) do leaves[#leaves + 1] = name end
table.sort(leaves)

local function connect(shape, values, scope, depth)
  local list, tests = {}, {}
  for i = 1, shape:upto(4) - 1 do list[i], tests[i] = M.condition(shape, values, scope, depth + 1) end
  if shape:chance(50) then
    return c.any(list), function(row)
      local result = false
      for i = 1, #tests do result = either(result, tests[i](row)) end
      return result
    end
  end
  return c.all(list), function(row)
    local result = true
    for i = 1, #tests do result = both(result, tests[i](row)) end
    return result
  end
end

---A condition, twice.
---@param shape table dice
---@param values table dice
---@param scope Scope
---@param depth integer|nil
---@return any condition
---@return fun(row: table): boolean|nil test
function M.condition(shape, values, scope, depth)
  depth = depth or 0
  if depth < 3 and shape:chance(30) then return connect(shape, values, scope, depth) end
  if depth < 3 and shape:chance(15) then
    local condition, test = M.condition(shape, values, scope, depth + 1)
    if type(condition) == "table" and getmetatable(condition) == nil and next(condition) == nil then
      return condition, test
    end
    local ok, turned = pcall(c.not_, condition)
    -- Nothing cannot be turned round.
    if not ok then return condition, test end
    return turned, function(row) return negate(test(row)) end
  end
  return makers[shape:pick(leaves)](shape, values, scope)
end

return M
