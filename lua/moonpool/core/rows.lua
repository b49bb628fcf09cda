--- Results and their rows. A row of `each` is a view: reading a field decodes that value then and there,
--- straight from the engine's memory. A row of `first` or `all` is a table with the values in it.
--- Either way a NULL reads as nil and a column that does not exist is an error.

local errors = require "moonpool.core.error"
local ffi = require "ffi"
local json_rows = require "moonpool.core.json_rows"
local misname = require "moonpool.core.misname"
local native = require "moonpool.core.ffi"
local pretty = require "moonpool.core.pretty"
local shapes = require "moonpool.core.shape"
local suggest = require "moonpool.core.suggest"

local C, length, tonumber = native.C, native.length, tonumber
local setmetatable = setmetatable
-- The one way to give a userdata a metatable that was made in one go.
local set_metatable = debug.setmetatable

local M = {}

---@class moonpool.Row: { [string|integer]: any }

---@class moonpool.Result
---@operator len: integer how many rows
---@field [integer] moonpool.Row a row as a view, counted from 1; nil past the last
---@field tag string the command tag: "INSERT 0 1"
---@field affected integer rows the command touched
---@field node string the node that answered
---@field handle ffi.cdata* the engine's result, for parts of this folder
local Result = {}

-- LuaJIT asks no table for its length, so what users hold is a userdata, which it does ask. Its metatable is its
-- own, and is the state of what it stands for: the engine's handle, how many rows, their shape. (A weak table beside
-- it would keep the handle for one more cycle of the collector.)
local face_index, face_length

-- `for row in rows do`
local function not_called()
  errors.misuse "a result is walked by each(): for row in rows:each() do … end"
end

local function state_in(value)
  local metatable = type(value) == "userdata" and getmetatable(value)
  return type(metatable) == "table" and rawget(metatable, "__len") == face_length and metatable or nil
end

