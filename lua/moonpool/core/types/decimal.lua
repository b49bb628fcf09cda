--- Decimal numbers of any length, exactly: `moonpool.decimal "0.1" + "0.2" == moonpool.decimal "0.3"`. A result has
--- as many digits behind the point as its operands need; only division must be told how many are wanted.

local errors = require "moonpool.core.error"
local guard = require "moonpool.core.guard"
local magnitude = require "moonpool.core.types.magnitude"
local number = require "moonpool.core.number"

local M = {}

---@class moonpool.Decimal
---@operator add(moonpool.Decimal|number|string): moonpool.Decimal
---@operator sub(moonpool.Decimal|number|string): moonpool.Decimal
---@operator mul(moonpool.Decimal|number|string): moonpool.Decimal
---@operator unm: moonpool.Decimal
---@field private digits string of the whole number value * 10^scale, without sign and leading zeros
---@field private scale integer digits behind the point
---@field private negative boolean
---@field private special "NaN"|"Infinity"|"-Infinity"|nil
local Decimal = {}
Decimal.__index = Decimal

local MOST_SCALE = 16383

local function make(digits, scale, negative)
  digits = digits:gsub("^0+", "")
  if digits == "" then digits, negative = "0", false end
  return setmetatable({ digits = digits, scale = scale, negative = negative }, Decimal)
end

local specials = {
  nan = "NaN", infinity = "Infinity", inf = "Infinity", ["+infinity"] = "Infinity", ["-infinity"] = "-Infinity",
  ["-inf"] = "-Infinity",
}

local function refuse(given)
  errors.misuse("moonpool.decimal takes the digits of a number, such as \"12.50\", got %s",
    type(given) == "string" and ("%q"):format(given) or type(given))
end

local function parse(given)
  local sign, whole, rest = given:match "^%s*([+-]?)(%d*)(.-)%s*$"
  local fraction, exponent = rest:match "^%.(%d*)(.*)$"
  if not fraction then fraction, exponent = "", rest end
  local power = 0
  if exponent ~= "" then
    power = tonumber(exponent:match "^[eE]([+-]?%d+)$") or refuse(given)
  end
  if whole == "" and fraction == "" then refuse(given) end
  if math.abs(power) > 200000 then refuse(given) end
  local digits, scale = whole .. fraction, #fraction - power
  if scale < 0 then digits, scale = digits .. ("0"):rep(-scale), 0 end
  return make(digits, scale, sign == "-")
end

---A decimal from digits ("12.50", "-1e-7"), a number, a 64-bit integer, or a decimal. NaN and the infinities, which
---a numeric column can hold, are values too, with which nothing can be reckoned.
---@param given string|number|moonpool.Decimal|ffi.cdata*
---@return moonpool.Decimal
function M.decimal(given)
  local kind = type(given)
  if getmetatable(given) == Decimal then return given end
  if kind == "string" then
    local special = specials[given:lower()]
    if special then return setmetatable({ special = special }, Decimal) end
    return parse(given)
  elseif kind == "number" then
    if given ~= given then return M.decimal "NaN" end
    if not number.is_finite(given) then return M.decimal(given > 0 and "Infinity" or "-Infinity") end
    return parse(number.text(given))
  end
  return parse(kind == "cdata" and number.digits(given) or refuse(given))
end

local decimal = M.decimal

-- Two operands with as many digits behind the point.
local function aligned(a, b)
  a, b = decimal(a), decimal(b)
  local odd = a.special or b.special
  if odd then errors.misuse("nothing can be reckoned with %s", odd) end
  local scale = math.max(a.scale, b.scale)
  return a, b, a.digits .. ("0"):rep(scale - a.scale), b.digits .. ("0"):rep(scale - b.scale), scale
end

local function add(a, b, flip)
  local x, y, p, q, scale = aligned(a, b)
  local minus = y.negative ~= flip
  if x.negative == minus then return make(magnitude.add(p, q), scale, x.negative) end
  local order = magnitude.compare(p, q)
  if order == 0 then return make("0", scale, false) end
  if order > 0 then return make(magnitude.subtract(p, q), scale, x.negative) end
  return make(magnitude.subtract(q, p), scale, minus)
