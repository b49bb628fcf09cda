--- The shape of a result: names and types of its columns, and the code that reads rows of that shape.
--- Statements are asked again and again with the same shape, so it is made once and checked cheaply.

local errors = require "moonpool.core.error"
local ffi = require "ffi"
local json = require "moonpool.core.json"
local json_rows = require "moonpool.core.json_rows"
local native = require "moonpool.core.ffi"
local suggest = require "moonpool.core.suggest"

ffi.cdef "int strcmp(const char*, const char*);"

local C, length, libc, tonumber = native.C, native.length, ffi.C, tonumber
local value_of = C.mp_result_value

local M = {}

---@class moonpool.Shape
---@field n integer
---@field names string[]
---@field types integer[] OIDs
---@field decode function[]
---@field columns table<string|integer, integer> column by name (the last of that name) and by position
---@field codec moonpool.Codec
---@field view table metatable of lazy rows
---@field strict table metatable of rows read into tables
---@field private reader function|nil
local Shape = {}
Shape.__index = Shape

local function unknown(shape, key)
  -- Libraries ask any table for fields such as __tojson.
  if type(key) == "string" and key:sub(1, 2) == "__" then return nil end
  if type(key) == "number" then
    errors.misuse("there is no column %s in a row of %d", key, shape.n)
  end
  errors.misuse("there is no column %s in this row%s; it has %s",
    type(key) == "string" and '"' .. key .. '"' or "called by a " .. type(key),
    suggest.hint(key, shape.names), table.concat(shape.names, ", "))
end

local function value_text(value)
  if type(value) == "string" then return ("%q"):format(value) end
  -- An array of bytes is no JSON.
  if type(value) ~= "table" then return tostring(value) end
  local ok, document = pcall(json.encode, value)
  return ok and document or tostring(value)
end

local function row_text(row, shape)
  local parts = {}
  for i, name in ipairs(shape.names) do
    local value = row[i]
    parts[i] = name .. " = " .. value_text(value)
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

---What a row answers to beside its columns; a column of such a name is the column.
---@class moonpool.Row
local Row = {}

local function meta_of(row, method)
  local meta = type(row) == "table" and getmetatable(row)
  if type(meta) == "table" and type(rawget(meta, "shape")) == "table" and meta.shape.columns then return meta end
  errors.misuse("%s is called with a colon on a row: row:%s(), got %s", method, method, errors.show(row))
end

---The row as a table of its own, which keeps nothing of the result alive.
---@return moonpool.Row
function Row:copy()
  local meta = meta_of(self, "copy")
  if meta.__plain then return meta.__plain(self) end
  local copy = {}
  for i, name in ipairs(meta.shape.names) do
    local key = meta.shape.columns[name] == i and name or i
    copy[key] = rawget(self, key)
  end
  return setmetatable(copy, meta)
end

local function next_column(walk)
  local i = walk.i + 1
  walk.i = i
  local name = walk.names[i]
  if name ~= nil then return name, walk.row[i] end
end

---Names and values in the order of the columns, NULLs too: `for name, value in row:pairs() do`.
---@return fun(walk: table): string|nil, any
---@return table
function Row:pairs()
  return next_column, { row = self, names = meta_of(self, "pairs").shape.names, i = 0 }
end

