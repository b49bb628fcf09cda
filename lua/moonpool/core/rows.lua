--- Results and their rows. A row of `each` is a view: reading a field decodes that value then and there,
--- straight from the engine's memory. A row of `first` or `all` is a table with the values in it.
--- Either way a NULL reads as nil and a column that does not exist is an error.

local errors = require "moonpool.core.error"
local ffi = require "ffi"
local misname = require "moonpool.core.misname"
local native = require "moonpool.core.ffi"
local pretty = require "moonpool.core.pretty"
local shapes = require "moonpool.core.shape"

local C, length, tonumber = native.C, native.length, tonumber
local setmetatable = setmetatable

local M = {}

---@class moonpool.Row: { [string|integer]: any }

---@class moonpool.Result
---@field tag string the command tag: "INSERT 0 1"
---@field affected integer rows the command touched
---@field node string the node that answered
---@field handle ffi.cdata*|nil
---@field private rows integer
---@field private shape moonpool.Shape
local Result = {}

local facts = {
  tag = function(self) return ffi.string(C.mp_result_tag(self.handle)) end,
  affected = function(self) return tonumber(C.mp_result_affected(self.handle)) end,
  node = function(self) return native.text(C.mp_result_node(self.handle)) end,
}

local metatable = {
  __index = function(self, key)
    local method = Result[key]
    if method then return method end
    local fact = facts[key]
    if fact then return fact(self) end
    return misname.check("a result has no", key, Result, facts)
  end,
  __tostring = pretty.result,
  __names = Result, -- for completion
}

-- The collector does not see what the engine holds for a result, so a loop of queries could outgrow the
-- machine before it runs. It is told when results worth a good part of the Lua heap have gone by.
local NUDGE = 16 * 1024 * 1024
local held = 0

local function account(bytes)
  held = held + bytes
  if held > NUDGE and held > collectgarbage "count" * 2048 then
    held = 0
    collectgarbage()
  end
end

---Wraps a result of the engine, which belongs to the wrapper from here on.
---@param handle ffi.cdata*
---@param codec moonpool.Codec
---@param memory { shape: moonpool.Shape|nil } where the statement's shape is remembered
---@return moonpool.Result
function M.wrap(handle, codec, memory)
  handle = ffi.gc(handle, C.mp_result_free)
  local shape = memory.shape
  if not shape or not shape:fits(handle, codec) then
    shape = shapes.of(handle, codec)
    memory.shape = shape
  end
  account(tonumber(C.mp_result_memory(handle)))
  return setmetatable({ handle = handle, rows = tonumber(C.mp_result_rows(handle)), shape = shape }, metatable)
end

---Gives the memory back now. Only for results that nobody else can reach.
---@param result moonpool.Result
function M.free(result)
  local handle = result.handle
  result.handle = nil
  held = held - tonumber(C.mp_result_memory(handle))
  C.mp_result_free(ffi.gc(handle, nil))
end

-- A row view is written as a literal with constant keys, so that the compiler can leave its allocation
-- out of a loop that does not keep the row.
local function next_row(result, row)
  local i = row and row["\0number"] + 1 or 0
  if i < result.rows then
    return setmetatable({ ["\0result"] = result, ["\0number"] = i }, result.shape.view)
  end
  return nil
end

---Walks over the rows without copying them: `for row in result:each() do`. Leaving early is safe, and so
---is keeping a row: it keeps its result.
---@return fun(result: moonpool.Result, row: moonpool.Row|nil): moonpool.Row|nil
---@return moonpool.Result
function Result:each()
  return next_row, self, nil
end

local function next_numbered(result, i)
  i = i + 1
  if i <= result.rows then
    return i, setmetatable({ ["\0result"] = result, ["\0number"] = i - 1 }, result.shape.view)
  end
  return nil
end

---The same with numbers: `for i, row in result:pairs() do`.
---@return fun(result: moonpool.Result, i: integer): integer|nil, moonpool.Row|nil
---@return moonpool.Result
---@return integer
function Result:pairs()
  return next_numbered, self, 0
end

---One row, counted from 1, as a view.
---@param i integer
---@return moonpool.Row
function Result:view(i)
  if i < 1 or i > self.rows then errors.misuse("there is no row %s in %d", tostring(i), self.rows) end
  return setmetatable({ ["\0result"] = self, ["\0number"] = i - 1 }, self.shape.view)
end

---How many rows there are.
---@return integer
function Result:count()
  return self.rows
end

---Every row as a table.
---@return table[]
function Result:all()
  local list, handle, read = {}, self.handle, self.shape:row_reader()
  for i = 1, self.rows do list[i] = read(handle, i - 1) end
  return list
end

---The first row as a table; nil when there is none.
---@return table|nil
function Result:first()
  if self.rows == 0 then return nil end
  return self.shape:read(self.handle, 0)
end

---The one row there is, as a table. Raises `no_data_found` or `too_many_rows`.
---@return table
function Result:one()
  if self.rows == 1 then return self.shape:read(self.handle, 0) end
  error(errors.new {
    kind = self.rows == 0 and "no_data_found" or "too_many_rows",
    message = ("expected one row, got %d"):format(self.rows),
    where = errors.callers_line(),
  }, 0)
end

---The first column of the first row; nil when that is NULL or there is no row.
---@return any
function Result:scalar()
  if self.rows == 0 then return nil end
  if self.shape.n == 0 then errors.misuse("%s gives no columns", self.tag) end
  local p = C.mp_result_value(self.handle, 0, 0, length)
  if p == nil then return nil end
  return self.shape.decode[1](p, tonumber(length[0]))
end

---One column as a list, NULLs as nil: use the count where there may be some.
---@param name string|integer|nil the first column when left out
---@return any[]
---@return integer n
function Result:column(name)
  local shape, list = self.shape, {}
  local column = shape.columns[name == nil and 1 or name]
  if not column then
    errors.misuse("there is no column %s; there is %s", tostring(name), table.concat(shape.names, ", "))
  end
  local handle, decode = self.handle, shape.decode[column]
  for i = 1, self.rows do
    local p = C.mp_result_value(handle, i - 1, column - 1, length)
    if p ~= nil then list[i] = decode(p, tonumber(length[0])) end
  end
  return list, self.rows
end

---A list of what f makes of each row.
---@generic T
---@param f fun(row: moonpool.Row, i: integer): T
---@return T[]
function Result:map(f)
  local list = {}
  for i, row in self:pairs() do list[i] = f(row, i) end
  return list
end

---Names and type OIDs of the columns, in order.
---@return { name: string, type: integer }[]
function Result:columns()
  local list = {}
  for i, name in ipairs(self.shape.names) do list[i] = { name = name, type = self.shape.types[i] } end
  return list
end

---PostgreSQL's own text of a value, rows and columns counted from 1; nil for NULL.
---@param row integer
---@param column integer
---@return string|nil
function Result:text(row, column)
  if row < 1 or row > self.rows or column < 1 or column > self.shape.n then
    errors.misuse("there is no value %d, %d in %d rows of %d columns", row, column, self.rows, self.shape.n)
  end
  local p = C.mp_result_value(self.handle, row - 1, column - 1, length)
  if p == nil then return nil end
  return ffi.string(p, length[0])
end

---A row as a plain table without any habits; a table is given back as it is.
---@param row table
---@return table
function M.to_table(row)
  local meta = getmetatable(row)
  if type(meta) ~= "table" or not meta.shape then return row end
  local copy = {}
  for _, name in ipairs(meta.shape.names) do copy[name] = row[name] end
  return copy
end

---@param value any
---@return boolean
function M.is_result(value)
  return getmetatable(value) == metatable
end

return M
