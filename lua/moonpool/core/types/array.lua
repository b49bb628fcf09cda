--- PostgreSQL's array literal as tables: nested, with NULL as moonpool.null. Indexes begin at 1 in Lua; where they
--- do not in PostgreSQL, `[0:1]={a,b}`, the array remembers its bounds and is written with them.

local errors = require "moonpool.core.error"
local ffi = require "ffi"
local marks = require "moonpool.core.marks"
local null = require "moonpool.core.null"

local M = {}

local byte, find, sub = string.byte, string.find, string.sub
local pointer = ffi.typeof "const char*"
local Array = marks.Array

local function broken(text, at)
  error(errors.new { kind = "protocol", message = ("not an array literal at byte %d: %s"):format(at, text) }, 0)
end

-- `at` is that of the opening quote.
local function quoted(text, at)
  local from, pieces = at + 1, ""
  while true do
    local stop = find(text, '["\\]', from) or broken(text, at)
    pieces = pieces .. sub(text, from, stop - 1)
    if byte(text, stop) == 34 then return pieces, stop + 1 end
    pieces, from = pieces .. sub(text, stop + 1, stop + 1), stop + 2
  end
end

local function item(text, at, decode, ends)
  local value, after
  if byte(text, at) == 34 then
    value, after = quoted(text, at)
  else
    after = find(text, ends, at) or broken(text, at)
    value = sub(text, at, after - 1)
    if value == "NULL" then return null, after end
  end
  return decode(pointer(value), #value), after
end

local function list(text, at, decode, ends, between)
  local items, n = setmetatable({}, Array), 0
  at = at + 1
  if byte(text, at) == 125 then return items, at + 1 end
  while true do
    n = n + 1
    if byte(text, at) == 123 then
      items[n], at = list(text, at, decode, ends, between)
    else
      items[n], at = item(text, at, decode, ends)
    end
    local what = byte(text, at)
    if what == 125 then return items, at + 1 end
    if what ~= between then broken(text, at) end
    at = at + 1
  end
end

---A decoder for arrays of what `decode` reads.
---@param decode fun(p: ffi.cdata*, n: integer): any
---@param delimiter string|nil "," unless it is a box's ";"
---@return fun(p: ffi.cdata*, n: integer): moonpool.Array
function M.of(decode, delimiter)
  delimiter = delimiter or ","
  local ends, between = "[" .. delimiter .. "}]", byte(delimiter)
  return function(p, n)
    local text = ffi.string(p, n)
    local bounds = byte(text, 1) == 91 and find(text, "=", 1, true) or 0
    if byte(text, bounds + 1) ~= 123 then broken(text, bounds + 1) end
    local items, after = list(text, bounds + 1, decode, ends, between)
    if after <= #text then broken(text, after) end
    if bounds > 0 then marks.bounds[items] = sub(text, 1, bounds - 1) end
    return items
  end
end

return M
