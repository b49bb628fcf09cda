--- Lua values as PostgreSQL's text form. The server infers the types; what a table means is told by its
--- mark, else by its keys:
---   array{…} and plain lists   an array literal     {1,2,NULL}
---   object{…} and plain maps   a JSON object        {"a":1}
---   json(v), decoded JSON      a JSON document
---   bytea(s)                   bytes                \x6869
---   anything whose metatable has __to_param: what that writes
--- An empty table without a mark could be either and is refused.

local errors = require "moonpool.core.error"
local json = require "moonpool.core.json"
local marks = require "moonpool.core.marks"
local native = require "moonpool.core.ffi"
local null = require "moonpool.core.null"
local number = require "moonpool.core.number"
local sequence = require "moonpool.core.sequence"

local C = native.C
local type, tonumber = type, tonumber

local M = {}

---The most parameters PostgreSQL takes.
M.MOST = 65535

-- A parameter as a person would name it: 2 → "parameter 2", "age" → 'parameter "age"'.
local function named(name)
  return type(name) == "string" and ('parameter "%s"'):format(name) or "parameter " .. tostring(name)
end

local function refuse(name, message, ...)
  errors.misuse("%s " .. message, named(name), ...)
end

local function check_text(text, name)
  local good = tonumber(C.mp_valid_text_prefix(text, #text))
  if good == #text then return text end
  refuse(name, "holds %s at byte %d, which no text in PostgreSQL may; for bytes say moonpool.bytea(value)",
    text:byte(good + 1) == 0 and "a zero byte" or "broken UTF-8", good + 1)
end

local function hex(bytes)
  return "\\x" .. bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
end

local function number_text(n)
  if n ~= n then return "NaN" end
  if n == math.huge then return "Infinity" end
  if n == -math.huge then return "-Infinity" end
  return number.text(n)
end

local function plain(value)
  local metatable = getmetatable(value)
  local convert = type(metatable) == "table" and rawget(metatable, "__plain")
  return convert and convert(value) or value
end

-- What a value of a class writes of itself.
local function written(value, name)
  local text = marks.writer(value)(value)
  if type(text) ~= "string" then refuse(name, "wrote itself as a %s; __to_param gives a string", type(text)) end
  return check_text(text, name)
end

-- `[0:1]` as it was read, where the array still has as many items in each dimension.
local function bounds_of(list)
  local bounds, at = marks.bounds[list], list
  if not bounds then return "" end
  for low, high in bounds:gmatch "%[(-?%d+):(-?%d+)%]" do
    if type(at) ~= "table" or #at ~= high - low + 1 then return "" end
    at = at[1]
  end
  return bounds .. "="
end

local array_text

local function quoted(text)
  return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
end

local function item_text(value, name, depth)
  local kind = type(value)
  if value == null then return "NULL" end
  if kind == "number" then return number_text(value) end
  if kind == "boolean" then return value and "t" or "f" end
  if kind == "string" then return quoted(check_text(value, name)) end
  if kind == "table" then
    local mark = marks.kind(value)
    if mark == "bytea" then return quoted(hex(value.bytes)) end
    if mark == "param" then return quoted(written(value, name)) end
    if mark == "json" or mark == "object" or mark == "json_array" then return quoted(json.encode(value)) end
    if mark == "array" or rawget(value, 1) ~= nil then return array_text(value, name, depth + 1) end
    if next(value) == nil then
      refuse(name, "holds an empty table; say moonpool.array{} or moonpool.object{}")
    end
    refuse(name, "is a list of documents: say moonpool.json{…} for one JSON array, "
      .. "or moonpool.object{…} for each item of an array of documents")
  end
  return kind == "cdata" and number.digits(value) or refuse(name, "holds a %s", kind)
end

function array_text(list, name, depth)
  if depth > 6 then refuse(name, "is nested more than 6 deep, PostgreSQL's limit for arrays") end
  local n, foreign = sequence.length(list)
  if not n then
    refuse(name, "is a list and has the key %s; a table is either a list or a map", tostring(foreign))
  end
  local hole = sequence.hole(list, n)
  if hole then refuse(name, "has a hole: item %d of %d is nil (NULL is moonpool.null)", hole, n) end
  local items = {}
  for i = 1, n do items[i] = item_text(rawget(list, i), name, depth) end
  return "{" .. table.concat(items, ",") .. "}"
end

local function table_text(value, name)
  local mark = marks.kind(value)
  if mark == "bytea" then return hex(value.bytes) end
  if mark == "array" then return bounds_of(value) .. array_text(value, name, 1) end
  if mark == "param" then return written(value, name) end
  if mark then return json.encode(value) end
  value = plain(value)
  if rawget(value, 1) ~= nil then return array_text(value, name, 1) end
  if next(value) == nil then
    refuse(name, "is an empty table, which may be an array or a document; "
      .. "say moonpool.array{} or moonpool.object{}")
  end
  local names, foreign = sequence.names(value)
  if not names then
    refuse(name, "is neither a list nor a map: it has the key %s", tostring(foreign))
  end
  return json.encode(value)
end

---One value in PostgreSQL's text form; nil for NULL.
---@param value any
---@param name string|integer what to call it when it is refused
---@return string|nil
function M.text(value, name)
  local kind = type(value)
  if kind == "string" then return check_text(value, name) end
  if kind == "number" then return number_text(value) end
  if value == nil or value == null then return nil end
  if kind == "boolean" then return value and "t" or "f" end
  if kind == "table" then return table_text(value, name) end
  local digits = kind == "cdata" and number.digits(value)
  if not digits then refuse(name, "is a %s, which no parameter can be", kind) end
  return digits
end

return M
