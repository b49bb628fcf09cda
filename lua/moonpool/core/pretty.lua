--- A result as an aligned table, for people at a prompt.

local M = {}

---The most rows that are drawn.
M.MOST_ROWS = 50
local MOST_WIDTH = 60

-- Characters, not bytes, and no control characters: data must not move the cursor.
local function clean(text)
  text = text:gsub("[%z\1-\31\127]", function(c)
    return c == "\n" and "↵" or ("\\x%02x"):format(c:byte())
  end)
  return text
end

local function width(text)
  local _, n = text:gsub("[^\128-\191]", "")
  return n
end

local function shorten(text)
  if width(text) <= MOST_WIDTH then return text end
  local kept, n = 0, 0
  for from in text:gmatch "()[^\128-\191]" do
    n = n + 1
    if n == MOST_WIDTH then kept = from - 1 break end
  end
  return text:sub(1, kept) .. "…"
end

local function cell(value)
  if value == nil then return "" end
  return shorten(clean(value))
end

local function footer(n)
  local shown = n > M.MOST_ROWS and (", the first %d shown"):format(M.MOST_ROWS) or ""
  return ("(%d row%s%s)"):format(n, n == 1 and "" or "s", shown)
end

---@param result moonpool.Result
---@return string
function M.result(result)
  local columns = result:columns()
  if #columns == 0 then return result.tag end
  local n = result:count()
  local cells, widths, right = {}, {}, {}
  for c, column in ipairs(columns) do
    local name = clean(column.name)
    cells[c], widths[c], right[c] = { name }, width(name), true
    for row = 1, math.min(n, M.MOST_ROWS) do
      local value = result:text(row, c)
      local drawn = cell(value)
      cells[c][row + 1] = drawn
      widths[c] = math.max(widths[c], width(drawn))
      if value and not value:find "^%-?%d[%d.eE+-]*$" then right[c] = false end
    end
  end
  local function line(row)
    local parts = {}
    for c in ipairs(columns) do
      local text = cells[c][row]
      local gap = (" "):rep(widths[c] - width(text))
      parts[c] = (right[c] and row > 1) and gap .. text or text .. gap
    end
    return (" " .. table.concat(parts, " │ ")):gsub("%s+$", "")
  end
  local lines, rule = { (line(1)) }, {}
  for c in ipairs(columns) do rule[c] = ("─"):rep(widths[c] + 2) end
  lines[2] = table.concat(rule, "┼")
  for row = 1, math.min(n, M.MOST_ROWS) do lines[row + 2] = (line(row + 1)) end
  lines[#lines + 1] = footer(n)
  return table.concat(lines, "\n")
end

return M
