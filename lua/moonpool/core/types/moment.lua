--- Points in time, exact to the microsecond, of any year that PostgreSQL knows: `moonpool.time "2026-01-02 03:04+02"`.
--- A moment with an offset is an instant; one without is what a clock on some wall shows, and the two are not compared.

local duration = require "moonpool.core.duration"
local errors = require "moonpool.core.error"
local guard = require "moonpool.core.guard"

local M = {}

local floor = math.floor
local DAY = 86400000000

---@class moonpool.Time
---@operator add(number|string): moonpool.Time
---@operator sub(moonpool.Time|number|string): any
---@field year integer as astronomers count: 0 is 1 BC
---@field month integer
---@field day integer
---@field hour integer
---@field minute integer
---@field second integer
---@field microsecond integer
---@field offset integer|nil seconds east of Greenwich; nil where no zone was said
---@field infinite 1|-1|nil
---@field private days integer since 1970-01-01, and
---@field private micros integer of that day, both in UTC where there is an offset
local Time = {}

-- Days since 1970-01-01 of a date of the Gregorian calendar, and back.
local function days_of(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = floor(year / 400)
  local of_era = year - era * 400
  local of_year = floor((153 * (month + (month > 2 and -3 or 9)) + 2) / 5) + day - 1
  return era * 146097 + of_era * 365 + floor(of_era / 4) - floor(of_era / 100) + of_year - 719468
end

local function date_of(days)
  days = days + 719468
  local era = floor(days / 146097)
  local of_era = days - era * 146097
  local year = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + floor(year / 4) - floor(year / 100))
  local shifted = floor((5 * of_year + 2) / 153)
  local month = shifted < 10 and shifted + 3 or shifted - 9
  return year + era * 400 + (month <= 2 and 1 or 0), month, of_year - floor((153 * shifted + 2) / 5) + 1
end

-- From days and microseconds of UTC (or of the wall, without an offset).
local function make(days, micros, offset)
  local carry = floor(micros / DAY)
  days, micros = days + carry, micros - carry * DAY
  local local_days, rest = days, micros + (offset or 0) * 1000000
  carry = floor(rest / DAY)
  local_days, rest = local_days + carry, rest - carry * DAY
  local year, month, day = date_of(local_days)
  local seconds = floor(rest / 1000000)
  return setmetatable({
    year = year, month = month, day = day, hour = floor(seconds / 3600), minute = floor(seconds / 60) % 60,
    second = seconds % 60, microsecond = rest - seconds * 1000000, offset = offset, days = days, micros = micros,
  }, Time)
end

local function endless(sign)
  return setmetatable({ infinite = sign }, Time)
end

local function refuse(given)
  errors.misuse("moonpool.time cannot read %s; it reads what PostgreSQL writes and ISO 8601: "
    .. "\"2026-01-02\", \"2026-01-02 03:04:05.678+02\", \"0044-03-15 BC\", \"infinity\"",
    type(given) == "string" and ("%q"):format(given) or "a " .. type(given))
end

local lengths = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function checked(given, year, month, day, micros, offset)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  if month < 1 or month > 12 or day < 1 or day > lengths[month] or month == 2 and day == 29 and not leap
    or micros < 0 or micros > DAY then
    refuse(given)
  end
  return make(days_of(year, month, day), micros - (offset or 0) * 1000000, offset)
end

local function offset_of(zone, given)
  if zone == "" then return nil end
  if zone == "Z" or zone == "z" then return 0 end
  local sign, hours, rest = zone:match "^([+-])(%d%d)(.*)$"
  if not sign then refuse(given) end
  local minutes, seconds = rest:match "^:?(%d%d):?(%d?%d?)$"
  if not minutes and rest ~= "" then refuse(given) end
  local offset = tonumber(hours) * 3600 + (tonumber(minutes) or 0) * 60 + (tonumber(seconds) or 0)
  return sign == "-" and -offset or offset
end

local function parse(given)
  local text = given:match "^%s*(.-)%s*$"
  if text == "infinity" then return endless(1) end
  if text == "-infinity" then return endless(-1) end
  local body, era = text:match "^(.-)%s+([BA][CD])$"
  local sign, year, month, day, rest = (body or text):match "^([+-]?)(%d%d%d%d+)-(%d%d)-(%d%d)(.*)$"
  if not year then refuse(given) end
  year = tonumber(sign .. year)
  if era == "BC" then year = 1 - year end
  month, day = tonumber(month), tonumber(day)
  if rest == "" then return checked(given, year, month, day, 0, nil) end
  local hour, minute, tail = rest:match "^[ T](%d%d):(%d%d)(.*)$"
  if not hour then refuse(given) end
  local second, fraction, zone = tail:match "^:(%d%d)%.?(%d*)%s*(.*)$"
  if not second then second, fraction, zone = "0", "", tail:match "^%s*(.*)$" end
  if #fraction > 6 and fraction:find("[1-9]", 7) then
    errors.misuse("moonpool.time keeps microseconds, as PostgreSQL does, and %q has more digits", given)
  end
  local micros = ((tonumber(hour) * 60 + tonumber(minute)) * 60 + tonumber(second)) * 1000000
    + tonumber((fraction .. "000000"):sub(1, 6))
  if tonumber(minute) > 59 or tonumber(second) > 60 then refuse(given) end
  return checked(given, year, month, day, micros, offset_of(zone, given))
end

local parts = { "year", "month", "day", "hour", "minute", "min", "second", "sec", "microsecond" }

