--- Rows that are at hand as tables: from a cache, or turned round. They answer what a result answers.

local errors = require "moonpool.core.error"

local M = {}

---@class moonpool.StoredResult
---@field affected integer
---@field private rows table[]
---@field private names string[] the columns, in order
local Stored = {}
Stored.__index = Stored

---@param rows table[]
---@param names string[]
---@return moonpool.StoredResult
function M.new(rows, names)
  return setmetatable({ rows = rows, names = names, affected = #rows }, Stored)
end

---@param result moonpool.Result
---@return moonpool.StoredResult
function M.reversed(result)
  local rows, turned = result:all(), {}
  for i = #rows, 1, -1 do turned[#turned + 1] = rows[i] end
  local names = {}
  for i, column in ipairs(result:columns()) do names[i] = column.name end
  return M.new(turned, names)
end

function Stored:all()
  local copy = {}
  for i = 1, #self.rows do copy[i] = self.rows[i] end
  return copy
end

function Stored:count() return #self.rows end

function Stored:first() return self.rows[1] end

function Stored:one()
  if #self.rows == 1 then return self.rows[1] end
  error(errors.new {
    kind = #self.rows == 0 and "no_data_found" or "too_many_rows",
    message = ("expected one row, got %d"):format(#self.rows),
    where = errors.callers_line(),
  }, 0)
end

function Stored:scalar()
  local first = self.rows[1]
  return first and rawget(first, self.names[1])
end

function Stored:column(name)
  local key = name == nil and self.names[1] or type(name) == "number" and self.names[name] or name
  local list = {}
  for i = 1, #self.rows do list[i] = rawget(self.rows[i], key) end
  return list, #self.rows
end

local function next_row(state)
  state.i = state.i + 1
  return state.rows[state.i]
end

function Stored:each()
  return next_row, { i = 0, rows = self.rows }
end

function Stored:pairs()
  return ipairs(self.rows)
end

function Stored:map(f)
  local list = {}
  for i = 1, #self.rows do list[i] = f(self.rows[i], i) end
  return list
end

return M
