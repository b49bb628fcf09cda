--- A bounded memory: when the young generation is full it becomes the old one, and what the old one
--- still held unused is forgotten.

local M = {}

---@class moonpool.Cache
---@field private young table
---@field private old table
---@field private count integer
---@field private most integer
local Cache = {}
Cache.__index = Cache

---@param most integer how many entries a generation holds
---@return moonpool.Cache
function M.new(most)
  return setmetatable({ young = {}, old = {}, count = 0, most = most }, Cache)
end

---@param key any not nil
---@return any
function Cache:get(key)
  local value = self.young[key]
  if value ~= nil or key == nil then return value end
  value = self.old[key]
  if value ~= nil then return self:put(key, value) end
  return nil
end

---@param key any
---@param value any
---@return any value
function Cache:put(key, value)
  if self.count == self.most then self.young, self.old, self.count = {}, self.young, 0 end
  self.young[key], self.count = value, self.count + 1
  return value
end

return M
