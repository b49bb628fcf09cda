--- Results for other programs: CSV (RFC 4180), Markdown, JSON.

local json = require "moonpool.core.json"
local width = require "moonpool.console.width"

local M = {}

local function csv_field(text)
  if not text then return "" end
  -- An empty text is not NULL, and only quotes can say so.
  if text == "" or text:find '[",\r\n]' then return '"' .. text:gsub('"', '""') .. '"' end
  return text
end

---@param columns string[]
---@param rows (string|false)[][]
---@return string
function M.csv(columns, rows)
  local lines = {}
  local function add(cells)
    local fields = {}
    for c = 1, #columns do fields[c] = csv_field(cells[c]) end
    lines[#lines + 1] = table.concat(fields, ",")
  end
  add(columns)
  for _, row in ipairs(rows) do add(row) end
  return table.concat(lines, "\n") .. "\n"
end

local function markdown_cell(text)
  if not text then return "" end
  return (width.safe(text, true):gsub("|", "\\|"):gsub("\n", "<br>"))
end

---@param columns string[]
---@param rows (string|false)[][]
---@param right table<integer, boolean>
---@return string
function M.markdown(columns, rows, right)
  local lines, rule = {}, {}
  local function add(cells)
    local fields = {}
    for c = 1, #columns do fields[c] = markdown_cell(cells[c]) end
    lines[#lines + 1] = "| " .. table.concat(fields, " | ") .. " |"
  end
  add(columns)
  for c = 1, #columns do rule[c] = right[c] and "---:" or "---" end
  lines[2] = "| " .. table.concat(rule, " | ") .. " |"
  for _, row in ipairs(rows) do add(row) end
  return table.concat(lines, "\n") .. "\n"
end

local function json_value(value, text)
  if value == nil then return "null" end
  local ok, document = pcall(json.encode, value)
  -- What JSON cannot hold (bytes that are no UTF-8) is told as PostgreSQL writes it.
  return ok and document or json.encode(text)
end

---The rows of a result as JSON objects, columns in their order.
---@param result moonpool.Result
---@return string
function M.json_rows(result)
  local columns, objects = result:columns(), {}
  for r, row in ipairs(result:all()) do
    local fields = {}
    for c, column in ipairs(columns) do
      fields[c] = json.encode(column.name) .. ":" .. json_value(row[c], result:text(r, c))
    end
    objects[r] = "{" .. table.concat(fields, ",") .. "}"
  end
  return "[" .. table.concat(objects, ",\n") .. "]"
end

return M
