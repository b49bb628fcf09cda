--- A query plan as a tree: what each step does, what was expected and what came, where the time went.
--- Takes PostgreSQL's JSON plan, gives lines.

local width = require "moonpool.console.width"

local M = {}

local BAR = 10
local WORTH_TELLING = 100 -- rows; below, being wrong costs nothing

local function time(ms)
  return ms < 1000 and ("%.1f ms"):format(ms) or ("%.2f s"):format(ms / 1000)
end

local function rows_text(n)
  if n < 10000 then return ("%d"):format(n) end
  if n < 1e6 then return ("%.0fk"):format(n / 1000) end
  return ("%.1fM"):format(n / 1e6)
end

-- Time that a step took itself, over all its loops.
local function own_time(node)
  local total = (node["Actual Total Time"] or 0) * (node["Actual Loops"] or 1)
  for _, child in ipairs(node.Plans or {}) do
    total = total - (child["Actual Total Time"] or 0) * (child["Actual Loops"] or 1)
  end
  return math.max(total, 0)
end

local function title(node)
  local parts = { node["Node Type"] }
  if node["Join Type"] and node["Join Type"] ~= "Inner" then parts[1] = parts[1] .. " (" .. node["Join Type"] .. ")" end
  if node["Index Name"] then parts[#parts + 1] = "using " .. node["Index Name"] end
  local relation = node["Relation Name"] or node["CTE Name"] or node["Function Name"]
  if relation then
    local alias = node.Alias and node.Alias ~= relation and " " .. node.Alias or ""
    parts[#parts + 1] = "on " .. relation .. alias
  end
  return table.concat(parts, " ")
end

-- How far the planner was off: at least ten times too many or too few.
local function misjudged(node)
  local actual, expected = node["Actual Rows"], node["Plan Rows"]
  if not actual or not expected or math.abs(actual - expected) < WORTH_TELLING then return nil end
  local times = math.max(actual, 1) / math.max(expected, 1)
  if times >= 10 then return ("⚠ %.0f× more rows than planned"):format(times) end
  if times <= 0.1 then return ("⚠ %.0f× fewer rows than planned"):format(1 / times) end
  return nil
end

local function warnings(node)
  local list = { misjudged(node) }
  if node["Sort Space Type"] == "Disk" then
    list[#list + 1] = ("⚠ sorted on disk, %d kB"):format(node["Sort Space Used"])
  end
  if (node["Hash Batches"] or 1) > 1 then list[#list + 1] = ("⚠ hashed in %d batches"):format(node["Hash Batches"]) end
  local removed, kept = node["Rows Removed by Filter"] or 0, node["Actual Rows"] or 0
  if removed > 1000 and removed > 10 * kept then
    list[#list + 1] = ("⚠ the filter threw %s rows away"):format(rows_text(removed))
  end
  return list
end

local conditions = { "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter" }

local function details(node)
  local list = {}
  for _, name in ipairs(conditions) do
    if node[name] then list[#list + 1] = name:lower() .. ": " .. node[name] end
  end
  local keys = node["Sort Key"] or node["Group Key"]
  if keys then list[#list + 1] = "by " .. table.concat(keys, ", ") end
  for _, warning in ipairs(warnings(node)) do list[#list + 1] = warning end
  return list
end

local function measures(node, total)
  if not node["Actual Rows"] then
    return ("rows %s, cost %.0f"):format(rows_text(node["Plan Rows"] or 0), node["Total Cost"] or 0)
  end
  if node["Actual Loops"] == 0 then return "never run" end
  local own = own_time(node)
  local share = total > 0 and own / total or 0
  local filled = math.floor(share * BAR + 0.5)
  local bar = ("█"):rep(filled) .. ("░"):rep(BAR - filled)
  local loops = node["Actual Loops"] > 1 and (" × %d"):format(node["Actual Loops"]) or ""
  return ("%s %3.0f%%  %s, rows %s%s"):format(bar, share * 100, time(own), rows_text(node["Actual Rows"]), loops)
end

local function add_node(lines, node, total, lead, branch, below)
  local function add(left, right) lines[#lines + 1] = { left = left, right = right } end
  add(lead .. branch .. title(node), measures(node, total))
  local children = node.Plans or {}
  local indent = lead .. below
  for _, text in ipairs(details(node)) do add(indent .. (#children > 0 and "│    " or "     ") .. text) end
  for i, child in ipairs(children) do
    local is_last = i == #children
    add_node(lines, child, total, indent, is_last and "└─ " or "├─ ", is_last and "   " or "│  ")
  end
end

---The lines of a plan.
---@param document table what EXPLAIN (FORMAT JSON) gave, decoded
---@return string[]
function M.lines(document)
  local top = document[1] or document
  local plan, total, drawn = top.Plan, top["Execution Time"] or 0, {}
  add_node(drawn, plan, total, "", "", "")
  local widest = 0
  for _, line in ipairs(drawn) do
    if line.right then widest = math.max(widest, width.columns(line.left)) end
  end
  local lines = {}
  for i, line in ipairs(drawn) do
    local gap = line.right and (" "):rep(widest + 2 - width.columns(line.left)) or ""
    lines[i] = width.safe(line.left) .. gap .. (line.right or "")
  end
  if top["Execution Time"] then
    lines[#lines + 1] = ("planning %s, execution %s"):format(time(top["Planning Time"] or 0), time(total))
  end
  return lines
end

return M
