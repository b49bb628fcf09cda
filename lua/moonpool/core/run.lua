--- Statements on their way to the engine and back: parameters into C values, the wait, the error.
--- The C structs are reused. Nothing yields between filling one and mp_run, which copies it.

local abandoned = require "moonpool.core.abandoned"
local abi = require "moonpool.core.abi"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local marks = require "moonpool.core.marks"
local native = require "moonpool.core.ffi"
local op = require "moonpool.core.op"
local params = require "moonpool.core.params"

local C, text_of, await = native.C, params.text, op.await
local OK = abi.OK

local M = {}

local statement = ffi.new "mp_statement[1]"
local options = ffi.new "mp_run_options[1]"
options[0].size = ffi.sizeof "mp_run_options"

local capacity = 32
local values = ffi.new("mp_value[?]", capacity)
-- Texts that Lua made for the values must live until mp_run has copied them.
local anchors = {} -- luacheck: ignore 241

local function room_for(n)
  if n > params.MOST then
    errors.misuse("a statement takes at most %d parameters, got %d", params.MOST, n)
  end
  capacity = n
  values = ffi.new("mp_value[?]", n)
end

-- A table may write itself, and what it does for that may be a statement of its own: that has to be over before the
-- structs are filled. Gives the list without tables.
local function settled(list, n, names)
  local own
  for i = 1, n do
    if type(list[i]) == "table" then
      own = {}
      break
    end
  end
  if not own then return list end
  for i = 1, n do
    local value = list[i]
    if type(value) == "table" then value = text_of(value, names and names[i] or i) end
    own[i] = value
  end
  return own
end

local function fill(target, at, list, n, names)
  for i = 1, n do
    local text = text_of(list[i], names and names[i] or i)
    local value = target[at + i - 1]
    if text == nil then
      value.data, value.length = nil, 0
    else
      anchors[at + i] = text
      value.data, value.length = text, #text
    end
  end
end

local function fill_statement(sql, list, n, names)
  local own = settled(list, n, names)
  if n > capacity then room_for(n) end
  fill(values, 0, own, n, names)
  local s = statement[0]
  s.sql, s.sql_length, s.params, s.param_count = sql, #sql, values, n
end

local function forget(n)
  for i = 1, n do anchors[i] = nil end
end

local LIST_HINT = "a list is sent as one array: say = any(?), or give the values one by one"
local JSON_HINT = "a list is sent as an array; for a JSON array say moonpool.json { … }"

-- A list goes out as an array, also where a JSON array was meant: the server sees "{1,2}" and says little.
local function hint_at_lists(e, list, n)
  -- Rows of an insert cast theirs by array_cat.
  if e.sqlstate == "42883" and e.message:find("array_cat(json", 1, true) then errors.advise(e, JSON_HINT, true) end
  if e.sqlstate ~= "22P02" or e.hint then return end
  local wanted = e.message:find("type json", 1, true) and JSON_HINT or LIST_HINT
  if wanted == LIST_HINT and not e.message:find('"{', 1, true) then return end
  for i = 1, n do
    local value = list[i]
    if type(value) == "table" and (marks.kind(value) or "array") == "array" and rawget(value, 1) ~= nil then
      errors.advise(e, wanted)
      return
    end
  end
end

---Raises the error of an operation that failed, with the line that asked for it.
---@param handle ffi.cdata* mp_op
---@param list any[]|nil the parameters
---@param n integer|nil how many
function M.fail(handle, list, n)
  local e = errors.from(C.mp_op_error(handle))
  C.mp_op_free(ffi.gc(handle, nil))
  if list then hint_at_lists(e, list, n) end
  e.where = errors.callers_line()
  error(e, 0)
end

---Runs an operation that gives nothing back but its end.
---@async
---@param handle ffi.cdata* mp_op
function M.finish(handle)
  handle = ffi.gc(handle, C.mp_op_free)
  if await(handle) ~= OK then M.fail(handle) end
  C.mp_op_free(ffi.gc(handle, nil))
end

