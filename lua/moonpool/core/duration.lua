--- Lengths of time as users write them: "250ms", "5s", "30m", or a number of seconds.

local errors = require "moonpool.core.error"

local M = {}

local units = { us = 1e-6, ms = 1e-3, s = 1, m = 60, h = 3600, d = 86400 }

---Seconds; nil stays nil.
---@param value string|number|nil
---@param name string what it is for, for the message
---@return number|nil
function M.seconds(value, name)
  if value == nil then return nil end
  local n, unit = value, "s"
  if type(value) == "string" then
    n, unit = value:match "^%s*([%d.]+)%s*(%a*)%s*$"
    n, unit = tonumber(n), unit == "" and "s" or unit
  end
  if type(n) ~= "number" or not units[unit] or not (n >= 0 and n < math.huge) then
    errors.misuse('%s takes a length of time such as "250ms", "5s", "30m" or a number of seconds, got %s', name,
      errors.show(value))
  end
  return n * units[unit]
end

return M
