--- COPY: many rows into a table, or out of one, without a statement for each.

local abandoned = require "moonpool.core.abandoned"
local abi = require "moonpool.core.abi"
local duration = require "moonpool.core.duration"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local guard = require "moonpool.core.guard"
local name = require "moonpool.core.name"
local native = require "moonpool.core.ffi"
local null = require "moonpool.core.null"
local op = require "moonpool.core.op"
local option = require "moonpool.core.options"
local params = require "moonpool.core.params"
local placeholders = require "moonpool.core.placeholders"
local rows = require "moonpool.core.rows"
local run = require "moonpool.core.run"

local C, type = native.C, type

local M = {}

local function is_copy(text)
  return text:lower():match "^%s*copy[%s(]" ~= nil
end

-- The server's own words on where it was: "COPY users, line 3, column age".
local function name_the_row(e)
  if errors.is_error(e) and e.context and not e.row then
    e.row = tonumber(e.context:match "^COPY .-, line (%d+)")
  end
  return e
end

-- ---- In ----

local OVER = "this COPY is over: put is for the function only"
local HERE = debug.getinfo(1, "S").source

-- One row, written for its number of columns: a loop over the values of a vararg would not compile. It
-- goes under this file's name, so that errors name the line that called it.
local function write_putter(n)
  local names, writes = {}, {}
  for i = 1, n do
    names[i] = "v" .. i
    writes[i] = ("one(v%d, %d)"):format(i, i)
  end
  return assert(loadstring(([[
    local one, ended, wrong, select = ...
    return function(...)
      if select("#", ...) ~= %d then wrong(select("#", ...)) end
      local %s = ...
      %s
      return ended()
    end]]):format(n, table.concat(names, ", "), table.concat(writes, "\n")), HERE))
end