---A moment from text (PostgreSQL's or ISO 8601's), from seconds since 1970 (an instant in UTC), from a table
---`{ year =, month =, day =, hour =, minute =, second =, microsecond =, offset = }`, or, of nothing, now.
---@param given string|number|table|nil
---@return moonpool.Time
function M.time(given)
  if given == nil then return make(0, os.time() * 1000000, 0) end
  if type(given) == "string" then return parse(given) end
  if getmetatable(given) == Time then return given end
  if type(given) == "number" then
    if given == math.huge then return endless(1) end
    if given == -math.huge then return endless(-1) end
    if given ~= given then refuse(given) end
    local whole = floor(given)
    local days = floor(whole / 86400)
    return make(days, (whole - days * 86400) * 1000000 + floor((given - whole) * 1000000 + 0.5), 0)
  end
  if type(given) ~= "table" or not (given.year and given.month and given.day) then refuse(given) end
  for _, part in ipairs(parts) do
    local value = given[part]
    if value ~= nil and not tonumber(value) then
      errors.misuse("the %s of a moment is a number, got %s", part, errors.show(value))
    end
  end
  local micros = (((given.hour or 0) * 60 + (given.minute or given.min or 0)) * 60 + (given.second or given.sec or 0))
    * 1000000 + (given.microsecond or 0)
  return checked("this table", given.year, given.month, given.day, micros, given.offset)
end

---Seconds since 1970, a fraction with them. Of a moment without an offset: as if it were UTC.
---@return number
function Time:epoch()
  if self.infinite then return self.infinite * math.huge end
  return self.days * 86400 + self.micros / 1000000
end

---The same instant, seen at another offset (seconds east of Greenwich, or "+02:00"); UTC when left out.
---@param offset integer|string|nil
---@return moonpool.Time
function Time:at(offset)
  if type(offset) == "string" then offset = offset_of(offset, offset) end
  if offset ~= nil and type(offset) ~= "number" then
    errors.misuse("at takes an offset, \"+02:00\" or seconds, got %s", errors.show(offset))
  end
  if self.infinite then return self end
  if not self.offset then errors.misuse "a moment without an offset is no instant; there is no telling it elsewhere" end
  return make(self.days, self.micros, offset or 0)
end

---The date alone: "2026-01-02".
---@return string
function Time:date()
  if self.infinite then return tostring(self) end
  local year = self.year > 0 and self.year or 1 - self.year
  return ("%04d-%02d-%02d%s"):format(year, self.month, self.day, self.year > 0 and "" or " BC")
end

local function text_of(time)
  if time.infinite then return time.infinite > 0 and "infinity" or "-infinity" end
  local year = time.year > 0 and time.year or 1 - time.year
  local text = ("%04d-%02d-%02dT%02d:%02d:%02d"):format(year, time.month, time.day, time.hour, time.minute, time.second)
  if time.microsecond > 0 then text = text .. ("." .. ("%06d"):format(time.microsecond)):gsub("0+$", "") end
  if time.offset then
    local offset = math.abs(time.offset)
    text = text .. ("%s%02d:%02d"):format(time.offset < 0 and "-" or "+", floor(offset / 3600), floor(offset / 60) % 60)
    if offset % 60 > 0 then text = text .. (":%02d"):format(offset % 60) end
  end
  return time.year > 0 and text or text .. " BC"
end

---@type fun(self: moonpool.Time): string
Time.__tostring = text_of
Time.__to_param = text_of
function Time.__to_json(time) return '"' .. text_of(time) .. '"' end
function Time.__concat(a, b) return tostring(a) .. tostring(b) end

local function comparable(a, b)
  if getmetatable(a) ~= Time or getmetatable(b) ~= Time then
    errors.misuse("a moment is compared with a moment, got a %s", type(getmetatable(a) == Time and b or a))
  end
  if not a.infinite and not b.infinite and (a.offset == nil) ~= (b.offset == nil) then
    errors.misuse "an instant cannot be compared with a time that has no offset: there is no telling which is earlier"
  end
end

local function compare(a, b)
  comparable(a, b)
  if a.infinite or b.infinite then return (a.infinite or 0) - (b.infinite or 0) end
  return a.days ~= b.days and a.days - b.days or a.micros - b.micros
end

function Time.__eq(a, b)
  if (a.offset == nil) ~= (b.offset == nil) and not (a.infinite and b.infinite) then return false end
  return compare(a, b) == 0
end
function Time.__lt(a, b) return compare(a, b) < 0 end
function Time.__le(a, b) return compare(a, b) <= 0 end

-- Seconds, or a length of time as text, later.
local function later(time, by, sign)
  local seconds = type(by) == "number" and by or duration.seconds(by == nil and "nil" or by, "a moment's arithmetic")
  if time.infinite then return time end
  local micros = floor(math.abs(seconds) * 1000000 + 0.5) * (seconds < 0 and -sign or sign)
  return make(time.days, time.micros + micros, time.offset)
end

function Time.__add(a, b)
  if getmetatable(a) ~= Time then a, b = b, a end
  if getmetatable(b) == Time then errors.misuse "two moments cannot be added; their difference is a - b" end
  return later(a, b, 1)
end

---Two moments give the seconds between them; a moment and a length of time an earlier moment.
function Time.__sub(a, b)
  if getmetatable(b) ~= Time then return later(a, b, -1) end
  comparable(a, b)
  if a.infinite or b.infinite then errors.misuse "the difference to infinity is not a number of seconds" end
  return (a.days - b.days) * 86400 + (a.micros - b.micros) / 1000000
end

local methods = { epoch = Time.epoch, at = Time.at, date = Time.date }
guard.methods(methods, Time, "a moment")
Time.__index = methods

---@param value any
---@return boolean
function M.is_time(value)
  return getmetatable(value) == Time
end

return M
