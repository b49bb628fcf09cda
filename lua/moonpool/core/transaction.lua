--- `db:transaction(f)`: commit when f returns, roll back when it raises, run it again when the server
--- asked for that (serialization failures, deadlocks, a server that went away before COMMIT).

local abandoned = require "moonpool.core.abandoned"
local abi = require "moonpool.core.abi"
local backoff = require "moonpool.core.backoff"
local duration = require "moonpool.core.duration"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local native = require "moonpool.core.ffi"
local op = require "moonpool.core.op"
local option = require "moonpool.core.options"
local result_cache = require "moonpool.core.result_cache"
local run = require "moonpool.core.run"

local C = native.C

local M = {}

---How often the function is run again when nothing else is said.
M.RETRIES = 3
local BACKOFF_BASE, BACKOFF_CAP = 0.02, 1

---@class moonpool.TransactionOptions
---@field isolation "read committed"|"repeatable read"|"serializable"|nil
---@field read_only boolean|nil
---@field deferrable boolean|nil
---@field exactly_once boolean|nil a COMMIT whose answer was lost is looked up
---@field timeout string|number|nil for the whole of it, repetitions included
---@field retries integer|nil how often f may be run again; 3

---Raises the error of a transaction that is used wrongly.
---@param message string
---@param hint string
function M.refuse(message, hint)
  error(errors.new { kind = "transaction", message = message, hint = hint, where = errors.callers_line() }, 0)
end

local known = {
  deferrable = "boolean", exactly_once = "boolean", isolation = true, read_only = "boolean", retries = "number",
  timeout = true,
}

local function isolation_of(name)
  if name == nil then return 0 end
  local level = type(name) == "string" and abi.isolation[(name:lower():gsub("[_-]", " "))]
  if not level then
    errors.misuse('isolation takes "read committed", "repeatable read" or "serializable", got %s', errors.show(name))
  end
  return level
end

local function check(options)
  options = option.check("a transaction", options, known)
  local retries = options.retries
  if retries ~= nil and (retries < 0 or retries % 1 ~= 0) then
    errors.misuse("retries takes a whole number from 0, got %s", errors.show(retries))
  end
  if options.exactly_once and options.read_only then
    errors.misuse "exactly_once stores a row; a transaction that is read_only has nothing to prove"
  end
  return options
end

-- What a transaction's handles share. It belongs to the task that begins it.
local function state_in(parent)
  return { sandbox = parent.state.sandbox, task = op.current() or false }
end

-- `attempt`: of a function that can be run again, the how-manieth run this is.
local function begin(session, options, timeout, attempt)
  local wishes = ffi.new "mp_tx_options"
  wishes.size = ffi.sizeof "mp_tx_options"
  wishes.isolation = isolation_of(options.isolation)
  wishes.read_only = options.read_only and 1 or 0
  wishes.deferrable = options.deferrable and 1 or 0
  wishes.timeout = timeout or 0
  wishes.exactly_once = options.exactly_once and 1 or 0
  wishes.attempt = attempt or 0
  local place = errors.callers_lines(4)
  wishes.place = place
  if abandoned.any then abandoned.look() end
  local handle = ffi.gc(C.mp_begin(session, wishes), C.mp_op_free)
  if op.await(handle) ~= abi.OK then run.fail(handle) end
  local transaction = ffi.gc(C.mp_op_session(handle), C.mp_session_free)
  C.mp_op_free(ffi.gc(handle, nil))
  return transaction
end

local function finish(tx, how, f)
  local session = tx.line
  tx.state.over, tx.line = how, false
  local handle = ffi.gc(f(session), C.mp_op_free)
  local e
  if op.await(handle, true) ~= abi.OK then e = errors.from(C.mp_op_error(handle)) end
  -- A COMMIT whose answer was lost may have happened.
  if tx.state.stale and how == "committed" and not (e and e.outcome == "rejected") then
    result_cache.settle(tx.state)
  end
  C.mp_op_free(ffi.gc(handle, nil))
  C.mp_session_free(ffi.gc(session, nil))
  return e
end

