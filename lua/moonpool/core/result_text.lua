--- A result as text and back, for a store outside of this process. Values keep PostgreSQL's own text, so whoever
--- reads them reads them in his own way.

local ffi = require "ffi"
local json = require "moonpool.core.json"
local marks = require "moonpool.core.marks"
local null = require "moonpool.core.null"
local shapes = require "moonpool.core.shape"

local M = {}

-- What is written changes with this number, and what was written before is not read.
local FORMAT = 1

---@param result moonpool.Result
---@return string
function M.write(result)
  local columns, rows = marks.array {}, marks.array {}
  for i, column in ipairs(result:columns()) do columns[i] = { column.name, column.type } end
  for i = 1, #result do
    local row = marks.array {}
    for k = 1, #columns do row[k] = result:text(i, k) or null end
    rows[i] = row
  end
  return json.encode { format = FORMAT, tag = result.tag, columns = columns, rows = rows }
end

---The rows of a text that `write` wrote; nil when it is none.
---@async
---@param text any
---@param codec moonpool.Codec
---@param session ffi.cdata* to ask about types of the user's own
---@param route integer
---@return table[]|nil rows
---@return string[] names
---@return string tag
function M.read(text, codec, session, route)
  local ok, kept = pcall(json.decode, text)
  if not ok or type(kept) ~= "table" or kept.format ~= FORMAT then return nil, {}, "" end
  local names, types = {}, {}
  for i, column in ipairs(kept.columns) do names[i], types[i] = column[1], column[2] end
  local shape, rows = shapes.named(names, types, codec, session, route), {}
  for i, values in ipairs(kept.rows) do
    local row = {}
    for k, name in ipairs(names) do
      local value = values[k]
      if value ~= null then
        row[shape.columns[name] == k and name or k] = shape.decode[k](ffi.cast("const char*", value), #value)
      end
    end
    rows[i] = setmetatable(row, shape.strict)
  end
  return rows, names, kept.tag
end

return M
