--- How values look at a prompt: results and rows as tables, queries as what they find, everything else as Lua.

local formats = require "moonpool.console.formats"
local grid = require "moonpool.console.grid"
local inspect = require "moonpool.console.inspect"
local json = require "moonpool.core.json"
local rows = require "moonpool.core.rows"
local sql_text = require "moonpool.console.sql_text"
local width = require "moonpool.console.width"

local M = {}

---@class moonpool.console.Looks
---@field expanded boolean|"auto" columns below each other; auto: where a table would be too wide
---@field format "table"|"csv"|"json"|"markdown"
---@field null string
---@field color boolean
---@field columns integer width of the terminal
---@field interactive boolean footers tell time and node

local codes = { head = "1", rule = "2", null = "2", error = "31", good = "32", name = "36", dim = "2" }

---Text in a colour, where colours are wanted.
---@param looks { color: boolean }
---@param text string
---@param how string
---@return string
function M.paint(looks, text, how)
  if not looks.color or text == "" then return text end
  return "\27[" .. codes[how] .. "m" .. text .. "\27[0m"
end

-- Types whose values are numbers: int2, int4, int8, oid, float4, float8, money, numeric.
local numbers = { [20] = true, [21] = true, [23] = true, [26] = true, [700] = true, [701] = true, [790] = true,
  [1700] = true }

local function grid_of(looks, columns, types, cells)
  local right = {}
  for c in ipairs(columns) do right[c] = numbers[types[c]] or false end
  return {
    columns = columns, rows = cells, right = right, null = looks.null,
    paint = function(text, how) return M.paint(looks, text, how) end,
  }
end

local function result_grid(looks, result)
  local columns, types, cells = {}, {}, {}
  for c, column in ipairs(result:columns()) do columns[c], types[c] = column.name, column.type end
  for r = 1, result:count() do
    local row = {}
    for c = 1, #columns do row[c] = result:text(r, c) or false end
    cells[r] = row
  end
  return grid_of(looks, columns, types, cells)
end

local function is_expanded(looks, drawn)
  if looks.expanded ~= "auto" then return looks.expanded end
  return looks.interactive and grid.table_width(drawn) > looks.columns
end

local function grid_text(looks, drawn)
  local lines = is_expanded(looks, drawn) and grid.expanded_lines(drawn) or grid.table_lines(drawn)
  return table.concat(lines, "\n") .. (#lines > 0 and "\n" or "")
end

---Time as people read it: "0.4 ms", "1.25 s".
---@param seconds number
---@return string
function M.time(seconds)
  if seconds < 1 then return ("%.1f ms"):format(seconds * 1000) end
  if seconds < 60 then return ("%.2f s"):format(seconds) end
  return ("%d:%04.1f min"):format(math.floor(seconds / 60), seconds % 60)
end

local function footer(looks, first, answer)
  local parts = { first }
  if answer and looks.timing then parts[#parts + 1] = M.time(answer.seconds) end
  if answer and looks.timing and answer.node then parts[#parts + 1] = answer.node end
  return parts
end

local function counted(n)
  return n == 1 and "1 row" or n .. " rows"
end

---The text for an answer of the server.
---@param looks moonpool.console.Looks
---@param result moonpool.Result
---@param answer { seconds: number, node: string|nil }|nil
---@return string
function M.result(looks, result, answer)
  if #result:columns() == 0 and result:count() == 0 then return M.tag(looks, result.tag, answer) end
  if looks.format == "json" then return formats.json_rows(result) .. "\n" end
  local drawn = result_grid(looks, result)
  if looks.format == "csv" then return formats.csv(drawn.columns, drawn.rows) end
  if looks.format == "markdown" then return formats.markdown(drawn.columns, drawn.rows, drawn.right) end
  local foot = "(" .. table.concat(footer(looks, counted(result:count()), answer), ", ") .. ")"
  return grid_text(looks, drawn) .. M.paint(looks, foot, "dim") .. "\n"
end

---The table alone, without a footer.
---@param looks moonpool.console.Looks
---@param result moonpool.Result
---@return string
function M.table(looks, result)
  return grid_text(looks, result_grid(looks, result))
end

---@param value any
---@return boolean
function M.is_result(value)
  return rows.is_result(value)
end

---The text for a statement that gives no rows.
---@param looks moonpool.console.Looks
---@param tag string
---@param answer { seconds: number, node: string|nil }|nil
---@return string
function M.tag(looks, tag, answer)
  if looks.format ~= "table" then return "" end
  local parts = footer(looks, "", answer)
  if #parts == 1 then return tag .. "\n" end
  return tag .. " " .. M.paint(looks, "(" .. table.concat(parts, ", ", 2) .. ")", "dim") .. "\n"
end

local function shape_of(value)
  if type(value) ~= "table" then return nil end
  local meta = getmetatable(value)
  return type(meta) == "table" and rawget(meta, "shape") or nil
end

local function cell_text(value)
  if value == nil then return false end
  if type(value) == "string" then return value end
  if type(value) ~= "table" then return tostring(value) end
  local ok, document = pcall(json.encode, value)
  return ok and document or tostring(value)
end

local function rows_text(looks, list, shape, foot)
  local cells = {}
  for r, row in ipairs(list) do
    local texts = {}
    for c in ipairs(shape.names) do texts[c] = cell_text(row[c]) end
    cells[r] = texts
  end
  return grid_text(looks, grid_of(looks, shape.names, shape.types, cells)) .. foot
end

-- The shape that all items of a list share; nil where they are not all rows of one query.
local function common_shape(value)
  local shape = shape_of(value[1])
  if not shape then return nil end
  for i = 2, #value do
    if shape_of(value[i]) ~= shape then return nil end
  end
  return shape
end

local function is_query(value)
  return type(value.to_sql) == "function" and type(value.all) == "function"
end

-- A method that is missing is an error on rows, so nothing is asked of a table with a metatable of theirs.
local function query_text(looks, value, session)
  local ok, is = pcall(is_query, value)
  if not ok or not is then return nil end
  local whole, sql = pcall(value.to_sql, value)
  -- One that lacks something yet says what.
  if not whole then return width.safe(tostring(value), true) .. "\n" end
  if not session or sql_text.first_word(sql) ~= "select" then return width.safe(sql, true) .. "\n" end
  return M.result(looks, session.db:query(value))
end

---The text for a value that an input came to.
---@param looks moonpool.console.Looks
---@param value any
---@param session moonpool.console.Session|nil what a query is run on
---@return string
function M.value(looks, value, session)
  if rows.is_result(value) then return M.result(looks, value) end
  if type(value) == "table" then
    local shape = shape_of(value)
    if shape then return rows_text(looks, { value }, shape, "") end
    shape = #value > 0 and common_shape(value)
    if shape then
      return rows_text(looks, value, shape, M.paint(looks, "(" .. counted(#value) .. ")", "dim") .. "\n")
    end
    local found = getmetatable(value) ~= nil and query_text(looks, value, session)
    if found then return found end
  end
  return inspect.text(value, looks.columns) .. "\n"
end

return M
