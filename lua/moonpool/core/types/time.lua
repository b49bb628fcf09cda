--- Dates and times as ISO 8601, every digit kept: 2026-01-02T03:04:05.678+00:00. What PostgreSQL does not
--- write in its ISO style (infinity, another DateStyle) stays as it is.

local ffi = require "ffi"

local text = ffi.string

local M = {}

local MOST = 64
local scratch = ffi.new("char[?]", MOST)

-- 2026-01-02 03:04:05: dashes and the blank where ISO style has them for years of four digits.
local function is_iso(p, n)
  return n >= 19 and n < MOST - 3 and p[4] == 45 and p[7] == 45 and p[10] == 32
end

local function is_sign(byte)
  return byte == 43 or byte == 45
end

---timestamp
function M.timestamp(p, n)
  if is_iso(p, n) then
    ffi.copy(scratch, p, n)
    scratch[10] = 84
    return text(scratch, n)
  end
  return (text(p, n):gsub("^(%d%d%d%d+%-%d%d%-%d%d) (%d)", "%1T%2"))
end

---timestamptz
function M.timestamptz(p, n)
  if is_iso(p, n) and is_sign(p[n - 3]) then
    ffi.copy(scratch, p, n)
    scratch[10] = 84
    scratch[n], scratch[n + 1], scratch[n + 2] = 58, 48, 48
    return text(scratch, n + 3)
  end
  local iso = text(p, n):gsub("^(%d%d%d%d+%-%d%d%-%d%d) (%d)", "%1T%2")
  if not iso:find("T", 1, true) then return iso end
  return (iso:gsub("([+-]%d%d)( ?B?C?)$", "%1:00%2"))
end

---timetz
function M.timetz(p, n)
  return (text(p, n):gsub("^(%d%d:%d%d:%d%d%.?%d*[+-]%d%d)$", "%1:00"))
end

return M
