-- What was found: a list of { path, line, message }, said as "path:line: message".
local Report = {}
Report.__index = Report

function Report.new()
  return setmetatable({ found = {} }, Report)
end

---@param path string
---@param line integer
---@param what string  what is wrong
---@param cure string  what to do about it
function Report:add(path, line, what, cure)
  self.found[#self.found + 1] = ("%s:%d: %s. Cure: %s."):format(path, line, what, cure)
end

return Report
