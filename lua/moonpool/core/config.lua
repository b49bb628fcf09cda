--- The table given to `moonpool.connect`, as settings of the engine. Which keys there are and what they
--- take is the engine's to say; here the table is only laid flat.

local errors = require "moonpool.core.error"
local ffi = require "ffi"
local native = require "moonpool.core.ffi"
local number = require "moonpool.core.number"

local C = native.C

local M = {}

---@class moonpool.Pool
---@field max integer|nil connections at most
---@field min integer|nil connections kept open
---@field acquire_timeout string|number|nil
---@field idle_timeout string|number|nil
---@field max_lifetime string|number|nil

---@class moonpool.CacheStore
---@field get fun(self: moonpool.CacheStore, key: string): string|nil
---@field set fun(self: moonpool.CacheStore, key: string, text: string, ttl: number|nil)

---@class moonpool.CacheSettings
---@field ttl string|number|nil
---@field entries integer|nil
---@field megabytes number|nil
---@field store moonpool.CacheStore|nil

---@class moonpool.Settings
---@field primary string|nil conninfo or URI
---@field replicas string[]|nil
---@field nodes string[]|nil servers whose roles are discovered
---@field dsn string|nil a multi-host DSN is a cluster whose roles are discovered
---@field pool moonpool.Pool|nil
---@field retry { attempts: integer|nil, base: string|number|nil, cap: string|number|nil, budget: integer|nil,
---  ratio: number|nil }|nil
---@field breaker { failures: integer|nil, window: string|number|nil, min_calls: integer|nil, failure_rate: number|nil,
---  slow_call: string|number|nil, slow_rate: number|nil, cooldown: string|number|nil, probes: integer|nil }|nil
---@field health table|nil
---@field slow_query string|number|nil
---@field log (fun(entry: moonpool.Event))|{ level: string|nil, format: "text"|"json"|nil,
---  to: (fun(entry: moonpool.Event))|nil }|nil
---@field audit (fun(event: moonpool.Event))|nil
---@field correlation_id string|nil
---@field traceparent string|nil
---@field statement_timeout string|number|nil
---@field types table<string, string|fun(text: string): any>|nil how types are read, by their names
---@field cache moonpool.CacheSettings|boolean|nil

-- Keys that hold several values, one setting each. An empty text among them is a variable of the environment
-- that is set to nothing: no server.
local lists = { replicas = true, nodes = true }

local function scalar(key, value)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "boolean" then return tostring(value) end
  if kind == "number" and number.is_finite(value) then return number.text(value) end
  errors.misuse("the setting %s takes a string, a number or a boolean, got %s", key,
    kind == "number" and tostring(value) or "a " .. kind)
end

local function sorted_keys(settings, prefix)
  local keys = {}
  for key in pairs(settings) do
    if type(key) ~= "string" then
      errors.misuse("settings%s are named, got the key %s", prefix == "" and "" or " of " .. prefix, errors.name(key))
    end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local function add_list(out, key, value)
  if type(value) ~= "table" then value = { value } end
  local places = {}
  for place in pairs(value) do
    if type(place) ~= "number" then errors.misuse("%s is a list, got the key %s in it", key, errors.name(place)) end
    places[#places + 1] = place
  end
  table.sort(places)
  for _, place in ipairs(places) do
    if value[place] ~= "" then out[#out + 1] = { key, scalar(key, value[place]) } end
  end
end

local function flatten(out, settings, prefix, depth)
  if depth > 4 then errors.misuse("settings are tables in tables, and %s is one too many", prefix) end
  for _, key in ipairs(sorted_keys(settings, prefix)) do
    local name, value = prefix == "" and key or prefix .. "." .. key, settings[key]
    if lists[name] then
      add_list(out, name, value)
    elseif type(value) == "table" then
      flatten(out, value, name, depth + 1)
    else
      out[#out + 1] = { name, scalar(name, value) }
    end
  end
  return out
end

---The settings as a list of { key, text }, sorted by key; lists keep their order.
---@param settings table
---@return { [1]: string, [2]: string }[]
function M.flatten(settings)
  if type(settings) ~= "table" then errors.misuse("settings are a table, got %s", errors.show(settings)) end
  return flatten({}, settings, "", 0)
end

---A configuration of the engine from a table of settings. Raises `config` errors that name the key.
---@param settings table
---@return ffi.cdata*
function M.build(settings)
  local config = ffi.gc(C.mp_config_new(), C.mp_config_free)
  for _, pair in ipairs(M.flatten(settings)) do
    local key, value = pair[1], pair[2]
    if C.mp_config_set(config, key, value, #value, native.no_failure()) == 0 then
      local e = errors.take(native.failure)
      e.where = errors.callers_line()
      error(e, 0)
    end
  end
  return config
end

return M