end

function Decimal.__add(a, b) return add(a, b, false) end
function Decimal.__sub(a, b) return add(a, b, true) end

function Decimal.__mul(a, b)
  local x, y = aligned(a, b)
  return make(magnitude.multiply(x.digits, y.digits), x.scale + y.scale, x.negative ~= y.negative)
end

function Decimal.__unm(a)
  if a.special then return aligned(a, 0) end
  return make(a.digits, a.scale, not a.negative)
end

function Decimal.__div()
  errors.misuse "a quotient may have no end: say how many digits you want behind the point, a:div(b, 2)"
end

local function compare(a, b)
  local x, y, p, q = aligned(a, b)
  if x.negative ~= y.negative then return x.negative and -1 or 1 end
  local order = magnitude.compare(p, q)
  return x.negative and -order or order
end

function Decimal.__eq(a, b)
  if a.special or b.special then return a.special == b.special and a.special ~= "NaN" end
  return compare(a, b) == 0
end

function Decimal.__lt(a, b) return compare(a, b) < 0 end
function Decimal.__le(a, b) return compare(a, b) <= 0 end

-- digits / divisor, a half away from zero.
local function rounded(digits, divisor)
  local quotient, rest = magnitude.divide(digits, divisor)
  if magnitude.compare(magnitude.add(rest, rest), divisor) >= 0 then quotient = magnitude.add(quotient, "1") end
  return quotient
end

local function check_scale(scale, method)
  if type(scale) ~= "number" or scale < 0 or scale % 1 ~= 0 or scale > MOST_SCALE then
    errors.misuse("%s takes how many digits there are to be behind the point, got %s", method, tostring(scale))
  end
end

---This with so many digits behind the point; a half is rounded away from zero, as PostgreSQL does.
---@param scale integer
---@return moonpool.Decimal
function Decimal:round(scale)
  check_scale(scale, "round")
  local x = aligned(self, 0)
  if scale >= x.scale then return make(x.digits .. ("0"):rep(scale - x.scale), scale, x.negative) end
  return make(rounded(x.digits, "1" .. ("0"):rep(x.scale - scale)), scale, x.negative)
end

---This divided by another, with so many digits behind the point.
---@param by moonpool.Decimal|number|string
---@param scale integer
---@return moonpool.Decimal
function Decimal:div(by, scale)
  check_scale(scale, "div")
  local x, y, p, q = aligned(self, by)
  if y.digits == "0" then errors.misuse "a decimal was divided by zero" end
  return make(rounded(p .. ("0"):rep(scale), q), scale, x.negative ~= y.negative)
end

---@return moonpool.Decimal
function Decimal:abs()
  local x = aligned(self, 0)
  return make(x.digits, x.scale, false)
end

---The nearest number of Lua's own; digits may be lost.
---@return number
function Decimal:tonumber()
  if self.special == "NaN" then return 0 / 0 end
  if self.special then return self.special == "Infinity" and math.huge or -math.huge end
  return tonumber(tostring(self))
end

function Decimal:__tostring()
  if self.special then return self.special end
  local digits, scale = self.digits, self.scale
  if scale > 0 then
    digits = ("0"):rep(scale + 1 - #digits) .. digits
    digits = digits:sub(1, -scale - 1) .. "." .. digits:sub(-scale)
  end
  return self.negative and "-" .. digits or digits
end

function Decimal.__concat(a, b) return tostring(a) .. tostring(b) end

Decimal.__to_param = Decimal.__tostring

function Decimal.__to_json(value)
  return value.special and '"' .. value.special .. '"' or tostring(value)
end

---@param value any
---@return boolean
function M.is_decimal(value)
  return getmetatable(value) == Decimal
end

guard.methods(Decimal, Decimal, "a decimal")

return M
