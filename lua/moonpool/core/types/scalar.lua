--- Numbers, truth, text and bytes, from PostgreSQL's text form. A decoder takes a pointer and a length
--- and is called for values that are not NULL; it is on the hot path and must stay compilable.

local ffi = require "ffi"

ffi.cdef [[
int atoi(const char*);
long long strtoll(const char*, char**, int);
typedef void* moonpool_locale;
moonpool_locale newlocale(int, const char*, moonpool_locale);
double strtod_l(const char*, char**, moonpool_locale);
]]

local libc, text, tonumber = ffi.C, ffi.string, tonumber

local M = {}

M.text = text

---int2, int4
function M.int(p)
  return libc.atoi(p)
end

local MAX_EXACT = 2 ^ 53

---int8, by how the user wants it.
M.int8 = {
  -- A number where a number is exact, else the digits.
  auto = function(p, n)
    local value = tonumber(libc.strtoll(p, nil, 10))
    if n <= 15 or (value < MAX_EXACT and value > -MAX_EXACT) then return value end
    if n == 16 or n == 17 then
      local digits = text(p, n)
      if digits == "9007199254740992" or digits == "-9007199254740992" then return value end
    end
    return text(p, n)
  end,
  string = text,
  cdata = function(p) return libc.strtoll(p, nil, 10) end,
  number = function(p) return tonumber(libc.strtoll(p, nil, 10)) end,
}

-- strtod without the host's decimal comma; half the time of making a Lua string first.
local LC_NUMERIC_MASK = ffi.os == "OSX" and 16 or 2
local _, plain_locale = pcall(function() return libc.strtod_l and libc.newlocale(LC_NUMERIC_MASK, "C", nil) end)

if type(plain_locale) == "cdata" and plain_locale ~= nil then
  ---float4, float8
  function M.float(p)
    return libc.strtod_l(p, nil, plain_locale)
  end
else
  function M.float(p, n)
    return tonumber(text(p, n))
  end
end

---bool
function M.bool(p)
  return p[0] == 116
end

local nibble = ffi.new "uint8_t[256]"
for i = 0, 9 do nibble[48 + i] = i end
for i = 10, 15 do nibble[87 + i], nibble[55 + i] = i, i end

-- bytea_output = escape: backslashes double, bytes that are no text as \ooo.
local function unescape(literal)
  return (literal:gsub("\\([\\0-3])([0-7]?[0-7]?)", function(first, rest)
    if first == "\\" then return "\\" .. rest end
    return string.char(tonumber(first .. rest, 8))
  end))
end

---bytea
function M.bytea(p, n)
  if n < 2 or p[0] ~= 92 or p[1] ~= 120 then return unescape(text(p, n)) end
  local size = (n - 2) / 2
  local bytes = ffi.new("uint8_t[?]", size + 1)
  local digits = ffi.cast("const uint8_t*", p)
  for i = 0, size - 1 do
    bytes[i] = nibble[digits[2 + 2 * i]] * 16 + nibble[digits[3 + 2 * i]]
  end
  return text(bytes, size)
end

return M