---Runs one statement; gives the engine's result, which the caller owns.
---@async
---@param session ffi.cdata*
---@param sql string with $n
---@param list any[] values of $1, $2, …
---@param n integer how many
---@param names string[]|nil what to call them when one is refused
---@param route integer
---@param flags integer
---@param timeout number seconds; 0: the session's habit
---@param consistency integer|nil what a read must have seen; nil: the session's habit
---@return ffi.cdata* mp_result
function M.one(session, sql, list, n, names, route, flags, timeout, consistency)
  if abandoned.any then abandoned.look() end
  fill_statement(sql, list, n, names)
  local o = options[0]
  o.route, o.flags, o.timeout, o.consistency = route, flags, timeout, consistency or 0
  local handle = ffi.gc(C.mp_run(session, statement, 1, options), C.mp_op_free)
  forget(n)
  if await(handle) ~= OK then M.fail(handle, list, n) end
  local result = C.mp_op_result(handle, 0)
  C.mp_op_free(ffi.gc(handle, nil))
  return result
end

---Starts reading one statement piece by piece; gives the engine's stream, which the caller owns.
---@async
---@param session ffi.cdata*
---@param sql string with $n
---@param list any[]
---@param n integer
---@param names string[]|nil
---@param route integer
---@return ffi.cdata* mp_stream
function M.stream(session, sql, list, n, names, route)
  if abandoned.any then abandoned.look() end
  fill_statement(sql, list, n, names)
  local o = options[0]
  o.route, o.flags, o.timeout, o.consistency = route, 0, 0, 0
  local handle = ffi.gc(C.mp_stream_open(session, statement, options), C.mp_op_free)
  forget(n)
  if await(handle) ~= OK then M.fail(handle) end
  local stream = C.mp_op_stream(handle)
  C.mp_op_free(ffi.gc(handle, nil))
  return stream
end

---Options of a call that runs no statement of its own making.
---@param route integer
---@param timeout number seconds; 0: the session's habit
---@return ffi.cdata* mp_run_options[1], valid until the next call
function M.options(route, timeout)
  local o = options[0]
  o.route, o.flags, o.timeout, o.consistency = route, 0, timeout, 0
  return options
end

---Runs an operation to its end and gives it back ended; the caller owns it. Raises when it failed.
---@async
---@param handle ffi.cdata* mp_op
---@return ffi.cdata* mp_op
function M.ended(handle)
  handle = ffi.gc(handle, C.mp_op_free)
  if await(handle) ~= OK then M.fail(handle) end
  return handle
end

---Statements to be sent together, each a place in these lists: tables of their own would be most of their cost.
---@class moonpool.Planned
---@field n integer how many
---@field sqls string[] with $n
---@field lists any[][] the parameters of each
---@field counts integer[] how many they are
---@field names table<integer, string[]> what to call them, where they have names

---Starts several statements in one round trip and waits; gives the ended operation, which the caller owns.
---@async
---@param session ffi.cdata*
---@param planned moonpool.Planned
---@param route integer
---@param flags integer
---@param timeout number
---@return ffi.cdata* mp_op
---@return integer status
function M.many(session, planned, route, flags, timeout)
  if abandoned.any then abandoned.look() end
  local sqls, lists, counts, names, total = planned.sqls, planned.lists, planned.counts, planned.names, 0
  for i = 1, planned.n do
    total, lists[i] = total + counts[i], settled(lists[i], counts[i], names[i])
  end
  local all = ffi.new("mp_value[?]", math.max(total, 1))
  local statements = ffi.new("mp_statement[?]", math.max(planned.n, 1))
  local at = 0
  for i = 1, planned.n do
    local sql, n, s = sqls[i], counts[i], statements[i - 1]
    fill(all, at, lists[i], n, names[i])
    s.sql, s.sql_length, s.params, s.param_count = sql, #sql, all + at, n
    at = at + n
  end
  local o = options[0]
  o.route, o.flags, o.timeout, o.consistency = route, flags, timeout, 0
  local handle = ffi.gc(C.mp_run(session, statements, planned.n, options), C.mp_op_free)
  forget(total)
  return handle, await(handle)
end

return M
