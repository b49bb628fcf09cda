--- Results kept for a while under keys: what `cached` and `invalidates` of a query speak to.
---
--- A key names a group of results, and each has a version in the store. A result is found by its statement, its
--- parameters and the versions of its keys, so two queries never see each other's rows, and giving a key another
--- version forgets all that was kept under the old one. It also makes readers and writers harmless to each other: a
--- result that was asked for before the version changed is stored where nobody looks.

local abi = require "moonpool.core.abi"
local duration = require "moonpool.core.duration"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local lru = require "moonpool.core.lru"
local native = require "moonpool.core.ffi"
local params = require "moonpool.core.params"
local result_text = require "moonpool.core.result_text"
local suggest = require "moonpool.core.suggest"

local C, READ = native.C, abi.READ

local M = {}

---What is used where nothing else is said.
M.ENTRIES, M.MEGABYTES, M.TTL = 1000, 16, 60

---@class moonpool.ResultCache
---@field hits integer
---@field misses integer
---@field failures integer how often the store raised an error
---@field last_failure string|nil
---@field private store any
---@field private own boolean the store is of this process, and holds results as they are
---@field private ttl number
local ResultCache = {}
ResultCache.__index = ResultCache

local known = { "entries", "megabytes", "store", "ttl" }

local function positive(settings, name, habit)
  local value = settings[name]
  if value == nil then return habit end
  if type(value) ~= "number" or not (value > 0 and value < math.huge) then
    errors.misuse("cache.%s takes a number above 0, got %s", name, tostring(value))
  end
  return value
end

---The cache that `connect { cache = … }` asked for; false where it wants none.
---@param settings table|boolean|nil
---@return moonpool.ResultCache|false
function M.new(settings)
  if settings == false then return false end
  if settings == nil or settings == true then settings = {} end
  if type(settings) ~= "table" then
    errors.misuse("cache takes a table such as { ttl = \"1m\" }, or false, got a %s", type(settings))
  end
  for key in pairs(settings) do
    local found = false
    for _, name in ipairs(known) do found = found or name == key end
    if not found then
      errors.misuse("cache has no setting %s%s; it has %s", tostring(key), suggest.hint(key, known),
        table.concat(known, ", "))
    end
  end
  local store = settings.store
  if store ~= nil then
    local ok, get, set = pcall(function() return store.get, store.set end)
    if not (ok and get and set) then errors.misuse "cache.store needs the methods get(key) and set(key, text, ttl)" end
  end
  local entries, megabytes = positive(settings, "entries", M.ENTRIES), positive(settings, "megabytes", M.MEGABYTES)
  return setmetatable({
    hits = 0, misses = 0, failures = 0, own = store == nil, store = store or lru.new(entries, megabytes * 2 ^ 20),
    ttl = duration.seconds(settings.ttl, "cache.ttl") or M.TTL,
  }, ResultCache)
end

-- The store is a convenience: when it fails, the database is asked, and the failure is counted.
local function noted(self, ok, ...)
  if ok then return ... end
  self.failures, self.last_failure = self.failures + 1, tostring((...))
  return nil
end

local function get(self, key)
  return noted(self, pcall(self.store.get, self.store, key))
end

local function set(self, key, value, ttl, bytes)
  noted(self, pcall(self.store.set, self.store, key, value, ttl, bytes))
end

local digest = ffi.new "char[65]"

