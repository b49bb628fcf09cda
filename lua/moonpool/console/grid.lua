--- Rows as text: an aligned table, or one column below the other. Takes texts, gives lines; what the texts
--- mean is its callers' business.

local width = require "moonpool.console.width"

local M = {}

---@class moonpool.console.Grid
---@field columns string[] names
---@field rows (string|false)[][] texts; false is NULL
---@field right table<integer, boolean>|nil columns whose values stand to the right
---@field null string|nil what NULL looks like; "∅"
---@field paint (fun(text: string, how: string): string)|nil colours: "head", "rule", "null"

local function plain(text)
  return text
end

local function fill(text, columns, to_the_right)
  local gap = (" "):rep(columns - width.columns(text))
  return to_the_right and gap .. text or text .. gap
end

local function one_line(text)
  return (width.safe(text, true):gsub("\n", "↵"))
end

-- The texts as they will show, and the widest of each column.
local function prepare(grid)
  local null = grid.null or "∅"
  local shown = { heads = {}, rows = {}, widths = {} }
  for c, name in ipairs(grid.columns) do
    shown.heads[c] = one_line(name)
    shown.widths[c] = width.columns(shown.heads[c])
  end
  for r, row in ipairs(grid.rows) do
    local cells = {}
    for c = 1, #grid.columns do
      local value = row[c]
      cells[c] = value and one_line(value) or null
      shown.widths[c] = math.max(shown.widths[c], width.columns(cells[c]))
    end
    shown.rows[r] = cells
  end
  return shown
end

---How wide the table would be.
---@param grid moonpool.console.Grid
---@return integer
function M.table_width(grid)
  local total = 1
  local widths = prepare(grid).widths
  for _, columns in ipairs(widths) do total = total + columns + 3 end
  return math.max(total - 2, 0)
end

local function table_line(cells, shown, decorate)
  local parts = {}
  for c, cell in ipairs(cells) do parts[c] = decorate(c, cell, shown.widths[c]) end
  return (" " .. table.concat(parts, " │ "):gsub("%s+$", ""))
end

---The lines of an aligned table.
---@param grid moonpool.console.Grid
---@return string[]
function M.table_lines(grid)
  local paint, right = grid.paint or plain, grid.right or {}
  local shown = prepare(grid)
  local lines, rule = {}, {}
  lines[1] = table_line(shown.heads, shown, function(c, text, columns)
    local gap = c < #shown.heads and (" "):rep(columns - width.columns(text)) or ""
    return paint(text, "head") .. gap
  end)
  for c, columns in ipairs(shown.widths) do rule[c] = ("─"):rep(columns + 2) end
  lines[2] = paint(table.concat(rule, "┼"), "rule")
  for r, cells in ipairs(shown.rows) do
    lines[r + 2] = table_line(cells, shown, function(c, text, columns)
      local is_last = c == #cells and not right[c]
      local filled = is_last and text or fill(text, columns, right[c])
      return grid.rows[r][c] and filled or paint(filled, "null")
    end)
  end
  return lines
end

local function head_of_record(number, columns, paint)
  local text = ("─[ %d ]"):format(number)
  return paint(text .. ("─"):rep(math.max(columns - width.columns(text), 0)), "rule")
end

---The lines of the rows one below the other, a column a line.
---@param grid moonpool.console.Grid
---@return string[]
function M.expanded_lines(grid)
  local paint, null = grid.paint or plain, grid.null or "∅"
  local heads, widest = {}, 0
  for c, name in ipairs(grid.columns) do
    heads[c] = one_line(name)
    widest = math.max(widest, width.columns(heads[c]))
  end
  local lines = {}
  for r, row in ipairs(grid.rows) do
    lines[#lines + 1] = head_of_record(r, widest + 20, paint)
    for c, head in ipairs(heads) do
      local value = row[c]
      local first = true
      local text = value and width.safe(value, true) or paint(null, "null")
      for line in (text .. "\n"):gmatch "(.-)\n" do
        local name = paint(fill(first and head or "", widest), "head")
        lines[#lines + 1] = name .. (line == "" and " │" or " │ " .. line)
        first = false
      end
    end
  end
  return lines
end

return M