---The row as a JSON object.
---@return string
function Row:to_json()
  local meta = meta_of(self, "to_json")
  local result = rawget(self, "\0result")
  if result then return json_rows.writer(meta.shape)(result.handle, rawget(self, "\0number")) end
  local parts = {}
  for i, name in ipairs(meta.shape.names) do
    if meta.shape.columns[name] == i then
      parts[#parts + 1] = json.encode(name) .. ":" .. json_rows.value(meta.shape, i, rawget(self, name))
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- A view keeps its result under "\0result" and its number, from 0, under "\0number". No column can be
-- called so: names hold no NUL.
local function view_metatable(shape)
  local columns, decode = shape.columns, shape.decode
  return {
    __index = function(row, key)
      local column = columns[key]
      if column == nil then return Row[key] or unknown(shape, key) end
      local p = value_of(row["\0result"].handle, row["\0number"], column - 1, length)
      if p == nil then return nil end
      return decode[column](p, tonumber(length[0]))
    end,
    __tostring = function(row) return row_text(row, shape) end,
    __plain = function(row) return shape:read(row["\0result"].handle, row["\0number"]) end,
    shape = shape,
  }
end

local function strict_metatable(shape)
  local columns, names = shape.columns, shape.names
  return {
    __index = function(row, key)
      local column = columns[key]
      if column == nil then return Row[key] or unknown(shape, key) end
      if type(key) == "number" then return rawget(row, names[column]) end
      return nil
    end,
    __tostring = function(row) return row_text(row, shape) end,
    shape = shape,
  }
end

---The shape of columns that are known by name and type.
---@param names string[] becomes the shape's
---@param types integer[] OIDs; becomes the shape's
---@param codec moonpool.Codec
---@param session ffi.cdata*|nil whom to ask about types of the user's own
---@param route integer|nil
---@return moonpool.Shape
function M.named(names, types, codec, session, route)
  local n, strange, mine = #names, nil, false
  for _, oid in ipairs(types) do
    mine = mine or codec:is_of_database(oid)
    if codec:is_strange(oid) then
      strange = strange or {}
      strange[#strange + 1] = oid
    end
  end
  if strange then codec:learn(strange, session, route) end
  local shape = { n = n, names = names, types = types, decode = {}, columns = {}, codec = codec, base = codec.base }
  shape.strange = mine -- its OIDs mean something in one database only
  shape.waits = strange and not session -- it was read for want of somebody to ask
  for i = 1, n do
    shape.decode[i] = codec:decoder(types[i])
    shape.columns[names[i]], shape.columns[i] = i, i
  end
  shape.view, shape.strict = view_metatable(shape), strict_metatable(shape)
  return setmetatable(shape, Shape)
end

---Reads the columns of a result.
---@param handle ffi.cdata*
---@param codec moonpool.Codec
---@param session ffi.cdata*|nil where the result came from, to ask about types of the user's own
---@param route integer|nil
---@return moonpool.Shape
function M.of(handle, codec, session, route)
  local names, types = {}, {}
  for i = 1, tonumber(C.mp_result_columns(handle)) do
    names[i] = ffi.string(C.mp_result_name(handle, i - 1))
    types[i] = tonumber(C.mp_result_type(handle, i - 1))
  end
  return M.named(names, types, codec, session, route)
end

---The shape of rows that have lost their last columns.
---@param n integer how many are left
---@return moonpool.Shape
function Shape:head(n)
  local names, types = {}, {}
  for i = 1, n do names[i], types[i] = self.names[i], self.types[i] end
  return M.named(names, types, self.codec)
end

---Whether a result has this very shape.
---@param handle ffi.cdata*
---@param codec moonpool.Codec
---@return boolean
function Shape:fits(handle, codec)
  local n, names, types = self.n, self.names, self.types
  if codec ~= self.codec and (codec.base ~= self.base or self.strange) or self.waits then return false end
  if C.mp_result_columns(handle) ~= n then return false end
  for i = 1, n do
    if C.mp_result_type(handle, i - 1) ~= types[i] then return false end
    if libc.strcmp(C.mp_result_name(handle, i - 1), names[i]) ~= 0 then return false end
  end
  return true
end

-- A table constructor with every name in it makes the table at its final size, and compiles into
-- straight code: twice as fast as a loop over the columns. Wide rows would not fit into its registers.
local WIDEST = 100

local function write_reader(shape)
  local fields, code = {}, {
    "local value, length, tonumber, setmetatable, strict, decode = ...",
    "return function(handle, row)",
    "local p",
  }
  for i, name in ipairs(shape.names) do
    code[#code + 1] = ("p = value(handle, row, %d, length)"):format(i - 1)
    code[#code + 1] = ("local v%d; if p ~= nil then v%d = decode[%d](p, tonumber(length[0])) end"):format(i, i, i)
    -- A column whose name a later one took stays reachable by its position.
    local key = shape.columns[name] == i and ("%q"):format(name) or tostring(i)
    fields[i] = ("[%s] = v%d"):format(key, i)
  end
  code[#code + 1] = "return setmetatable({ " .. table.concat(fields, ", ") .. " }, strict) end"
  local make = loadstring(table.concat(code, "\n"), "=row")
  return make(value_of, length, tonumber, setmetatable, shape.strict, shape.decode)
end

local function slow_reader(shape)
  local columns, names, decode = shape.columns, shape.names, shape.decode
  return function(handle, row)
    local t = {}
    for i = 1, shape.n do
      local p = value_of(handle, row, i - 1, length)
      if p ~= nil then
        local name = names[i]
        t[columns[name] == i and name or i] = decode[i](p, tonumber(length[0]))
      end
    end
    return setmetatable(t, shape.strict)
  end
end

---The function that reads a row into a table: reader(handle, row), rows counted from 0.
---@return fun(handle: ffi.cdata*, row: integer): table
function Shape:row_reader()
  local reader = self.reader
  if not reader then
    reader = self.n <= WIDEST and write_reader(self) or slow_reader(self)
    self.reader = reader
  end
  return reader
end

---@param handle ffi.cdata*
---@param row integer from 0
---@return table
function Shape:read(handle, row)
  return self:row_reader()(handle, row)
end

return M
