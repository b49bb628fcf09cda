--- Findings as text, and as one document.

local finding = require "moonpool.cli.doctor.finding"
local json = require "moonpool.core.json"
local marks = require "moonpool.core.marks"
local null = require "moonpool.core.null"

local M = {}

local words = { ok = "ok", note = "note", warning = "warning", failure = "FAILURE" }
local colors = { ok = "32", note = "36", warning = "33", failure = "31" }

local function mark(level, color)
  local word = ("%-7s"):format(words[level])
  return color and "\27[" .. colors[level] .. "m" .. word .. "\27[0m" or word
end

-- Words of a server must not steer a terminal.
local function safe(text)
  return (text:gsub("[%z\1-\9\11-\31\127]", "?"))
end

local function summary(findings, reached)
  local counts, parts = finding.count(findings), {}
  for _, level in ipairs { "failure", "warning", "note" } do
    if counts[level] > 0 then parts[#parts + 1] = finding.counted(counts[level], level) end
  end
  local text = #parts == 0 and "Everything is as it should be." or table.concat(parts, ", ") .. "."
  return reached and text or text .. " No server was reached."
end

---Section after section: what belongs to no server first, then each server.
---@param findings moonpool.doctor.Finding[]
---@param reached boolean
---@param color boolean|nil
---@return string
function M.text(findings, reached, color)
  local lines, sections, order = {}, {}, {}
  for _, one in ipairs(findings) do
    local name = one.node or ""
    if not sections[name] then
      sections[name] = {}
      order[#order + 1] = name
    end
    table.insert(sections[name], one)
  end
  for _, name in ipairs(order) do
    if name ~= "" then lines[#lines + 1] = name .. ":" end
    for _, one in ipairs(sections[name]) do
      lines[#lines + 1] = ("%s  %s: %s"):format(mark(one.level, color), one.check, safe(one.says))
      if one.advice then lines[#lines + 1] = (" "):rep(9) .. "→ " .. safe(one.advice) end
    end
  end
  lines[#lines + 1] = summary(findings, reached)
  return table.concat(lines, "\n")
end

---@param findings moonpool.doctor.Finding[]
---@param reached boolean
---@return string
function M.document(findings, reached)
  local list = marks.array {}
  for i, one in ipairs(findings) do
    list[i] = {
      level = one.level, check = one.check, node = one.node or null, says = one.says, advice = one.advice or null,
    }
  end
  local counts = finding.count(findings)
  return json.encode {
    schema_version = 1, reached = reached, findings = list,
    failures = counts.failure, warnings = counts.warning, notes = counts.note,
  }
end

return M
