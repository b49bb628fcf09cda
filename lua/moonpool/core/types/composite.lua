--- Composite values, the rows inside a column: `moonpool.composite { "Main St", 5 }` is `("Main St",5)`. A column
--- reads as one when the settings name its type (`types = { ["public.address"] = moonpool.composite }`), with its
--- fields by name; else as its text.

local errors = require "moonpool.core.error"
local null = require "moonpool.core.null"
local params = require "moonpool.core.params"
local walk = require "moonpool.core.walk"

local M = {}

local find, sub, byte, pairs = string.find, string.sub, string.byte, walk.pairs

---@class moonpool.Composite
local Composite = { __composite = true }

---Whether a value is composite: made here, or read from a column.
---@param value any
---@return boolean
function M.is(value)
  local class = type(value) == "table" and getmetatable(value)
  return type(class) == "table" and rawget(class, "__composite") == true
end

local function field_text(value, i)
  if value == nil then return "" end
  local text = params.text(value, "field " .. i .. " of a composite value")
  if text == nil then return "" end
  return '"' .. text:gsub('["\\]', "%0%0") .. '"'
end

local function row_text(values, n)
  local texts = {}
  for i = 1, n do texts[i] = field_text(values[i], i) end
  return "(" .. table.concat(texts, ",") .. ")"
end

function Composite.__to_param(value) return row_text(value.values, value.n) end
function Composite.__tostring(value) return row_text(value.values, value.n) end

---A composite value from its fields in order. A field that is NULL is `moonpool.null`.
---@param fields any[]
---@return moonpool.Composite
function M.of(fields)
  if type(fields) ~= "table" or getmetatable(fields) ~= nil then
    errors.misuse("moonpool.composite takes the fields in their order, { \"Main St\", 5 }, got a %s", type(fields))
  end
  local n = 0
  for key in pairs(fields) do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
      errors.misuse("moonpool.composite takes the fields in their order, got the key %s; only a value that was read "
        .. "knows its names", errors.name(key))
    end
    n = math.max(n, key)
  end
  for i = 1, n do
    if fields[i] == nil then errors.misuse("field %d of moonpool.composite is nil; NULL is moonpool.null", i) end
  end
  return setmetatable({ values = { unpack(fields, 1, n) }, n = n }, Composite)
end

local function broken(text)
  error(errors.new { kind = "protocol", message = "not a composite value: " .. text }, 0)
end

---The texts of a composite literal's fields; false is NULL.
---@param text string
---@return (string|false)[]
function M.split(text)
  if byte(text, 1) ~= 40 or byte(text, #text) ~= 41 then broken(text) end
  local list, at = {}, 2
  if #text == 2 then return list end
  while true do
    local value, any = "", false
    while true do
      local stop = find(text, '[",)\\]', at) or broken(text)
      if stop > at then value, any = value .. sub(text, at, stop - 1), true end
      local c = byte(text, stop)
      if c == 44 or c == 41 then
        at = stop
        break
      elseif c == 92 then
        value, any, at = value .. sub(text, stop + 1, stop + 1), true, stop + 2
      else
        any, at = true, stop + 1
        while true do
          local mark = find(text, '["\\]', at) or broken(text)
          value = value .. sub(text, at, mark - 1)
          if byte(text, mark) == 34 and byte(text, mark + 1) ~= 34 then
            at = mark + 1
            break
          end
          value, at = value .. sub(text, mark + 1, mark + 1), mark + 2
        end
      end
    end
    list[#list + 1] = any and value or false
    if byte(text, at) == 41 then
      if at ~= #text then broken(text) end
      return list
    end
    at = at + 1
  end
end

-- The metatable of values of one type: tables by name that know the order of their fields.
local function class_of(names)
  local class = { __names = names, __composite = true }
  local known = {}
  for _, name in ipairs(names) do known[name] = true end
  local function in_order(value)
    local values = {}
    for i, name in ipairs(names) do values[i] = rawget(value, name) end
    return values
  end
  function class.__to_param(value)
    for key in pairs(value) do
      if not known[key] then
        errors.misuse("this composite value has no field %s; it has %s", errors.name(key), table.concat(names, ", "))
      end
    end
    return row_text(in_order(value), #names)
  end
  function class.__tostring(value) return row_text(in_order(value), #names) end
  function class.__plain(value)
    local copy = {}
    for _, name in ipairs(names) do copy[name] = rawget(value, name) == nil and null or rawget(value, name) end
    return copy
  end
  return class
end

---A reader for a composite type: a table of its fields by name, where a NULL is nil. It writes itself as it was read.
---@param names string[]
---@param read (fun(text: string): any)[] for each field
---@return fun(text: string): table
function M.reader(names, read)
  local class = class_of(names)
  return function(text)
    local texts, value = M.split(text), {}
    if #texts ~= #names then broken(text) end
    for i, field in ipairs(texts) do
      if field then value[names[i]] = read[i](field) end
    end
    return setmetatable(value, class)
  end
end

return M
