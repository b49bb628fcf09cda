--- Numbers as text that reads back as the same number.

local ffi = require "ffi"

local M = {}

local floor, format, abs = math.floor, string.format, math.abs

---Text of a finite number, with no more digits than it takes; integers below 10^21 are written without an exponent.
---@param n number
---@return string
function M.text(n)
  if n == floor(n) then
    -- tostring writes 14 digits, and -0 keeps its sign in both.
    if abs(n) < 1e14 then return tostring(n) end
    if abs(n) < 1e21 then return format("%.0f", n) end
  end
  local text = format("%.15g", n)
  if tonumber(text) == n then return text end
  text = format("%.16g", n)
  if tonumber(text) == n then return text end
  return format("%.17g", n)
end

---Whether a number is neither NaN nor infinite.
---@param n number
---@return boolean
function M.is_finite(n)
  return n - n == 0
end

local int64, uint64 = ffi.typeof "int64_t", ffi.typeof "uint64_t"

---The digits of a 64-bit integer of the FFI; nil for any other cdata.
---@param value ffi.cdata*
---@return string|nil
function M.digits(value)
  if ffi.istype(int64, value) or ffi.istype(uint64, value) then
    return (tostring(value):gsub("U?LL$", ""))
  end
  return nil
end

return M
