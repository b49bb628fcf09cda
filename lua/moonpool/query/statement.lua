--- A statement is a plain table that is never changed: each clause copies it and puts its part in.
---
--- `n` counts the parameters collected so far. What a clause keeps is an item: `{ text }`, quoted and
--- ready, or `{ tree, at }`, a tree whose parameters begin after the first `at` of the statement.

local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

---@class moonpool.query.Statement: moonpool.sql.Tree
---@field kind "select"|"insert"|"update"|"delete"|"with"
---@field ctes table[]|nil
---@field target table|nil insert, update, delete: the table
---@field from table[]|nil
---@field columns table[]|nil
---@field distinct true|table[]|nil
---@field where table[]|nil
---@field group table[]|nil
---@field having table[]|nil
---@field windows table[]|nil
---@field order table[]|nil
---@field limit table|nil
---@field offset table|nil
---@field lock table[]|nil
---@field set table|nil a set operation: { op, left, right }
---@field keyset table|nil
---@field assign table[]|nil
---@field values table|nil
---@field conflict table|nil
---@field returning table[]|nil
---@field every_row boolean|nil
---@field writes boolean|nil it changes or locks rows, or a part of it does
---@field reversed boolean|nil the order is turned round
---@field unordered boolean|nil the order is kept for its keys, but not written
---@field backward boolean|nil the order is turned round and the rows are turned back when they arrive

---A statement of a kind, with nothing in it yet.
---@param kind string
---@return moonpool.query.Statement
function M.new(kind)
  return { kind = kind, n = 0, bind = "query" }
end

---A copy that may be filled before anybody sees it.
---@param statement moonpool.query.Statement
---@return moonpool.query.Statement
function M.copy(statement)
  local copy = {}
  for key, part in pairs(statement) do copy[key] = part end -- order-free: a copy
  return copy
end

---A list with more items at its end; the list itself stays as it is.
---@param list table[]|nil
---@param items table[]
---@return table[]
function M.append(list, items)
  local longer = {}
  for i = 1, list and #list or 0 do longer[i] = list[i] end
  for i = 1, #items do longer[#longer + 1] = items[i] end
  return longer
end

---Gives a tree its place in a statement that is being filled.
---@param statement moonpool.query.Statement
---@param tree moonpool.sql.Tree
---@return moonpool.sql.Place
function M.place(statement, tree)
  local at = statement.n
  statement.n = at + tree.n
  if tree.writes then statement.writes = true end
  return { tree = tree, at = at }
end

---A statement as a part of another of the same parameters, without its common table expressions,
---which must stand at the beginning of the whole.
---@param statement moonpool.query.Statement
---@return moonpool.query.Statement inner
---@return moonpool.query.Statement outer an empty select that has them
function M.wrap(statement)
  local inner, outer = M.copy(statement), M.new "select"
  outer.ctes, inner.ctes = inner.ctes, nil
  outer.n, outer.recursive, outer.writes = statement.n, statement.recursive, statement.writes
  return inner, outer
end

return M