---Begins a transaction (inside one, a savepoint) that the caller ends with commit or rollback. Abandoned, it
---is rolled back when it is collected.
---@async
---@param parent moonpool.Handle
---@param options moonpool.TransactionOptions|nil
---@return moonpool.Handle
function M.open(parent, options)
  options = check(options)
  if options.exactly_once then
    errors.misuse "exactly_once is for db:transaction(function(tx) … end), which can run its function again"
  end
  local session = begin(parent:_session(), options, duration.seconds(options.timeout, "timeout"))
  return parent:_derive(session, state_in(parent))
end

-- One attempt: true and what f returned, or false and the error.
local function conclude(tx, ok, ...)
  if not ok then
    -- What made f fail is what matters; a rollback that fails closes the connection, which undoes as much.
    finish(tx, "rolled back", C.mp_rollback)
    return false, ...
  end
  local e = finish(tx, "committed", C.mp_commit)
  if not e then return true, ... end
  tx.state.over = "not committed"
  e.where = errors.callers_line()
  return false, e
end

-- Who ends it from inside of its function leaves nothing to end behind it.
local function check_ending(tx)
  tx:_session()
  if tx.state.of_function then
    errors.misuse "this transaction ends with its function: it commits when that returns, and error(…) rolls it back"
  end
end

---Commits. Raises when that fails; the transaction is over either way.
---@async
---@param tx moonpool.Handle
function M.commit(tx)
  check_ending(tx)
  local e = finish(tx, "committed", C.mp_commit)
  if not e then return end
  tx.state.over, e.where = "not committed", errors.callers_line()
  error(e, 0)
end

---Rolls back. A rollback that fails has closed the connection, which undoes as much.
---@async
---@param tx moonpool.Handle
function M.rollback(tx)
  check_ending(tx)
  finish(tx, "rolled back", C.mp_rollback)
end

local function attempt(parent, f, options, timeout, number)
  local session = begin(parent:_session(), options, timeout, number)
  local tx = parent:_derive(session, state_in(parent))
  tx.state.of_function = true
  return conclude(tx, pcall(f, tx))
end

-- Nothing of it happened, the server says that it may well succeed next time, and the cluster bears it.
local function may_run_again(parent, e)
  return errors.is_error(e) and e.retryable and e.outcome == "rejected"
    and C.mp_session_may_repeat(parent:_session(), e.sqlstate) == 1
end

local function run_again(parent, f, options, state, ok, ...)
  if ok then return ... end
  local e = ...
  if state.left == 0 or not may_run_again(parent, e) then
    if errors.is_error(e) and state.attempt > 1 then e.attempt, e.causes = state.attempt, state.causes end
    error(e, 0)
  end
  local delay = backoff.delay(state.attempt, BACKOFF_BASE, BACKOFF_CAP)
  local timeout
  if state.deadline then
    timeout = state.deadline - C.mp_clock() - delay
    if timeout <= 0 then error(e, 0) end
  end
  state.causes[state.attempt] = e
  state.left, state.attempt = state.left - 1, state.attempt + 1
  op.sleep(delay)
  return run_again(parent, f, options, state, attempt(parent, f, options, timeout, state.attempt))
end

---@async
---@param parent moonpool.Handle
---@param f fun(tx: moonpool.Handle): any
---@param options moonpool.TransactionOptions|nil
---@return any ... what f returned
function M.run(parent, f, options)
  if type(f) ~= "function" then errors.misuse("transaction takes a function, got a %s", type(f)) end
  options = check(options)
  local nested = parent:in_transaction()
  -- In a sandbox the code under test must not notice that its transaction is a savepoint.
  if nested and parent.state.sandbox then options = { timeout = options.timeout } end
  if nested and not parent.state.sandbox and next(options) ~= nil then
    errors.misuse("a transaction inside a transaction is a savepoint, which takes no options, got %s",
      errors.name((next(options))))
  end
  local timeout = duration.seconds(options.timeout, "timeout")
  -- A savepoint cannot be repeated alone: the whole transaction has to be.
  local state = { left = nested and 0 or options.retries or M.RETRIES, attempt = 1, causes = {} }
  if timeout then state.deadline = C.mp_clock() + timeout end
  return run_again(parent, f, options, state, attempt(parent, f, options, timeout, state.left > 0 and 1 or 0))
end

return M
