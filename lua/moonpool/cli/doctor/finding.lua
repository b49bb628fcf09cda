--- What the doctor found: one sentence on how it is, and where something should be done, one on what.

local M = {}

---@class moonpool.doctor.Finding
---@field level "ok"|"note"|"warning"|"failure"
---@field check string what was looked at: "replication slots"
---@field node string|nil the server it is about
---@field says string how it is
---@field advice string|nil what to do

local function maker(level)
  return function(check, says, advice)
    return { level = level, check = check, says = says, advice = advice }
  end
end

---As it should be.
M.ok = maker "ok"
---Worth knowing; nothing is wrong.
M.note = maker "note"
---Works now, and will not for ever, or not as well as it could.
M.warning = maker "warning"
---Does not work.
M.failure = maker "failure"

M.LEVELS = { "failure", "warning", "note", "ok" }

---How many there are of each level.
---@param findings moonpool.doctor.Finding[]
---@return table<string, integer>
function M.count(findings)
  local counts = { ok = 0, note = 0, warning = 0, failure = 0 }
  for _, one in ipairs(findings) do counts[one.level] = counts[one.level] + 1 end
  return counts
end

---"1 slot", "2 slots"
---@param n integer
---@param one string
---@return string
function M.counted(n, one)
  return n == 1 and "1 " .. one or ("%d %ss"):format(n, one)
end

---Time as people say it: "3 s", "12 min", "5 h", "2 days".
---@param seconds number
---@return string
function M.time(seconds)
  if seconds < 120 then return ("%.0f s"):format(seconds) end
  if seconds < 7200 then return ("%.0f min"):format(seconds / 60) end
  if seconds < 172800 then return ("%.0f h"):format(seconds / 3600) end
  return ("%.0f days"):format(seconds / 86400)
end

return M