local facts = {
  handle = function(handle) return handle end,
  tag = function(handle) return ffi.string(C.mp_result_tag(handle)) end,
  affected = function(handle) return tonumber(C.mp_result_affected(handle)) end,
  node = function(handle) return native.text(C.mp_result_node(handle)) end,
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

---Has the collector free a result of the engine.
---@param handle ffi.cdata*
---@return ffi.cdata* handle
function M.own(handle)
  return ffi.gc(handle, C.mp_result_free)
end

local function shape_of(handle, codec, memory, session, route)
  local shape = memory.shape
  if not shape or not shape:fits(handle, codec) then
    shape = shapes.of(handle, codec, session, route)
    memory.shape = shape
  end
  return shape
end

---Wraps a result of the engine that is the collector's already.
---@param handle ffi.cdata*
---@param codec moonpool.Codec
---@param memory { shape: moonpool.Shape|nil } where the statement's shape is remembered
---@param session ffi.cdata*|nil where the statement ran, to ask about types of the user's own
---@param route integer|nil
---@return moonpool.Result
function M.wrap_owned(handle, codec, memory, session, route)
  local shape = shape_of(handle, codec, memory, session, route)
  account(tonumber(C.mp_result_memory(handle)))
  local face = newproxy(false)
  set_metatable(face, {
    handle = handle, rows = tonumber(C.mp_result_rows(handle)), shape = shape, view = shape.view,
    __index = face_index, __len = face_length, __tostring = pretty.result, __names = Result, -- for completion
    __call = not_called, __walked = "rows of a statement that has run already",
  })
  return face
end

---Wraps a result of the engine, which belongs to the wrapper from here on.
---@param handle ffi.cdata*
---@param codec moonpool.Codec
---@param memory { shape: moonpool.Shape|nil } where the statement's shape is remembered
---@param session ffi.cdata*|nil where the statement ran, to ask about types of the user's own
---@param route integer|nil
---@return moonpool.Result
function M.wrap(handle, codec, memory, session, route)
  return M.wrap_owned(M.own(handle), codec, memory, session, route)
end

---The first row of a result of the engine, as a table; nil when there is none. The result is freed.
---@param handle ffi.cdata*
---@param codec moonpool.Codec
---@param memory { shape: moonpool.Shape|nil }
---@param session ffi.cdata*|nil
---@param route integer|nil
---@return table|nil
function M.first_of(handle, codec, memory, session, route)
  M.own(handle)
  local shape, row = shape_of(handle, codec, memory, session, route), nil
  if C.mp_result_rows(handle) > 0 then row = shape:read(handle, 0) end
  C.mp_result_free(ffi.gc(handle, nil))
  return row
end

-- The state of what a method was called on.
local function known(result, method)
  local state = state_in(result)
  if state then return state end
  errors.misuse("%s is called with a colon on a result: rows:%s(…), got a %s", method, method, type(result))
end

-- A row view is written as a literal with constant keys, so that the compiler can leave its allocation
-- out of a loop that does not keep the row.
local function next_row(state, row)
  local i = row and row["\0number"] + 1 or 0
  if i < state.rows then
    return setmetatable({ ["\0result"] = state, ["\0number"] = i }, state.view)
  end
  return nil
end

---Walks over the rows without copying them: `for row in result:each() do`. Leaving early is safe, and so
---is keeping a row: it keeps its result.
---@return fun(state: table, row: moonpool.Row|nil): moonpool.Row|nil
---@return table state
function Result:each()
  return next_row, known(self, "each"), nil
end

local function next_numbered(state, i)
  i = i + 1
  if i <= state.rows then
    return i, setmetatable({ ["\0result"] = state, ["\0number"] = i - 1 }, state.view)
  end
  return nil
end

---The same with numbers: `for i, row in result:pairs() do`.
---@return fun(state: table, i: integer): integer|nil, moonpool.Row|nil
---@return table state
---@return integer
function Result:pairs()
  return next_numbered, known(self, "pairs"), 0
end

-- Row i as a view; nil where there is none.
local function view(state, i)
  if i < 1 or i > state.rows or i % 1 ~= 0 then return nil end
  return setmetatable({ ["\0result"] = state, ["\0number"] = i - 1 }, state.view)
end

---One row, counted from 1, as a view. Raises where there is none; `result[i]` gives nil there.
---@param i integer
---@return moonpool.Row
function Result:view(i)
  local state = known(self, "view")
  local row = type(i) == "number" and view(state, i)
  if not row then errors.misuse("there is no row %s in %d", errors.show(i), state.rows) end
  return row
end

---How many rows there are; the same as `#result`.
---@return integer
function Result:count()
  return known(self, "count").rows
end

-- While many rows are read the collector rests: all that is made is in the list, and to walk over it again and
-- again would take a third of the time.
local MANY = 1000

local function read_all(state)
  local list, handle, read = {}, state.handle, state.shape:row_reader()
  for i = 1, state.rows do list[i] = read(handle, i - 1) end
  return list
end

---Every row as a table.
---@return table[]
function Result:all()
  local state = known(self, "all")
  if state.rows < MANY or not collectgarbage "isrunning" then return read_all(state) end
  collectgarbage "stop"
  local ok, list = pcall(read_all, state)
  collectgarbage "restart"
  if not ok then error(list, 0) end
  return list
end

---The first row as a table; nil when there is none.
---@return table|nil
function Result:first()
  local state = known(self, "first")
  if state.rows == 0 then return nil end
  return state.shape:read(state.handle, 0)
end

---The one row there is, as a table. Raises `no_data_found` or `too_many_rows`.
---@return table
function Result:one()
  local state = known(self, "one")
  if state.rows == 1 then return state.shape:read(state.handle, 0) end
  error(errors.new {
    kind = state.rows == 0 and "no_data_found" or "too_many_rows",
    message = ("expected one row, got %d"):format(state.rows),
    where = errors.callers_line(),
  }, 0)
end

---The first column of the first row; nil when that is NULL or there is no row.
---@return any
function Result:scalar()
  local state = known(self, "scalar")
  if state.rows == 0 then return nil end
  if state.shape.n == 0 then errors.misuse("%s gives no columns", self.tag) end
  local p = C.mp_result_value(state.handle, 0, 0, length)
  if p == nil then return nil end
  return state.shape.decode[1](p, tonumber(length[0]))
end

---One column as a list, NULLs as nil: use the count where there may be some.
---@param name string|integer|nil the first column when left out
---@return any[]
---@return integer n
function Result:column(name)
  local state = known(self, "column")
  local shape, list = state.shape, {}
  local column = shape.columns[name == nil and 1 or name]
  if not column then
    errors.misuse("there is no column %s%s; there is %s", errors.name(name), suggest.hint(name, shape.names),
      table.concat(shape.names, ", "))
  end
  local handle, decode = state.handle, shape.decode[column]
  for i = 1, state.rows do
    local p = C.mp_result_value(handle, i - 1, column - 1, length)
    if p ~= nil then list[i] = decode(p, tonumber(length[0])) end
  end
  return list, state.rows
end

---A list of what f makes of each row; a nil takes no place in it.
---@generic T
---@param f fun(row: moonpool.Row, i: integer): T
---@return T[]
function Result:map(f)
  if type(f) ~= "function" then errors.misuse("map takes a function of a row, got a %s", type(f)) end
  known(self, "map")
  local list, n = {}, 0
  for i, row in self:pairs() do
    local made = f(row, i)
    if made ~= nil then
      n = n + 1
      list[n] = made
    end
  end
  return list
end

---The rows as a JSON array of objects, columns in their order, every digit of every number kept.
---@return string
function Result:to_json()
  local state = known(self, "to_json")
  local objects, object = {}, json_rows.writer(state.shape)
  for i = 1, state.rows do objects[i] = object(state.handle, i - 1) end
  return "[" .. table.concat(objects, ",") .. "]"
end

---Names and type OIDs of the columns, in order.
---@return { name: string, type: integer }[]
function Result:columns()
  local shape, list = known(self, "columns").shape, {}
  for i, name in ipairs(shape.names) do list[i] = { name = name, type = shape.types[i] } end
  return list
end

---PostgreSQL's own text of a value, rows and columns counted from 1; nil for NULL.
---@param row integer
---@param column integer
---@return string|nil
function Result:text(row, column)
  local state = known(self, "text")
  local there = type(row) == "number" and type(column) == "number"
    and row >= 1 and row <= state.rows and column >= 1 and column <= state.shape.n
  if not there then
    errors.misuse("there is no value %s, %s in %d rows of %d columns", errors.show(row), errors.show(column),
      state.rows, state.shape.n)
  end
  local p = C.mp_result_value(state.handle, row - 1, column - 1, length)
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
  return state_in(value) ~= nil
end

function face_length(result) return getmetatable(result).rows end

function face_index(result, key)
  local method = Result[key]
  if method then return method end
  local state = getmetatable(result)
  if type(key) == "number" then return view(state, key) end
  local fact = facts[key]
  if fact then return fact(state.handle) end
  return misname.check("a result has no", key, Result, facts)
end

return M
