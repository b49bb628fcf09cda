--- Several statements in one round trip.

local abi = require "moonpool.core.abi"
local duration = require "moonpool.core.duration"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local misname = require "moonpool.core.misname"
local native = require "moonpool.core.ffi"
local option = require "moonpool.core.options"
local placeholders = require "moonpool.core.placeholders"
local result_cache = require "moonpool.core.result_cache"
local rows = require "moonpool.core.rows"
local run = require "moonpool.core.run"

local C = native.C

local M = {}

---@class moonpool.Batch
---@field private planned moonpool.Planned|nil until it is sent
local Batch = {}

local meant = {
  query = "add", query_row = "add", exec = "add", queue = "add", push = "add",
  run = "nothing: it is run when the function has returned",
}

function Batch:__index(key)
  return Batch[key] or misname.check_meant("a batch has no method", key, meant, Batch)
end

---Adds a statement, or anything with `to_sql`. Returns its number in the list of results.
---@param statement string|table
---@param ... any parameters
---@return integer
function Batch:add(statement, ...)
  if getmetatable(self) ~= Batch then
    errors.misuse("add is called with a colon: b:add(…), got %s", errors.show(self))
  end
  local planned = rawget(self, "planned")
  if not planned then errors.misuse "this batch was sent: add is for the function only" end
  local at = planned.n + 1
  if placeholders.is_built(statement) then
    planned.sqls[at], planned.lists[at], planned.counts[at] = placeholders.built(statement)
    planned.memories[at], planned.built[at] = {}, statement
  else
    local scan = placeholders.scan(statement)
    planned.lists[at] = placeholders.bind(scan, select("#", ...), ...)
    planned.sqls[at], planned.counts[at], planned.names[at], planned.memories[at] = scan.text, scan.n, scan.names, scan
  end
  planned.n = at
  return at
end

-- The place of a statement that failed: whoever reads from it meets its error.
local failed = {
  __index = function(place) error(rawget(place, "error"), 0) end,
  __tostring = function(place) return tostring(rawget(place, "error")) end,
}

local known = { atomic = "boolean", read = "boolean", timeout = true }
local script_knows = { timeout = true }

local function statement_error(handle, i)
  local e = C.mp_op_statement_error(handle, i - 1)
  return e ~= nil and e or nil
end

-- An error of the whole (no connection, the deadline) speaks of no statement.
local function failed_as_a_whole(handle, n)
  for i = 1, n do
    if statement_error(handle, i) then return false end
  end
  return true
end

-- Results are wrapped when the operation is over: a type that is not known is asked about on the same session.
-- `well`: all of them went well.
local function collect(handle, planned, well, session, codec, route)
  local list, failures = {}, {}
  for i = 1, planned.n do
    local e = not well and statement_error(handle, i)
    if e then
      failures[i] = errors.from(e)
      failures[i].statement = i
      list[i] = setmetatable({ error = failures[i] }, failed)
    else
      list[i] = rows.own(C.mp_op_result(handle, i - 1))
    end
  end
  C.mp_op_free(ffi.gc(handle, nil))
  local memories = planned.memories
  for i = 1, planned.n do
    if not failures[i] then list[i] = rows.wrap_owned(list[i], codec, memories[i], session, route) end
  end
  list.errors = failures
  return list
end

-- Where all were undone, the others only say so: the one to raise is the one that was the cause.
local function cause(handle, n)
  local first
  for i = 1, n do
    local failure = statement_error(handle, i)
    if failure then
      local e = errors.from(failure)
      e.statement = i
      if e.kind ~= "transaction" then return e end
      first = first or e
    end
  end
  return first
end

local function raise_first(handle, n)
  local e = cause(handle, n)
  if not e then run.fail(handle) end
  e.where = errors.callers_line()
  C.mp_op_free(ffi.gc(handle, nil))
  error(e, 0)
end

---Collects the statements that f adds and runs them.
---@async
---@param session ffi.cdata*
---@param codec moonpool.Codec
---@param f fun(b: moonpool.Batch)
---@param options { atomic: boolean|nil, read: boolean|nil, timeout: string|number|nil }|nil
---@param owner moonpool.Handle
---@return table results
function M.run(session, codec, f, options, owner)
  if type(f) ~= "function" then errors.misuse("batch takes a function that adds statements, got a %s", type(f)) end
  options = option.check("a batch", options, known)
  local batch = setmetatable({
    planned = { n = 0, sqls = {}, lists = {}, counts = {}, names = {}, memories = {}, built = {} },
  }, Batch)
  local planned = batch.planned
  f(batch)
  batch.planned = nil
  if planned.n == 0 then return { errors = {} } end
  local atomic = options.atomic ~= false
  local route = options.read and abi.READ or abi.WRITE
  local handle, status = run.many(session, planned, route,
    atomic and abi.ATOMIC or 0, duration.seconds(options.timeout, "timeout") or 0)
  local well, built = status == abi.OK, planned.built
  if not well and (atomic or failed_as_a_whole(handle, planned.n)) then raise_first(handle, planned.n) end
  local results = collect(handle, planned, well, session, codec, route)
  if next(built) == nil then return results end
  for i = 1, planned.n do
    if built[i] and not results.errors[i] then result_cache.after(owner, built[i]) end
  end
  return results
end

---Runs text that may hold several statements.
---@async
---@param session ffi.cdata*
---@param codec moonpool.Codec
---@param sql string
---@param options { timeout: string|number|nil }|nil
---@return moonpool.Result[]
function M.script(session, codec, sql, options)
  if type(sql) ~= "string" then errors.misuse("script takes SQL, got a %s", type(sql)) end
  local timeout = duration.seconds(option.check("script", options, script_knows).timeout, "timeout") or 0
  local planned = { n = 1, sqls = { sql }, lists = { {} }, counts = { 0 }, names = {} }
  local handle, status = run.many(session, planned, abi.WRITE, abi.SCRIPT, timeout)
  if status ~= abi.OK then run.fail(handle) end
  local results = {}
  for i = 1, tonumber(C.mp_op_count(handle)) do
    local one = C.mp_op_result(handle, i - 1)
    if one ~= nil then results[#results + 1] = rows.own(one) end
  end
  C.mp_op_free(ffi.gc(handle, nil))
  for i = 1, #results do results[i] = rows.wrap_owned(results[i], codec, {}, session, abi.WRITE) end
  return results
end

return M
