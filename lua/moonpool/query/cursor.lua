--- Cursors: where a page ends, as text that travels in a URL.
---
--- A cursor holds the values of the order, as PostgreSQL writes them, the direction, and a sum over all of it and
--- the shape of the query. The sum is no secret: a cursor can only say where to go on, and its values are
--- parameters. It catches what is cut off, mistyped, or made for another order.

local bit = require "bit"
local errors = require "moonpool.core.error"

local M = {}

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local band, bxor, lshift, rshift, tobit = bit.band, bit.bxor, bit.lshift, bit.rshift, bit.tobit

local function to_base64(bytes)
  local out = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    for k = 0, c and 3 or b and 2 or 1 do
      local at = band(rshift(n, 18 - 6 * k), 63) + 1
      out[#out + 1] = alphabet:sub(at, at)
    end
  end
  return table.concat(out)
end

local function from_base64(text)
  if not text:find "^[%w_-]*$" then return nil end
  local out = {}
  for i = 1, #text, 4 do
    local n, got = 0, 0
    for k = 0, 3 do
      local c = text:sub(i + k, i + k)
      n = n * 64
      if c ~= "" then
        n, got = n + alphabet:find(c, 1, true) - 1, got + 1
      end
    end
    if got == 1 then return nil end
    for k = 0, got - 2 do out[#out + 1] = string.char(band(rshift(n, 16 - 8 * k), 255)) end
  end
  return table.concat(out)
end

-- FNV-1a, twice with different beginnings: 16 hexadecimal digits.
local function sum(text)
  local a, b = tobit(0x811c9dc5), tobit(0x01234567)
  for i = 1, #text do
    local byte = text:byte(i)
    a, b = bxor(a, byte), bxor(b, byte)
    a = tobit(a + lshift(a, 1) + lshift(a, 4) + lshift(a, 7) + lshift(a, 8) + lshift(a, 24))
    b = tobit(b + lshift(b, 1) + lshift(b, 4) + lshift(b, 7) + lshift(b, 8) + lshift(b, 24))
  end
  return bit.tohex(a) .. bit.tohex(b)
end

---@param shape string what the cursor belongs to
---@param forward boolean
---@param values (string|false)[] texts; false is NULL
---@return string
function M.write(shape, forward, values)
  local parts = { forward and "n" or "p" }
  for i = 1, #values do
    parts[i + 1] = values[i] and #values[i] .. ":" .. values[i] or "-"
  end
  local body = table.concat(parts)
  return to_base64(sum(shape .. "\0" .. body) .. body)
end

local function refuse()
  error(errors.new {
    kind = "invalid_cursor",
    message = "this cursor does not belong to this query: it was cut off, changed, or made for another order",
    where = errors.callers_line(),
  }, 0)
end

---Reads a cursor. Raises `invalid_cursor` for what was not written here for this shape.
---@param shape string
---@param text string
---@return boolean forward
---@return (string|false)[] values
function M.read(shape, text)
  local bytes = type(text) == "string" and #text <= 65536 and from_base64(text)
  if not bytes or #bytes < 17 then refuse() end
  local body = bytes:sub(17)
  if sum(shape .. "\0" .. body) ~= bytes:sub(1, 16) then refuse() end
  local values, i = {}, 2
  while i <= #body do
    if body:sub(i, i) == "-" then
      values[#values + 1], i = false, i + 1
    else
      local length, after = body:match("^(%d+):()", i)
      if not length or after + length - 1 > #body then refuse() end
      values[#values + 1], i = body:sub(after, after + length - 1), after + length
    end
  end
  return body:sub(1, 1) == "n", values
end

return M
