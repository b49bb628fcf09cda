--- How many columns of a terminal a text takes, and how a text is made safe to show on one.

local bit = require "bit"
local ranges = require "moonpool.console.width_ranges"

local band, lshift, bor = bit.band, bit.lshift, bit.bor

local M = {}

local function read(text)
  local list = {}
  for from, to in text:gmatch "(%x+)%-?(%x*)" do
    list[#list + 1] = { tonumber(from, 16), tonumber(to ~= "" and to or from, 16) }
  end
  return list
end

local none, two

local function within(list, code)
  local low, high = 1, #list
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local range = list[middle]
    if code < range[1] then
      high = middle - 1
    elseif code > range[2] then
      low = middle + 1
    else
      return true
    end
  end
  return false
end

local function width_of(code)
  if code < 0x300 then return 1 end
  if not none then none, two = read(ranges.none), read(ranges.two) end
  if within(none, code) then return 0 end
  return within(two, code) and 2 or 1
end

local LEAST = { [2] = 0x80, [3] = 0x800, [4] = 0x10000 }

---The character that begins at byte i: its code point and how many bytes it has; nil and 1 where the bytes
---are no UTF-8.
---@param text string
---@param i integer
---@return integer|nil code
---@return integer bytes
function M.decode(text, i)
  local first = text:byte(i)
  if first < 0x80 then return first, 1 end
  local n = first >= 0xF0 and 4 or first >= 0xE0 and 3 or first >= 0xC2 and 2 or nil
  if not n or first > 0xF4 then return nil, 1 end
  local code = band(first, lshift(1, 7 - n) - 1)
  for k = 1, n - 1 do
    local byte = text:byte(i + k)
    if not byte or band(byte, 0xC0) ~= 0x80 then return nil, 1 end
    code = bor(lshift(code, 6), band(byte, 0x3F))
  end
  local surrogate = code >= 0xD800 and code <= 0xDFFF
  if code < LEAST[n] or surrogate or code > 0x10FFFF then return nil, 1 end
  return code, n
end

local JOINER, EMOJI_STYLE, FIRST_TONE, LAST_TONE = 0x200D, 0xFE0F, 0x1F3FB, 0x1F3FF

-- Calls see(from, bytes, columns) for each character; a true answer ends the walk.
local function walk(text, see)
  local i, last, joined = 1, 0, false
  while i <= #text do
    local code, bytes = M.decode(text, i)
    local columns = code and width_of(code) or 1
    if code == EMOJI_STYLE then
      columns = last == 1 and 1 or 0
    elseif joined or (code and code >= FIRST_TONE and code <= LAST_TONE and last == 2) then
      columns = 0
    end
    joined = code == JOINER
    if columns > 0 then last = columns end
    if see(i, bytes, columns) then return end
    i = i + bytes
  end
end

---Columns that a text without control characters takes.
---@param text string
---@return integer
function M.columns(text)
  if not text:find "[\128-\255]" then return #text end
  local total = 0
  walk(text, function(_, _, columns) total = total + columns end)
  return total
end

---The text cut to so many columns, with … at its end where something was left out.
---@param text string
---@param most integer
---@return string
function M.shorten(text, most)
  if M.columns(text) <= most then return text end
  local total, kept = 0, 0
  walk(text, function(from, bytes, columns)
    if total + columns > most - 1 then return true end
    total, kept = total + columns, from + bytes - 1
  end)
  return text:sub(1, kept) .. "…"
end

local named = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

-- Characters that turn the direction of what follows: they could make a line read as something else.
local function turns(code)
  return (code >= 0x202A and code <= 0x202E) or (code >= 0x2066 and code <= 0x2069) or code == 0x200E
    or code == 0x200F or code == 0x2028 or code == 0x2029
end

local function escape_foreign(text)
  local parts, i = {}, 1
  while i <= #text do
    local code, bytes = M.decode(text, i)
    if not code then
      parts[#parts + 1] = ("\\x%02x"):format(text:byte(i))
    elseif (code >= 0x80 and code < 0xA0) or turns(code) then
      parts[#parts + 1] = ("\\u{%x}"):format(code)
    else
      parts[#parts + 1] = text:sub(i, i + bytes - 1)
    end
    i = i + bytes
  end
  return table.concat(parts)
end

---The text with everything in it shown that would move the cursor, change colours, turn the direction of
---writing or is no UTF-8: "\n", "\x1b", "\u{202e}". `keep_lines` leaves line breaks as they are.
---@param text string
---@param keep_lines boolean|nil
---@return string
function M.safe(text, keep_lines)
  if text:find "[%z\1-\31\127]" then
    text = text:gsub("[%z\1-\31\127]", function(c)
      if keep_lines and c == "\n" then return c end
      return named[c] or ("\\x%02x"):format(c:byte())
    end)
  end
  if not text:find "[\128-\255]" then return text end
  return escape_foreign(text)
end

return M
