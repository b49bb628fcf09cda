--- Near names: what somebody who wrote "nmae" probably meant.

local M = {}

-- Edit distance in which swapping two neighbours is one edit; past `limit` it stops counting.
local function distance(a, b, limit)
  if math.abs(#a - #b) > limit then return limit + 1 end
  local before, last = {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row, best = { [0] = i }, i
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local edits = math.min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        edits = math.min(edits, before[j - 2] + 1)
      end
      row[j] = edits
      best = math.min(best, edits)
    end
    if best > limit then return limit + 1 end
    before, last = last, row
  end
  return last[#b]
end

---The name nearest to `name`; nil when none is near. Of two equally near ones, the first in the alphabet.
---@param name string
---@param names string[]
---@return string|nil
function M.near(name, names)
  local wanted = name:lower()
  local limit = #wanted <= 4 and 1 or #wanted <= 6 and 2 or 3
  local sorted, found = { unpack(names) }, nil
  table.sort(sorted)
  for i = 1, #sorted do
    local edits = distance(wanted, sorted[i]:lower(), limit)
    if edits <= limit and edits < #sorted[i] then found, limit = sorted[i], edits - 1 end
    if limit < 0 then break end
  end
  return found
end

---` (did you mean "name"?)`, or nothing.
---@param name any
---@param names string[]
---@return string
function M.hint(name, names)
  local near = type(name) == "string" and M.near(name, names)
  return near and (' (did you mean "%s"?)'):format(near) or ""
end

return M
