--- Rows that are at hand as tables: from a cache, or turned round. They answer what a result answers.

local errors = require "moonpool.core.error"
local misuse = require "moonpool.sql.misuse"

local M = {}

---@class moonpool.StoredResult
---@field affected integer
---@field private rows table[]
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

---The metatable of rows with these columns: a column that does not exist is an error, a number is a place.
---@param names string[]
---@param count integer how many of the names count
---@return table
function M.strict(names, count)
  local known, list = {}, {}
  for i = 1, count do known[names[i]], list[i] = true, names[i] end
  local unknown = misuse.unknown("there is no column", known)
  return {
    __index = function(row, key)
      if known[key] then return nil end
      if type(key) == "number" and list[key] then return rawget(row, list[key]) end
      return unknown(row, key)
    end,
  }
end

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
  return M.new(turned, M.names(result))
end

function Stored:all()
  local copy = {}
  for i = 1, #self.rows do copy[i] = self.rows[i] end
  return copy
end

function Stored:columns()
  local list = {}
  for i, name in ipairs(self.names) do list[i] = { name = name } end
  return list
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
