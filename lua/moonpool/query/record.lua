--- Operations on one record, found by its primary key.

local assign = require "moonpool.query.assign"
local chain = require "moonpool.query.chain"
local misuse = require "moonpool.sql.misuse"
local term = require "moonpool.sql.term"
local value = require "moonpool.sql.value"
local walk = require "moonpool.core.walk"
local where = require "moonpool.query.where"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

-- The key of a record: an equality table, and which names are in it.
local function key_of(method, given, key)
  if not value.is_record(given) or term.kind(given) then
    misuse.raise("record of this %s needs a row { column = value }, got %s", method, misuse.show(given))
  end
  if key == nil then key = "id" end
  local names = type(key) == "table" and key or { key }
  if #names == 0 then misuse.raise("the key of record names no column") end
  local found = {}
  for i = 1, #names do
    local name = names[i]
    if type(name) ~= "string" then misuse.raise("a column of the key is a string, got %s", misuse.show(name)) end
    local held = rawget(given, name)
    if held == nil or held == value.null then
      misuse.raise("this record has no %s, which is its key; name another: record(row, \"column\")", misuse.show(name))
    end
    found[name] = held
  end
  return found
end

---@param query moonpool.Update
---@param given table
---@param key string|string[]|nil
---@return moonpool.Update
function M.update(query, given, key)
  chain.open(query, "record")
  local found, rest = key_of("update", given, key), {}
  for name, held in pairs(given) do -- order-free: set sorts
    if found[name] == nil then rest[name] = held end
  end
  if next(rest) == nil then misuse.raise "this record has nothing but its key; there is nothing to set" end
  return where.add(assign.set(query, rest), where.WHERE, found)
end

---@param query moonpool.Delete
---@param given table
---@param key string|string[]|nil
---@return moonpool.Delete
function M.delete(query, given, key)
  chain.open(query, "record")
  return where.add(query, where.WHERE, key_of("delete", given, key))
end

return M
