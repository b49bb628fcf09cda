--- Near names: what somebody who wrote "wher" probably meant.

local M = {}

-- Edit distance where swapping two neighbours is one edit; `limit` ends the count early.
local function distance(a, b, limit)
  if math.abs(#a - #b) > limit then return limit + 1 end
  local before, last, row = {}, {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    row = { [0] = i }
    local best = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local value = math.min(row[j - 1] + 1, last[j] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        value = math.min(value, before[j - 2] + 1)
      end
      row[j] = value
      if value < best then best = value end
    end
    if best > limit then return limit + 1 end
    before, last = last, row
  end
  return last[#b]
end

---The name nearest to `name`, or nil when none is near.
---@param name string
---@param names string[]
---@return string|nil
function M.near(name, names)
  local lower = name:lower():gsub("[%-%s]", "_")
  local limit = #lower <= 3 and 1 or #lower <= 6 and 2 or 3
  local found
  local sorted = {}
  for i = 1, #names do sorted[i] = names[i] end
  table.sort(sorted)
  for i = 1, #sorted do
    local far = distance(lower, sorted[i]:lower(), limit)
    if far <= limit and far < #sorted[i] then found, limit = sorted[i], far - 1 end
    if limit < 0 then break end
  end
  return found
end

---The public names of a table of functions, sorted.
---@param methods table<string, any>
---@return string[]
function M.names(methods)
  local names = {}
  for name in pairs(methods) do
    if type(name) == "string" and not name:find "^_" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

return M
