--- Rows that are at hand as tables: from a cache, or turned round. They answer what a result answers.

local errors = require "moonpool.core.error"
local misuse = require "moonpool.sql.misuse"

local M = {}

---@class moonpool.StoredResult
---@field [integer] table the rows
---@field affected integer
---@field tag string
---@field node string|nil the node that answered; nil for what was kept in a cache
---@field private names string[] the columns, in order
local Stored = {}
Stored.__index = Stored

---The names of a result's columns, in order.
---@param result moonpool.Result|moonpool.StoredResult
---@return string[]
function M.names(result)
  local names = {}
  for i, column in ipairs(result:columns()) do names[i] = column.name end
  return names
end

---@param rows table[]
---@param names string[]
---@param origin { tag: string, node: string|nil }|nil
---@return moonpool.StoredResult
function M.new(rows, names, origin)
  local stored = { names = names, affected = #rows, tag = origin and origin.tag or "SELECT " .. #rows,
    node = origin and origin.node }
  for i = 1, #rows do stored[i] = rows[i] end
  return setmetatable(stored, Stored)
end

---A result turned round.
---@param result moonpool.Result
---@return moonpool.StoredResult
function M.reversed(result)
  local rows, turned = result:all(), {}
  for i = #rows, 1, -1 do turned[#turned + 1] = rows[i] end
  return M.new(turned, M.names(result), result)
end

---@return table[]
function Stored:all()
  local copy = {}
  for i = 1, #self do copy[i] = self[i] end
  return copy
end

---@return { name: string }[]
function Stored:columns()
  local list = {}
  for i, name in ipairs(self.names) do list[i] = { name = name } end
  return list
end

---@return integer
function Stored:count() return #self end

---@return table|nil
function Stored:first() return self[1] end

---@param i integer
---@return table
function Stored:view(i)
  if not self[i] then errors.misuse("there is no row %s in %d", tostring(i), #self) end
  return self[i]
end

---@return table
function Stored:one()
  if #self == 1 then return self[1] end
  error(errors.new {
    kind = #self == 0 and "no_data_found" or "too_many_rows",
    message = ("expected one row, got %d"):format(#self),
    where = errors.callers_line(),
  }, 0)
end

---@return any
function Stored:scalar()
  local first = self[1]
  return first and rawget(first, self.names[1])
end

---@param name string|integer|nil
---@return any[]
---@return integer n
function Stored:column(name)
  local key, known = name == nil and self.names[1] or type(name) == "number" and self.names[name] or name, false
  for _, one in ipairs(self.names) do known = known or one == key end
  if not known then
    misuse.raise("there is no column %s; there is %s", misuse.show(name), table.concat(self.names, ", "))
  end
  local list = {}
  for i = 1, #self do list[i] = rawget(self[i], key) end
  return list, #self
end

local function next_row(state)
  state.i = state.i + 1
  return state.rows[state.i]
end

---@return fun(state: table): table|nil
---@return table state
function Stored:each()
  return next_row, { i = 0, rows = self }
end

---@return fun(rows: table[], i: integer): integer|nil, table|nil
---@return table[]
---@return integer
function Stored:pairs()
  return ipairs(self)
end

---@param f fun(row: table, i: integer): any
---@return any[]
function Stored:map(f)
  local list = {}
  for i = 1, #self do list[#list + 1] = f(self[i], i) end
  return list
end

---@return string
function Stored:to_json()
  local objects = {}
  for i = 1, #self do objects[i] = self[i]:to_json() end
  return "[" .. table.concat(objects, ",") .. "]"
end

return M
