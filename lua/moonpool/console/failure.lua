--- What went wrong, as a person at a prompt wants to read it: the sentence, the place, a caret under it.

local errors = require "moonpool.core.error"
local evaluate = require "moonpool.console.evaluate"
local inspect = require "moonpool.console.inspect"
local present = require "moonpool.console.present"
local width = require "moonpool.console.width"

local M = {}

local function is_explained(outcome)
  return type(outcome) == "table" and not errors.is_error(outcome) and rawget(outcome, "trace") ~= nil
end

---What was raised, without what was found out about it.
---@param outcome any
---@return any
function M.value(outcome)
  if is_explained(outcome) then return outcome.value end
  return outcome
end

-- An error of the database: with its caret, without the line of Lua where that is the prompt's own.
local function error_text(e, input)
  local said = e.description or e.line
  if not e.description and e.hint then said = said .. "\nHINT: " .. e.hint end
  local where = input.kind == "lua" and e.where
  if where and not where:match "^%(prompt%)" then said = where .. ": " .. said end
  if e.detail and not said:find(e.detail, 1, true) then said = said .. "\nDETAIL: " .. e.detail end
  return said
end

local function explained_text(outcome, interactive)
  local raised, message = outcome.value, outcome.message
  local meta = type(raised) == "table" and getmetatable(raised)
  if type(raised) == "table" and not (meta and meta.__tostring) then message = inspect.text(raised) end
  local lines = { message }
  if outcome.line and not interactive then lines[1] = "line " .. outcome.line .. ": " .. message end
  if outcome.source then
    lines[#lines + 1] = "  " .. outcome.source
    if outcome.column then
      lines[#lines + 1] = "  " .. (" "):rep(width.columns(outcome.source:sub(1, outcome.column - 1))) .. "^"
    end
  end
  for _, frame in ipairs(outcome.trace) do lines[#lines + 1] = "  from " .. frame end
  return table.concat(lines, "\n")
end

---The text for a failure.
---@param outcome any what was raised, or what evaluate made of it
---@param color boolean
---@param input moonpool.console.Input
---@param interactive boolean
---@return string
function M.text(outcome, color, input, interactive)
  local value = M.value(outcome)
  if evaluate.is_interrupt(value) then return "Interrupted." end
  local text
  if errors.is_error(value) then
    text = error_text(value, input)
  elseif is_explained(outcome) then
    text = explained_text(outcome, interactive)
  else
    text = tostring(outcome)
  end
  return present.paint({ color = color }, "error:", "error") .. " " .. width.safe((text:gsub("\t", "    ")), true)
end

local unreachable = { connection = true, environment = true, no_healthy_node = true, no_primary = true,
  circuit_open = true }

---What the process ends with when nobody is there to read the error.
---@param outcome any
---@return integer
function M.exit_code(outcome)
  local value = M.value(outcome)
  if evaluate.is_interrupt(value) then return 130 end
  if not errors.is_error(value) then return 1 end
  local causes = value.causes or {}
  if value.kind == "retry_exhausted" and #causes > 0 then return M.exit_code(causes[#causes]) end
  if unreachable[value.family] then return 3 end
  return value.family == "config" and 2 or 1
end

---The failure as fields, for --json.
---@param outcome any
---@return table
function M.fields(outcome)
  local value = M.value(outcome)
  if errors.is_error(value) then
    return {
      kind = value.kind, message = value.message, sqlstate = value.sqlstate, constraint = value.constraint,
      detail = value.detail, hint = value.hint, position = value.position, node = value.node,
    }
  end
  return { kind = "script", message = is_explained(outcome) and outcome.message or tostring(outcome) }
end

return M
