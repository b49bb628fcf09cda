--- What a table is by its keys: a list, a map, or neither.

local walk = require "moonpool.core.walk"

local pairs = walk.pairs

local M = {}

---Length of a list: its highest index, whatever lies between. nil and a foreign key where it is no list.
---@param t table
---@return integer|nil
---@return any foreign
function M.length(t)
  local n = 0
  for key in pairs(t) do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then return nil, key end
    if key > n then n = key end
  end
  return n
end

---The first index in 1..n that holds nothing.
---@param t table
---@param n integer
---@return integer|nil
function M.hole(t, n)
  for i = 1, n do
    if rawget(t, i) == nil then return i end
  end
  return nil
end

---The string keys of a map, sorted. nil and a foreign key where it has another.
---@param t table
---@return string[]|nil
---@return any foreign
function M.names(t)
  local names = {}
  for key in pairs(t) do
    if type(key) ~= "string" then return nil, key end
    names[#names + 1] = key
  end
  table.sort(names)
  return names
end

return M
