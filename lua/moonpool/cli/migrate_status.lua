--- How migrations stand, as lines and as JSON.

local marks = require "moonpool.core.marks"
local null = require "moonpool.core.null"

local M = {}

local words = {
  applied = "applied", pending = "pending", running = "half applied", reverting = "half undone",
  changed = "changed since", missing = "file is gone", newer = "from elsewhere", out_of_order = "pending, too old",
}

local contradicting = { changed = true, missing = true }

local open = { pending = true, running = true, reverting = true, out_of_order = true }

---How many are not applied.
---@param list moonpool.migrate.Standing[]
---@return integer
function M.pending(list)
  local n = 0
  for _, one in ipairs(list) do n = n + (open[one.state] and 1 or 0) end
  return n
end

---@param list moonpool.migrate.Standing[]
---@return string[]
function M.lines(list)
  local widest, lines = 0, {}
  for _, one in ipairs(list) do widest = math.max(widest, #one.title) end
  for i, one in ipairs(list) do
    local when = one.state == "applied" and one.entry.applied_at:gsub("%..*", ""):gsub("T", " ") or ""
    lines[i] = ("%-" .. widest .. "s  %-16s  %s"):format(one.title, words[one.state], when):gsub("%s+$", "")
  end
  return lines
end

---@param list moonpool.migrate.Standing[]
---@return table[]
function M.items(list)
  local items = marks.array {}
  for i, one in ipairs(list) do
    local entry = one.entry or {}
    items[i] = {
      version = one.version, name = one.title, state = one.state, kind = one.file and one.file.kind or entry.kind,
      applied_at = entry.applied_at or null, applied_by = entry.applied_by or null,
      milliseconds = entry.milliseconds or null, step = entry.step or null,
    }
  end
  return items
end

---@param list moonpool.migrate.Standing[]
---@param pending integer
---@return string
function M.summary(list, pending)
  if #list == 0 then return "There are no migrations." end
  local wrong = 0
  for _, one in ipairs(list) do wrong = wrong + (contradicting[one.state] and 1 or 0) end
  local told = wrong > 0 and (" %d not as the files say: `moonpool migrate verify`."):format(wrong) or ""
  if pending == 0 then return "Nothing is pending." .. told end
  return ("%d pending; `moonpool migrate up` applies %s.%s"):format(pending, pending == 1 and "it" or "them", told)
end

return M