-- What one COPY keeps while it lasts: the engine's part and what the function is called with.
local function row_putter(state, columns)
  local copy, n = state.copy, #columns
  local value_to, number_to, end_row = C.mp_copy_value, C.mp_copy_number, C.mp_copy_end_row

  local function refuse(e)
    error(errors.new {
      kind = "usage", row = state.rows + 1, where = errors.callers_line(),
      message = ("row %d: %s"):format(state.rows + 1, e.message),
    }, 0)
  end

  local function unusual(value, i)
    local ok, text = pcall(params.text, value, columns[i])
    if not ok then
      C.mp_copy_drop_row(copy)
      refuse(text)
    end
    return text
  end

  local function one(value, i)
    local kind = type(value)
    if kind == "number" then
      number_to(copy, value)
    elseif kind == "string" then
      if value_to(copy, value, #value) == 0 then unusual(value, i) end
    elseif value == nil or value == null then
      value_to(copy, nil, 0)
    else
      local text = unusual(value, i)
      if text then value_to(copy, text, #text) else value_to(copy, nil, 0) end
    end
  end

  local function ended()
    if state.over then errors.misuse(OVER) end
    state.rows = state.rows + 1
    if end_row(copy) == 1 then state.send() end
  end

  local function wrong(got)
    errors.misuse("put takes %d value%s (%s), got %d", n, n == 1 and "" or "s", table.concat(columns, ", "), got)
  end
  return write_putter(n)(one, ended, wrong, select)
end

local function send(state, data)
  if state.over then errors.misuse(OVER) end
  local ok, handle = pcall(run.ended, C.mp_copy_put(state.copy, data, data and #data or 0))
  if not ok then
    state.failure = name_the_row(handle)
    error(handle, 0)
  end
  C.mp_op_free(ffi.gc(handle, nil))
end

local function give_up(state, e)
  local reason = errors.is_error(e) and e.kind or "the function that makes the rows raised an error"
  local handle = ffi.gc(C.mp_copy_fail(state.copy, reason, #reason), C.mp_op_free)
  op.await(handle)
  C.mp_op_free(ffi.gc(handle, nil))
end

local function finish(state)
  local ok, handle = pcall(run.ended, C.mp_copy_finish(state.copy))
  if not ok then error(name_the_row(handle), 0) end
  local stored = tonumber(C.mp_op_affected(handle))
  C.mp_op_free(ffi.gc(handle, nil))
  return stored
end

local function start(session, how, sql, route, timeout)
  if abandoned.any then abandoned.look() end
  local handle = run.ended(how(session, sql, #sql, run.options(route, timeout)))
  local copy = ffi.gc(C.mp_op_copy(handle), C.mp_copy_free)
  C.mp_op_free(ffi.gc(handle, nil))
  return copy
end

-- Statement, list of columns (nil: raw data), function, options; from what the caller wrote.
local function read_call(target, columns, f, options)
  if type(target) ~= "string" then errors.misuse("copy_in takes the name of a table, got a %s", type(target)) end
  if type(columns) == "function" and is_copy(target) then return target, nil, columns, f end
  local path = name.path(target)
  if not path then errors.misuse("%q is no name of a table", target) end
  local list = name.list(columns, "copy_in")
  if type(f) ~= "function" then errors.misuse("copy_in takes a function that puts rows, got a %s", type(f)) end
  return ("copy %s (%s) from stdin"):format(path, list), columns, f, options
end

---@async
---@param session ffi.cdata*
---@param ... any what copy_in was given
---@return integer rows
function M.into(session, ...)
  local sql, columns, f, options = read_call(...)
  option.check("copy_in", options, { timeout = true })
  local timeout = duration.seconds(options and options.timeout, "timeout") or 0
  local state = { copy = start(session, C.mp_copy_in, sql, abi.WRITE, timeout), rows = 0, over = false }
  state.send = function() send(state) end
  local put = columns and row_putter(state, columns) or function(data)
    if type(data) ~= "string" then errors.misuse("put takes a string of COPY data, got a %s", type(data)) end
    send(state, data)
  end
  local ok, e = pcall(f, put)
  state.over = true
  local failure = not ok and e or state.failure
  if failure then
    give_up(state, failure)
    error(failure, 0)
  end
  return finish(state)
end

-- ---- Out ----

---@class moonpool.CopyOut
---@field rows integer|nil at the end: how many rows came
---@field private line ffi.cdata*|nil
---@field private like ffi.cdata*|nil an empty result with the columns
---@field private codec moonpool.Codec
---@field private memory table
---@field private text ffi.cdata*|nil the piece at hand
---@field private result moonpool.Result|nil
---@field private next integer
local CopyOut = {}
CopyOut.__index = CopyOut

local function close(out)
  local line = out.line
  if not line then return end
  out.line = nil
  abandoned.remove(out)
  C.mp_copy_free(ffi.gc(line, nil))
end

-- The next piece as the engine's text, or nil at the end.
local function next_text(out)
  if not out.line then return nil end
  local ok, handle = pcall(run.ended, C.mp_copy_get(out.line))
  if not ok then
    close(out)
    error(handle, 0)
  end
  -- Kept where the collector sees it: compiled code may forget a local before the pointer into it.
  local text = ffi.gc(C.mp_op_text(handle), C.mp_text_free)
  out.text = text
  local count = tonumber(C.mp_op_affected(handle))
  C.mp_op_free(ffi.gc(handle, nil))
  local data = C.mp_text_data(text, native.length)
  local length = tonumber(native.length[0])
  if length > 0 then return data, length end
  out.text = nil
  out.rows = count
  close(out)
  return nil
end

local function next_chunk(out)
  local data, length = next_text(out)
  return data and ffi.string(data, length) or nil
end

local function next_row(out)
  local result, i = out.result, out.next
  if not result or i > result:count() then
    local data, length = next_text(out)
    if not data then
      out.result = nil
      return nil
    end
    local one = C.mp_copy_rows(out.like, data, length, native.no_failure())
    if one == nil then error(errors.take(native.failure), 0) end
    result, i = rows.wrap(one, out.codec, out.memory), 1
    out.result = result
  end
  out.next = i + 1
  return result:view(i)
end

---Walks over the rows, once. Leaving early is safe.
---@async
---@return fun(): moonpool.Row|nil
function CopyOut:each()
  if not self.like then
    errors.misuse "this COPY is read by chunks(): each() takes the name of a table or a query, in no other format"
  end
  return function() return next_row(self) end
end

---Walks over the data as they come, in strings of whole rows.
---@async
---@return fun(): string|nil
function CopyOut:chunks()
  return function() return next_chunk(self) end
end

---Reads no further. The server is told to stop.
function CopyOut:close()
  close(self)
  self.result = nil
end

local formats = { text = "", csv = " with (format csv)", binary = " with (format binary)" }

local function source_of(target, columns)
  local path = name.path(target)
  local list = columns and name.list(columns, "copy_out") or "*"
  if path then return ("select %s from %s"):format(list, path) end
  if columns then errors.misuse "columns are for a table; a query names its own" end
  return (target:gsub("[%s;]+$", ""))
end

-- A ? may be an operator, so only the server knows that one was meant as a parameter.
local function explained(e, source)
  if errors.is_error(e) and e.sqlstate == "42601" then
    local ok, scan = pcall(placeholders.scan, source)
    if ok and scan.n > 0 then
      errors.advise(e, "PostgreSQL allows no parameters in COPY: write the values into the query, or read it with "
        .. "db:stream(sql, …)")
    end
  end
  return e
end

---@async
---@param session ffi.cdata*
---@param codec moonpool.Codec
---@param target string a table, a query, or a COPY … TO STDOUT
---@param options { columns: string[]|nil, format: "text"|"csv"|"binary"|nil, header: boolean|nil, read: boolean|nil,
---  timeout: string|number|nil }|nil
---@return moonpool.CopyOut
function M.out_of(session, codec, target, options)
  if type(target) ~= "string" then
    errors.misuse("copy_out takes the name of a table, a query or a COPY statement, got a %s", type(target))
  end
  option.check("copy_out", options,
    { columns = true, format = true, header = "boolean", read = "boolean", timeout = true })
  options = options or {}
  local format = options.format or "text"
  if not formats[format] then errors.misuse('format takes "text", "csv" or "binary", got %s', errors.show(format)) end
  if options.header and format ~= "csv" then errors.misuse 'header is for format = "csv"' end
  local timeout = duration.seconds(options.timeout, "timeout") or 0
  local route = options.read and abi.READ or abi.WRITE
  local sql, like, memory = target, nil, {}
  if not is_copy(target) then
    local source = source_of(target, options.columns)
    if format == "text" then
      local ask = ("select * from (%s) as rows limit 0"):format(source)
      local ok, answer = pcall(run.one, session, ask, {}, 0, nil, route, 0, timeout)
      if not ok then error(explained(answer, source), 0) end
      like = answer
      -- Types of the user's own are asked about now: nothing else runs on a transaction during its COPY.
      rows.wrap(like, codec, memory, session, route)
    end
    local style = options.header and " with (format csv, header)" or formats[format]
    sql = ("copy (%s) to stdout%s"):format(source, style)
  end
  local line = start(session, C.mp_copy_out, sql, route, timeout)
  local out = setmetatable({ line = line, like = like, codec = codec, memory = memory, next = 1 }, CopyOut)
  abandoned.add(out)
  return out
end

guard.methods(CopyOut, CopyOut, "a COPY")

return M
