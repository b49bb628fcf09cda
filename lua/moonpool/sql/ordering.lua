--- One entry of an `order by`, however it was said.

local expression = require "moonpool.sql.expression"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local shape = require "moonpool.sql.shape"
local term = require "moonpool.sql.term"
local tree = require "moonpool.sql.tree"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

---@class moonpool.sql.OrderTree: moonpool.sql.Tree
---@field ordering moonpool.sql.Direction

---@class moonpool.sql.Direction
---@field inner moonpool.sql.Tree what is ordered by
---@field name string|nil its last name, where it is a column
---@field full string|nil the column as it was written
---@field desc boolean
---@field nulls "first"|"last"|nil

local root = shape.root()

---Whether this is `{ what, "desc" }` or `{ what, "desc", nulls = "last" }`, one entry and not a list.
---@param given any
---@return boolean
function M.is_pair(given)
  if type(given) ~= "table" or term.kind(given) then return false end
  local word = given[2]
  return given.nulls ~= nil or (#given == 2 and (word == "asc" or word == "desc"))
end

local function written(inner, desc, nulls)
  return inner, (desc and " desc" or "") .. (nulls and " nulls " .. nulls or "")
end

local function from_text(text)
  local node = shape.step(root, text)
  if not node.kept then
    local read = identifier.ordering(text)
    local inner = tree.text(read.text)
    local made = tree.build("raw", written(inner, read.desc, read.nulls))
    made.ordering = { inner = inner, name = read.name, full = read.full, desc = read.desc, nulls = read.nulls }
    node.tree = made
    node.kept = setmetatable({ shape = node, n = 0 }, expression.Expression)
  end
  return node.kept
end

local function from_pair(pair)
  local what, direction, nulls = pair[1], pair[2], pair.nulls
  for key in pairs(pair) do -- order-free: it only refuses
    if key ~= 1 and key ~= 2 and key ~= "nulls" then
      misuse.raise("an ordering is { column, \"desc\", nulls = \"last\" }, got the key %s", misuse.show(key))
    end
  end
  if direction ~= nil and direction ~= "asc" and direction ~= "desc" then
    misuse.raise("a direction is \"asc\" or \"desc\", got %s", misuse.show(direction))
  elseif nulls ~= nil and nulls ~= "first" and nulls ~= "last" then
    misuse.raise("nulls are \"first\" or \"last\", got %s", misuse.show(nulls))
  end
  if type(what) == "string" then what = expression.column(what) end
  local kind = term.kind(what)
  if kind ~= "expression" and kind ~= "condition" then
    misuse.raise("an ordering needs a column or an expression, got %s", misuse.show(what))
  end
  local name = type(pair[1]) == "string" and pair[1] or nil
  local node = shape.step(shape.step(root, (direction or "") .. " " .. (nulls or "")), name or true)
  return term.make(expression.Expression, node, function(inner)
    local operand = tree.operand(inner)
    local made = tree.build("raw", written(operand, direction == "desc", nulls))
    made.ordering = { inner = operand, name = name and name:match "[^.]+$", full = name,
      desc = direction == "desc", nulls = nulls }
    return made
  end, 0, "an ordering", what)
end

---The entry as an expression. A tree whose direction is known keeps it in `ordering`.
---@param given string|moonpool.Expression|table "age desc", an expression, or { expression, "desc", nulls = "last" }
---@return moonpool.Expression
function M.expression(given)
  if type(given) == "string" then return from_text(given) end
  local kind = term.kind(given)
  if kind == "expression" or kind == "condition" then return given end
  if kind or type(given) ~= "table" then
    misuse.raise("an ordering must be a string, an expression or { expression, \"desc\" }, got %s",
      kind and "a " .. kind or misuse.show(given))
  end
  return from_pair(given)
end

return M
