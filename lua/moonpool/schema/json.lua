--- JSON of facts: one spelling for one value, so that equal facts are equal text.
--
-- Keys are sorted, nothing is padded, a table with a first element (or none) is an array unless it has string keys.
-- Only what facts hold is known: strings, numbers, booleans, arrays and maps of these.

local M = {}

local ESCAPES = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function escape(c)
  return ESCAPES[c] or ("\\u%04x"):format(c:byte())
end

local function string_text(s)
  if s:find '[%c"\\\127]' then s = s:gsub('[%c"\\\127]', escape) end
  return '"' .. s .. '"'
end

local function encode(value, out)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = string_text(value)
  elseif kind == "number" then
    out[#out + 1] = value == math.floor(value) and ("%.0f"):format(value) or ("%.17g"):format(value)
  elseif kind == "boolean" then
    out[#out + 1] = value and "true" or "false"
  elseif kind == "table" then
    local key = next(value)
    if key == nil or type(key) == "number" then
      out[#out + 1] = "["
      for i, item in ipairs(value) do
        if i > 1 then out[#out + 1] = "," end
        encode(item, out)
      end
      out[#out + 1] = "]"
    else
      local keys = {}
      for k in pairs(value) do keys[#keys + 1] = k end
      table.sort(keys)
      out[#out + 1] = "{"
      for i, k in ipairs(keys) do
        out[#out + 1] = (i > 1 and "," or "") .. string_text(k) .. ":"
        encode(value[k], out)
      end
      out[#out + 1] = "}"
    end
  else
    error(("a fact cannot hold a %s"):format(kind))
  end
end

--- The one JSON text of a value.
---@param value any
---@return string
function M.encode(value)
  if type(value) == "string" then return string_text(value) end
  local out = {}
  encode(value, out)
  return table.concat(out)
end

local UNESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function utf8(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40) end
  if code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return string.char(0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
    0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

local function fail(text, at, what)
  error(("%s at byte %d, near %q"):format(what, at, text:sub(at, at + 20)), 0)
end

local function decode_string(text, at)
  local out, from = nil, at + 1
  while true do
    local stop = text:find('["\\]', from)
    if not stop then fail(text, at, "a string without an end") end
    if text:byte(stop) == 34 then
      local piece = text:sub(from, stop - 1)
      if not out then return piece, stop + 1 end
      out[#out + 1] = piece
      return table.concat(out), stop + 1
    end
    out = out or {}
    out[#out + 1] = text:sub(from, stop - 1)
    local c = text:sub(stop + 1, stop + 1)
    if c == "u" then
      local code = tonumber(text:sub(stop + 2, stop + 5), 16)
      if not code then fail(text, stop, "a broken \\u escape") end
      from = stop + 6
      if code >= 0xD800 and code < 0xDC00 then
        local low = tonumber(text:match("^\\u(%x%x%x%x)", from) or "", 16)
        if not low then fail(text, stop, "half a surrogate pair") end
        code, from = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00), from + 6
      end
      out[#out + 1] = utf8(code)
    else
      out[#out + 1] = UNESCAPES[c] or fail(text, stop, "an unknown escape")
      from = stop + 2
    end
  end
end

local decode_value

local function decode_list(text, at, close, item)
  at = text:find("%S", at + 1) or #text + 1
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = text:find("%S", item(at)) or #text + 1
    local c = text:sub(at, at)
    if c == close then return at + 1 end
    if c ~= "," then fail(text, at, ("expected ',' or '%s'"):format(close)) end
    at = text:find("%S", at + 1) or #text + 1
  end
end

local WORDS = { t = { "true", true }, f = { "false", false }, n = { "null", nil } }

function decode_value(text, at)
  at = text:find("%S", at) or #text + 1
  local c = text:sub(at, at)
  if c == '"' then return decode_string(text, at) end
  local value = {}
  if c == "{" then
    at = decode_list(text, at, "}", function(p)
      if text:sub(p, p) ~= '"' then fail(text, p, "expected a key") end
      local key, after = decode_string(text, p)
      after = text:match("^%s*:()", after) or fail(text, after, "expected ':'")
      value[key], after = decode_value(text, after)
      return after
    end)
    return value, at
  elseif c == "[" then
    at = decode_list(text, at, "]", function(p)
      local after
      value[#value + 1], after = decode_value(text, p)
      return after
    end)
    return value, at
  end
  local word = WORDS[c]
  if word and text:sub(at, at + #word[1] - 1) == word[1] then return word[2], at + #word[1] end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  if not number then fail(text, at, "expected a value") end
  return tonumber(number), at + #number
end

--- Reads one JSON value; raises with the place when it is none.
---@param text string
---@return any
function M.decode(text)
  local value, at = decode_value(text, 1)
  if text:find("%S", at) then fail(text, at, "text behind the value") end
  return value
end

return M
