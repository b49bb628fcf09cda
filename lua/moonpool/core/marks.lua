--- Marks on values: whether a table is an array, a document, or bytes. A mark is a metatable, so nothing
--- that came over the network as data can carry one by accident.

local errors = require "moonpool.core.error"

local M = {}

---@class moonpool.Array PostgreSQL's array; inside a document, JSON's
local Array = { __name = "moonpool.array" }
---@class moonpool.Object JSON's object
local Object = { __name = "moonpool.object" }
---@class moonpool.JsonArray JSON's array, as it was read from a document
local JsonArray = { __name = "moonpool.json_array" }
---@class moonpool.Json anything, to be sent as a JSON document
local Json = { __name = "moonpool.json" }
---@class moonpool.Bytea bytes that need not be text
local Bytea = { __name = "moonpool.bytea" }

M.Array, M.Object, M.JsonArray, M.Json, M.Bytea = Array, Object, JsonArray, Json, Bytea

local kinds = {
  [Array] = "array", [Object] = "object", [JsonArray] = "json_array", [Json] = "json", [Bytea] = "bytea",
}

---Bounds of arrays whose indexes do not begin at 1 in PostgreSQL: `[0:1]`.
---@type table<moonpool.Array, string>
M.bounds = setmetatable({}, { __mode = "k" })

local function mark(name, table, metatable)
  if table == nil then table = {} end
  if type(table) ~= "table" then
    errors.misuse("moonpool.%s takes a table, got a %s", name, type(table))
  end
  local present = getmetatable(table)
  if present ~= nil and not kinds[present] then
    errors.misuse("moonpool.%s cannot mark this table: it has a metatable already", name)
  end
  return setmetatable(table, metatable)
end

---Marks a table (in place) as an array; the empty one needs it.
---@param list table|nil
---@return moonpool.Array
function M.array(list)
  return mark("array", list, Array)
end

---Marks a table (in place) as a JSON object; the empty one needs it.
---@param map table|nil
---@return moonpool.Object
function M.object(map)
  return mark("object", map, Object)
end

---Wraps a value (a table, text, number, boolean or moonpool.null) to be sent as JSON.
---@param value any
---@return moonpool.Json
function M.json(value)
  if value == nil then errors.misuse "moonpool.json takes a value; JSON's null is moonpool.null" end
  return setmetatable({ value = value }, Json)
end

---Wraps a string to be sent as bytea: any byte may be in it.
---@param bytes string
---@return moonpool.Bytea
function M.bytea(bytes)
  if type(bytes) ~= "string" then errors.misuse("moonpool.bytea takes a string, got a %s", type(bytes)) end
  return setmetatable({ bytes = bytes }, Bytea)
end

---How a value of a class writes itself as a parameter: the field `__to_param` of its metatable.
---@param value any
---@return (fun(value: any): string)|nil
function M.writer(value)
  local metatable = type(value) == "table" and getmetatable(value)
  return type(metatable) == "table" and rawget(metatable, "__to_param") or nil
end

---"array", "object", "json_array", "json", "bytea"; "param" for a value that writes itself; nil for anything else.
---@param value any
---@return string|nil
function M.kind(value)
  if type(value) ~= "table" then return nil end
  local metatable = getmetatable(value)
  return kinds[metatable] or type(metatable) == "table" and rawget(metatable, "__to_param") and "param" or nil
end

---@param value any
---@return boolean
function M.is_marked(value)
  return M.kind(value) ~= nil
end

return M
