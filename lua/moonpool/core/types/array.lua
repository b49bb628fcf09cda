--- PostgreSQL's array literal as tables: nested, with NULL as moonpool.null, bounds left aside.

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

local function item(text, at, decode)
  local value, after
  if byte(text, at) == 34 then
    value, after = quoted(text, at)
  else
    after = find(text, "[,}]", at) or broken(text, at)
    value = sub(text, at, after - 1)
    if value == "NULL" then return null, after end
  end
  return decode(pointer(value), #value), after
end

local function list(text, at, decode)
  local items, n = setmetatable({}, Array), 0
  at = at + 1
  if byte(text, at) == 125 then return items, at + 1 end
  while true do
    n = n + 1
    if byte(text, at) == 123 then
      items[n], at = list(text, at, decode)
    else
      items[n], at = item(text, at, decode)
    end
    local what = byte(text, at)
    if what == 125 then return items, at + 1 end
    if what ~= 44 then broken(text, at) end
    at = at + 1
  end
end

---A decoder for arrays of what `decode` reads.
---@param decode fun(p: ffi.cdata*, n: integer): any
---@return fun(p: ffi.cdata*, n: integer): moonpool.Array
function M.of(decode)
  return function(p, n)
    local text = ffi.string(p, n)
    local bounds = byte(text, 1) == 91 and find(text, "=", 1, true) or 0
    if byte(text, bounds + 1) ~= 123 then broken(text, bounds + 1) end
    return (list(text, bounds + 1, decode))
  end
end

return M
