--- JSON, both ways. Reading keeps which tables were arrays and which were objects, and what a Lua number would
--- change (an integer beyond 2^53, 1e400) is a moonpool.decimal; writing sorts keys, so that equal values give equal
--- text.

local decimals = require "moonpool.core.types.decimal"
local errors = require "moonpool.core.error"
local marks = require "moonpool.core.marks"
local native = require "moonpool.core.ffi"
local null = require "moonpool.core.null"
local number = require "moonpool.core.number"
local sequence = require "moonpool.core.sequence"

local C = native.C
local byte, char, find, match, sub = string.byte, string.char, string.find, string.match, string.sub
local JsonArray, Object = marks.JsonArray, marks.Object

local M = {}

---How deep arrays and objects may lie in one another.
M.MAX_DEPTH = 1000
local MAX_EXACT = 2 ^ 53

-- Reading ------------------------------------------------------------------------------------

local function broken(text, at, expected)
  local found = at > #text and "the end" or ('"%s"'):format(sub(text, at, at + 15))
  errors.misuse("this is not JSON: expected %s at byte %d, found %s", expected, at, found)
end

local function skip(text, at)
  return find(text, "[^ \t\r\n]", at) or #text + 1
end

local escapes = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local function utf8(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then
    return char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
  end
  return char(0xF0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64,
    0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

-- `at` is that of the u; returns the character and the place behind the escape.
local function read_unicode(text, at)
  local high = match(text, "^u(%x%x%x%x)", at)
  if not high then broken(text, at, "four hexadecimal digits after \\u") end
  local code = tonumber(high, 16)
  if code >= 0xD800 and code <= 0xDBFF then
    local low = match(text, "^\\u(%x%x%x%x)", at + 5)
    low = low and tonumber(low, 16)
    if not low or low < 0xDC00 or low > 0xDFFF then broken(text, at + 5, "the second half of a surrogate pair") end
    return utf8(0x10000 + (code - 0xD800) * 1024 + (low - 0xDC00)), at + 11
  end
  if code >= 0xDC00 and code <= 0xDFFF then broken(text, at, "a character, not half of one") end
  return utf8(code), at + 5
end

-- `at` is that of the opening quote.
local function read_string(text, at)
  local from, pieces = at + 1, nil
  while true do
    local stop = find(text, '["\\%z\1-\31]', from)
    local what = stop and byte(text, stop)
    if what == 34 then
      local last = sub(text, from, stop - 1)
      if not pieces then return last, stop + 1 end
      pieces[#pieces + 1] = last
      return table.concat(pieces), stop + 1
    elseif what ~= 92 then
      broken(text, stop or #text + 1, 'a closing "')
    end
    pieces = pieces or {}
    pieces[#pieces + 1] = sub(text, from, stop - 1)
    local letter = sub(text, stop + 1, stop + 1)
    local plain = escapes[letter]
    if plain then
      pieces[#pieces + 1], from = plain, stop + 2
    elseif letter == "u" then
      pieces[#pieces + 1], from = read_unicode(text, stop + 1)
    else
      broken(text, stop, "an escape that JSON knows")
    end
  end
end

-- Whether a Lua number says all that the digits said: they are its shortest form, or one of the longer ones that
-- writers of doubles use.
local function is_same(value, exact)
  if not number.is_finite(value) then return false end
  return exact == decimals.decimal(value) or exact == decimals.decimal(("%.16g"):format(value))
    or exact == decimals.decimal(("%.17g"):format(value))
end

local function read_number(text, at)
  local digits, after = match(text, "^(%-?%d+)()", at)
  if not digits or find(digits, "^%-?0%d") then broken(text, at, "a value") end
  local fraction = match(text, "^%.%d+()", after)
  local exponent = match(text, "^[eE][+-]?%d+()", fraction or after)
  local stop = exponent or fraction or after
  local value = tonumber(sub(text, at, stop - 1))
  -- So few digits survive in a double.
  if stop - at <= 15 and not exponent or stop == after and value < MAX_EXACT and value > -MAX_EXACT then
    return value, stop
  end
  local exact = decimals.decimal(sub(text, at, stop - 1))
  return is_same(value, exact) and value or exact, stop
end

local words = { t = { "true", true }, f = { "false", false }, n = { "null", null } }

local read_value

local function read_array(text, at, depth)
  local list, n = {}, 0
  at = skip(text, at + 1)
  if byte(text, at) == 93 then return setmetatable(list, JsonArray), at + 1 end
  while true do
    n = n + 1
    list[n], at = read_value(text, at, depth)
    at = skip(text, at)
    local what = byte(text, at)
    if what == 93 then return setmetatable(list, JsonArray), at + 1 end
    if what ~= 44 then broken(text, at, '"," or "]"') end
    at = skip(text, at + 1)
  end
end

local function read_object(text, at, depth)
  local map = {}
  at = skip(text, at + 1)
  if byte(text, at) == 125 then return setmetatable(map, Object), at + 1 end
  while true do
    if byte(text, at) ~= 34 then broken(text, at, "a name in quotes") end
    local name, after = read_string(text, at)
    at = skip(text, after)
    if byte(text, at) ~= 58 then broken(text, at, '":"') end
    map[name], at = read_value(text, skip(text, at + 1), depth)
    at = skip(text, at)
    local what = byte(text, at)
    if what == 125 then return setmetatable(map, Object), at + 1 end
    if what ~= 44 then broken(text, at, '"," or "}"') end
    at = skip(text, at + 1)
  end
end

function read_value(text, at, depth)
  local what = byte(text, at)
  if what == 34 then return read_string(text, at) end
  if what == 123 or what == 91 then
    if depth == M.MAX_DEPTH then errors.misuse("this JSON is nested more than %d deep", M.MAX_DEPTH) end
    if what == 123 then return read_object(text, at, depth + 1) end
    return read_array(text, at, depth + 1)
  end
  local word = words[sub(text, at, at)]
  if word then
    local stop = at + #word[1]
    if sub(text, at, stop - 1) ~= word[1] then broken(text, at, word[1]) end
    return word[2], stop
  end
  return read_number(text, at)
end

---Reads a document. JSON's null is moonpool.null; arrays and objects carry their mark.
---@param text string
---@return any
function M.decode(text)
  if type(text) ~= "string" then errors.misuse("JSON is read from a string, got a %s", type(text)) end
  local value, after = read_value(text, skip(text, 1), 0)
  after = skip(text, after)
  if after <= #text then broken(text, after, "the end") end
  return value
end

-- Writing ------------------------------------------------------------------------------------

local short = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r",
  ["\t"] = "\\t" }

local function escape(c)
  return short[c] or ("\\u%04x"):format(byte(c))
end

local function at_path(path)
  return #path == 0 and "the value" or '"' .. table.concat(path, ".") .. '"'
end

local function refuse(path, message, ...)
  errors.misuse("%s cannot be written as JSON: " .. message, at_path(path), ...)
end

local function write_string(out, text, path)
  local good = tonumber(C.mp_valid_text_prefix(text, #text))
  if good < #text then
    refuse(path, "it holds %s at byte %d", byte(text, good + 1) == 0 and "a zero byte" or "broken UTF-8", good + 1)
  end
  out[#out + 1] = '"' .. text:gsub('["\\%z\1-\31]', escape) .. '"'
end

local write

local function write_array(out, list, path)
  local n, foreign = sequence.length(list)
  if not n then refuse(path, "it is an array and has the key %s", errors.name(foreign)) end
  local hole = sequence.hole(list, n)
  if hole then refuse(path, "item %d of %d is nil (JSON's null is moonpool.null)", hole, n) end
  out[#out + 1] = "["
  for i = 1, n do
    if i > 1 then out[#out + 1] = "," end
    path[#path + 1] = tostring(i)
    write(out, rawget(list, i), path)
    path[#path] = nil
  end
  out[#out + 1] = "]"
end

local function write_object(out, map, path)
  local names, foreign = sequence.names(map)
  if not names then refuse(path, "it is an object and has the key %s, which is no string", errors.name(foreign)) end
  out[#out + 1] = "{"
  for i, name in ipairs(names) do
    if i > 1 then out[#out + 1] = "," end
    path[#path + 1] = name
    write_string(out, name, path)
    out[#out + 1] = ":"
    write(out, rawget(map, name), path)
    path[#path] = nil
  end
  out[#out + 1] = "}"
end

local function write_table(out, value, path)
  local kind = marks.kind(value)
  if kind == "json" then return write(out, value.value, path) end
  if kind == "bytea" then refuse(path, "it is bytes; JSON holds text") end
  local metatable = getmetatable(value)
  if kind == "param" then
    local to_json = rawget(metatable, "__to_json")
    if to_json then
      out[#out + 1] = to_json(value)
      return
    elseif not rawget(metatable, "__plain") then
      return write_string(out, marks.writer(value)(value), path)
    end
    kind = nil
  end
  local plain = not kind and type(metatable) == "table" and rawget(metatable, "__plain")
  if plain then value = plain(value) end
  if path[value] then refuse(path, "it contains itself") end
  if #path >= M.MAX_DEPTH then refuse({}, "it is nested more than %d deep", M.MAX_DEPTH) end
  path[value] = true
  if kind == "array" or kind == "json_array" or (not kind and rawget(value, 1) ~= nil) then
    write_array(out, value, path)
  elseif kind == "object" or next(value) ~= nil then
    write_object(out, value, path)
  else
    refuse(path, "an empty table may be [] or {}; say moonpool.array{} or moonpool.object{}")
  end
  path[value] = nil
end

function write(out, value, path)
  local kind = type(value)
  if value == null then
    out[#out + 1] = "null"
  elseif kind == "string" then
    write_string(out, value, path)
  elseif kind == "number" then
    if not number.is_finite(value) then refuse(path, "JSON has no %s", tostring(value)) end
    out[#out + 1] = number.text(value)
  elseif kind == "boolean" then
    out[#out + 1] = tostring(value)
  elseif kind == "table" then
    write_table(out, value, path)
  else
    out[#out + 1] = kind == "cdata" and number.digits(value) or refuse(path, "it is a %s", kind)
  end
end

---Writes a value as a document. Refuses, naming the place, what JSON cannot say.
---@param value any
---@return string
function M.encode(value)
  local out = {}
  write(out, value, {})
  return table.concat(out)
end

return M
