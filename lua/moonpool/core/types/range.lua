--- Ranges: `moonpool.range(1, 5)` is `[1,5)`; nil leaves an end open. A column reads as one when its settings
--- say so (`types = { int4range = moonpool.range }`), else as its text.

local errors = require "moonpool.core.error"
local guard = require "moonpool.core.guard"
local marks = require "moonpool.core.marks"
local params = require "moonpool.core.params"

local M = {}

local find, sub, byte = string.find, string.sub, string.byte

---@class moonpool.Range
---@field lower any nil when the range has no lower end
---@field upper any
---@field bounds "[)"|"[]"|"(]"|"()"
---@field empty boolean|nil
local Range = {}
Range.__index = Range

local known = { ["[)"] = true, ["[]"] = true, ["(]"] = true, ["()"] = true }

local function broken(text)
  errors.misuse("%q is not a range; one looks like [1,5), (,2026-01-01] or empty", text)
end

-- One end of a range from `at` on: its text (nil when it is open) and where the text goes on.
local function read_end(text, at)
  local value, any = "", false
  while true do
    local c = byte(text, at) or broken(text)
    if c == 34 then
      any = true
      local from = at + 1
      while true do
        local stop = find(text, '["\\]', from) or broken(text)
        value = value .. sub(text, from, stop - 1)
        if byte(text, stop) == 92 then
          value, from = value .. sub(text, stop + 1, stop + 1), stop + 2
        elseif byte(text, stop + 1) == 34 then
          value, from = value .. '"', stop + 2
        else
          at = stop + 1
          break
        end
      end
    elseif c == 44 or c == 93 or c == 41 then
      return any and value or nil, at
    else
      any = true
      if c == 92 then at, c = at + 1, byte(text, at + 1) or broken(text) end
      value, at = value .. string.char(c), at + 1
    end
  end
end

-- A range from `at` on and where the text goes on; `read` makes values of the texts of its ends.
local function parse(text, at, read)
  if sub(text, at, at + 4):lower() == "empty" then
    return setmetatable({ empty = true, bounds = "[)" }, Range), at + 5
  end
  local open = sub(text, at, at)
  if open ~= "[" and open ~= "(" then broken(text) end
  local lower, upper, after
  lower, after = read_end(text, at + 1)
  if byte(text, after) ~= 44 then broken(text) end
  upper, after = read_end(text, after + 1)
  local close = sub(text, after, after)
  if close == "," then broken(text) end
  local range = { bounds = open .. close }
  if lower ~= nil then range.lower = read(lower) end
  if upper ~= nil then range.upper = read(upper) end
  return setmetatable(range, Range), after + 1
end

local function itself(text) return text end

---Reads PostgreSQL's text of a range.
---@param text string
---@param read (fun(text: string): any)|nil makes values of its ends; without it they are texts
---@return moonpool.Range
function M.parse(text, read)
  local range, after = parse(text, 1, read or itself)
  if after <= #text then broken(text) end
  return range
end

---Reads PostgreSQL's text of a multirange.
---@param text string
---@param read (fun(text: string): any)|nil
---@return moonpool.Multirange
function M.parse_many(text, read)
  local list, at = {}, 2
  if sub(text, 1, 1) ~= "{" then broken(text) end
  while sub(text, at, at) ~= "}" do
    list[#list + 1], at = parse(text, at, read or itself)
    if sub(text, at, at) == "," then at = at + 1 end
  end
  if at < #text then broken(text) end
  return M.multirange(list)
end

---A range from its ends, `moonpool.range(1, 5, "[]")`, or from its text, `moonpool.range "[1,5)"`.
---@param lower any nil: open; alone and a string: the whole range
---@param ... any upper, then bounds ("[)" when left out)
---@return moonpool.Range
function M.range(lower, ...)
  local count = select("#", ...)
  if count == 0 and type(lower) == "string" then return M.parse(lower) end
  local upper, bounds = ...
  if bounds == nil then bounds = "[)" end
  if not known[bounds] then
    errors.misuse('the bounds of a range are "[)", "[]", "(]" or "()", got %s', errors.show(bounds))
  end
  return setmetatable({ lower = lower, upper = upper, bounds = bounds }, Range)
end

local function end_text(value, name, plainly)
  if value == nil then return "" end
  local text = params.text(value, name)
  if text == nil then return "" end
  if plainly and text ~= "" and not find(text, '[%s"\\,%[%]%(%)]') then return text end
  return '"' .. text:gsub('["\\]', "\\%0") .. '"'
end

local function text_of(range, plainly)
  if range.empty then return "empty" end
  return sub(range.bounds, 1, 1) .. end_text(range.lower, "the lower end of a range", plainly) .. ","
    .. end_text(range.upper, "the upper end of a range", plainly) .. sub(range.bounds, 2)
end

function Range.__to_param(range) return text_of(range, false) end
function Range.__tostring(range) return text_of(range, true) end

function Range.__eq(a, b)
  return a.empty == b.empty and a.lower == b.lower and a.upper == b.upper and a.bounds == b.bounds
end

---Whether a value lies inside. The ends must be of the value's kind.
---@param value any
---@return boolean
function Range:contains(value)
  if self.empty then return false end
  local lower, upper = self.lower, self.upper
  local kind = type(lower ~= nil and lower or upper)
  if value == nil or (kind ~= "nil" and type(value) ~= kind) then
    errors.misuse("contains takes what the range's ends are, a %s, got %s", kind, errors.show(value))
  end
  if lower ~= nil and (value < lower or (value == lower and byte(self.bounds) == 40)) then return false end
  return upper == nil or value < upper or (value == upper and sub(self.bounds, 2) == "]")
end

---@class moonpool.Multirange: { [integer]: moonpool.Range }
local Multirange = {}
Multirange.__index = Multirange

function Multirange.__to_param(list)
  local texts = {}
  for i = 1, #list do texts[i] = text_of(list[i], false) end
  return "{" .. table.concat(texts, ",") .. "}"
end

function Multirange.__tostring(list)
  local texts = {}
  for i = 1, #list do texts[i] = text_of(list[i], true) end
  return "{" .. table.concat(texts, ",") .. "}"
end

---Whether a value lies in one of the ranges.
---@param value any
---@return boolean
function Multirange:contains(value)
  for i = 1, #self do
    if self[i]:contains(value) then return true end
  end
  return false
end

---Several ranges as one value: a list of ranges, or PostgreSQL's text `{[1,3),[5,9)}`.
---@param given moonpool.Range[]|string
---@return moonpool.Multirange
function M.multirange(given)
  if type(given) == "string" then return M.parse_many(given) end
  if type(given) ~= "table" then errors.misuse("moonpool.multirange takes a list of ranges, got a %s", type(given)) end
  local list = {}
  for i = 1, #given do
    if getmetatable(given[i]) ~= Range then
      errors.misuse("item %d of moonpool.multirange is no range (%s)", i, marks.kind(given[i]) or type(given[i]))
    end
    list[i] = given[i]
  end
  return setmetatable(list, Multirange)
end

guard.methods(Range, Range, "a range")
guard.methods(Multirange, Multirange, "a multirange")

return M
