--- What a migration in Lua can reach: the language's own functions and values for parameters, not the machine.

local marks = require "moonpool.core.marks"
local names = require "moonpool.migrate.names"
local null = require "moonpool.core.null"

local M = {}

local function copy(library, without)
  local own = {}
  for name, value in pairs(library) do
    if not (without and without[name]) then own[name] = value end
  end
  return own
end

-- Metatables of strings and of Moonpool's objects are shared with the host.
local function safe_getmetatable(value)
  if type(value) ~= "table" then return nil end
  local metatable = getmetatable(value)
  return type(metatable) == "table" and rawget(metatable, "__metatable") or metatable
end

---A new environment, which nobody else writes to.
---@param talk fun(line: string) where print goes
---@return table
function M.new(talk)
  local env = {
    assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, pcall = pcall, xpcall = xpcall,
    rawequal = rawequal, rawget = rawget, rawset = rawset, select = select, setmetatable = setmetatable,
    getmetatable = safe_getmetatable, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack,
    bit = copy(bit), coroutine = copy(coroutine), math = copy(math), table = copy(table),
    string = copy(string, { dump = true }),
    os = { clock = os.clock, date = os.date, difftime = os.difftime, time = os.time },
    moonpool = {
      null = null, array = marks.array, object = marks.object, json = marks.json, bytea = marks.bytea, raw = names.raw,
    },
    print = function(...)
      local parts = {}
      for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
      talk(table.concat(parts, "\t"))
    end,
  }
  env._G = env
  return env
end

return M
