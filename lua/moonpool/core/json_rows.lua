--- Rows as JSON objects: columns in their order, numbers digit by digit as PostgreSQL wrote them.

local ffi = require "ffi"
local json = require "moonpool.core.json"
local native = require "moonpool.core.ffi"
local number = require "moonpool.core.number"

local C, length = native.C, native.length

local M = {}

-- Types whose text is a JSON number, unless it is NaN or an infinity.
local numbers = { [20] = true, [21] = true, [23] = true, [700] = true, [701] = true, [1700] = true }
local documents = { [114] = true, [3802] = true }
local BYTEA = 17

-- As PostgreSQL writes it.
local function bytes_text(bytes)
  return '"\\\\x' .. bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end) .. '"'
end

local function value_text(shape, column, p)
  local oid, codec = shape.types[column], shape.codec
  if not codec:is_own(oid) then
    if documents[oid] then return ffi.string(p, length[0]) end
    if numbers[oid] then
      local text = ffi.string(p, length[0])
      return text:find "^-?%d" and text or '"' .. text .. '"'
    end
    if oid == BYTEA then return bytes_text(shape.decode[column](p, tonumber(length[0]))) end
  end
  local text = ffi.string(p, length[0])
  local ok, document = pcall(json.encode, shape.decode[column](p, #text))
  -- What JSON cannot say, an array of bytes, is told as PostgreSQL writes it.
  return ok and document or json.encode(text)
end

---A value that was read already, as JSON.
---@param shape moonpool.Shape
---@param column integer
---@param value any nil is null
---@return string
function M.value(shape, column, value)
  if value == nil then return "null" end
  if shape.types[column] == BYTEA and type(value) == "string" and not shape.codec:is_own(BYTEA) then
    return bytes_text(value)
  end
  if numbers[shape.types[column]] then
    if type(value) == "string" and value:find "^-?%d" and not shape.codec:is_own(shape.types[column]) then
      return value
    end
    if type(value) == "number" and not number.is_finite(value) then
      return value ~= value and '"NaN"' or value > 0 and '"Infinity"' or '"-Infinity"'
    end
  end
  return json.encode(value)
end

---Writes one row of a shape: writer(handle, row), rows counted from 0.
---@param shape moonpool.Shape
---@return fun(handle: ffi.cdata*, row: integer): string
function M.writer(shape)
  local heads, columns = {}, {}
  for i, name in ipairs(shape.names) do
    -- Of two columns with one name the last is meant by it.
    if shape.columns[name] == i then
      heads[#heads + 1] = (#heads > 0 and "," or "") .. json.encode(name) .. ":"
      columns[#columns + 1] = i
    end
  end
  return function(handle, row)
    local parts = {}
    for k = 1, #columns do
      local p = C.mp_result_value(handle, row, columns[k] - 1, length)
      parts[k] = heads[k] .. (p == nil and "null" or value_text(shape, columns[k], p))
    end
    return "{" .. table.concat(parts) .. "}"
  end
end

return M
