--- A store of this process: what was used longest ago goes first when there are too many entries or bytes, and
--- everything goes when its time is up.

local native = require "moonpool.core.ffi"

local C = native.C

local M = {}

---@class moonpool.Lru
---@field count integer entries that are kept
---@field bytes integer what they were said to weigh
---@field private most integer
---@field private most_bytes integer
---@field private entries table<string, table>
---@field private ring table
local Lru = {}
Lru.__index = Lru

---@param most integer entries
---@param most_bytes integer
---@return moonpool.Lru
function M.new(most, most_bytes)
  local ring = {}
  ring.newer, ring.older = ring, ring
  return setmetatable({ count = 0, bytes = 0, most = most, most_bytes = most_bytes, entries = {}, ring = ring }, Lru)
end

local function unlink(entry)
  entry.newer.older, entry.older.newer = entry.older, entry.newer
end

-- The ring's `older` is the newest entry, its `newer` the oldest.
local function link(self, entry)
  local ring = self.ring
  entry.newer, entry.older = ring, ring.older
  ring.older.newer, ring.older = entry, entry
end

local function drop(self, entry)
  unlink(entry)
  self.entries[entry.key] = nil
  self.count, self.bytes = self.count - 1, self.bytes - entry.bytes
end

---@param key string
---@return any value nil when it is not there, or no longer
function Lru:get(key)
  local entry = self.entries[key]
  if not entry then return nil end
  if entry.ends and C.mp_clock() >= entry.ends then
    drop(self, entry)
    return nil
  end
  unlink(entry)
  link(self, entry)
  return entry.value
end

---@param key string
function Lru:forget(key)
  local entry = self.entries[key]
  if entry then drop(self, entry) end
end

---Keeps a value; one that is heavier than all that may be kept is not.
---@param key string
---@param value any
---@param ttl number|nil seconds; nil: until there is no room
---@param bytes integer|nil what it weighs
function Lru:set(key, value, ttl, bytes)
  local old = self.entries[key]
  if old then drop(self, old) end
  bytes = (bytes or 0) + #key
  if bytes > self.most_bytes then return end
  local entry = { key = key, value = value, bytes = bytes, ends = ttl and C.mp_clock() + ttl }
  link(self, entry)
  self.entries[key] = entry
  self.count, self.bytes = self.count + 1, self.bytes + bytes
  while self.count > self.most or self.bytes > self.most_bytes do drop(self, self.ring.newer) end
end

return M