local function sha256(text)
  C.mp_sha256(text, #text, digest)
  return ffi.string(digest)
end

local given = 0

-- No two are alike, in this process or in another one on the same store.
local function fresh()
  given = given + 1
  return sha256(("%d %.9f %s %d"):format(os.time(), C.mp_clock(), tostring(digest), given)):sub(1, 24)
end

local function version_key(key)
  return "moonpool:version:" .. key
end

local function renew(self, key)
  local version = fresh()
  set(self, version_key(key), version)
  return version
end

-- Where a result is kept.
local function place(self, context, keys, sql, list, n)
  local parts = { context, sql }
  for _, key in ipairs(keys) do
    parts[#parts + 1] = key
    parts[#parts + 1] = get(self, version_key(key)) or renew(self, key)
  end
  for i = 1, n do
    local text = params.text(list[i], i)
    parts[#parts + 1] = text or "NULL"
    parts[#parts + 1] = text and "" or "null"
  end
  for i, part in ipairs(parts) do parts[i] = #part .. ":" .. part end
  return "moonpool:result:" .. sha256(table.concat(parts))
end

---The result from the store, or what `ask` gives, which is then kept. From a store outside of this process come rows,
---names and tag in place of a result.
---@async
---@param handle moonpool.Handle
---@param keys string[]
---@param ttl number|nil seconds
---@param sql string
---@param list any[]
---@param n integer
---@param ask fun(): moonpool.Result
---@return moonpool.Result|nil
---@return table[]|nil rows
---@return string[]|nil names
---@return string|nil tag
function ResultCache:through(handle, keys, ttl, sql, list, n, ask)
  local key = place(self, handle.context or "", keys, sql, list, n)
  local kept = get(self, key)
  if kept and self.own then
    self.hits = self.hits + 1
    return kept
  elseif kept then
    local rows, names, tag = noted(self, pcall(result_text.read, kept, handle.codec, handle:_session(), READ))
    if rows then
      self.hits = self.hits + 1
      return nil, rows, names, tag
    end
  end
  self.misses = self.misses + 1
  local result = ask()
  local value = result
  if not self.own then value = noted(self, pcall(result_text.write, result)) end
  if value then set(self, key, value, ttl or self.ttl, tonumber(C.mp_result_memory(result.handle))) end
  return result
end

---Forgets what is kept under these keys.
---@param keys string[]
function ResultCache:forget(keys)
  for _, key in ipairs(keys) do
    -- The next who asks makes a version of his own.
    if self.own then self.store:forget(version_key(key)) else renew(self, key) end
  end
end

---@return { hits: integer, misses: integer, failures: integer, last_failure: string|nil, entries: integer|nil,
---  bytes: integer|nil }
function ResultCache:stats()
  return {
    hits = self.hits, misses = self.misses, failures = self.failures, last_failure = self.last_failure,
    entries = self.own and self.store.count or nil, bytes = self.own and self.store.bytes or nil,
  }
end

---The keys that a call names.
---@param method string
---@param ... any
---@return string[]
function M.keys(method, ...)
  local keys = {}
  for i = 1, select("#", ...) do
    local key = (select(i, ...))
    if type(key) ~= "string" or key == "" then
      errors.misuse("%s takes the keys of cached, got %s", method,
        type(key) == "string" and "an empty string" or "a " .. type(key))
    end
    keys[i] = key
  end
  return keys
end

---What the statements of a handle run under, as text: rows that one role or tenant may see are no other's.
---@param inherited string|false|nil
---@param habits table|nil of the new handle
---@return string|false|nil false where any statement may have changed it: such a handle keeps no results
function M.context(inherited, habits)
  if inherited == false or habits and habits.pinned then return false end
  if not habits or type(habits.as) ~= "table" then return inherited end
  local names, parts = {}, { inherited or "" }
  for name in pairs(habits.as) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = tostring(habits.as[name])
    parts[#parts + 1] = ("%d:%s=%d:%s"):format(#name, name, #value, value)
  end
  return table.concat(parts)
end

---The cache that a handle may use now; whoever stands in for a handle has none. In a transaction there is none: it
---sees what others must not, and must see what it wrote.
---@param handle moonpool.Handle
---@return moonpool.ResultCache|nil
function M.of(handle)
  if not handle.root or handle.context == false or handle:in_transaction() then return nil end
  return handle.root.results or nil
end

---Forgets these keys now; in a transaction, when it has committed.
---@param handle moonpool.Handle
---@param keys string[]
function M.invalidate(handle, keys)
  if not handle.root then return end
  if handle:in_transaction() then
    M.note(handle.state, keys)
  elseif handle.root.results then
    handle.root.results:forget(keys)
  end
end

---Called when a statement has run that is not text: one with `options.invalidates` has made these keys stale.
---@param handle moonpool.Handle
---@param statement table
function M.after(handle, statement)
  local options = rawget(statement, "options")
  if options and options.invalidates then M.invalidate(handle, options.invalidates) end
end

---Notes in a transaction what its commit will forget.
---@param state table of the transaction
---@param keys string[]
function M.note(state, keys)
  state.stale = state.stale or {}
  for _, key in ipairs(keys) do table.insert(state.stale, key) end
end

---Forgets what a transaction made stale: a savepoint hands it to the transaction around it. After a COMMIT of which
---nobody knows whether it happened, too.
---@param state table of the transaction; it has committed, or may have
function M.settle(state)
  local above, keys = state.above, state.stale
  state.stale = nil
  if not keys or not above then return end
  if above.above then return M.note(above, keys) end
  if above.results then above.results:forget(keys) end
end

return M
