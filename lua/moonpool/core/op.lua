--- The one place where Lua waits for the network. Outside a task an operation is run to its end, blocking;
--- inside, the task yields what it waits for and steps on when that has come.

local abi = require "moonpool.core.abi"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local native = require "moonpool.core.ffi"

local C = native.C
local running, yield, can_yield = coroutine.running, coroutine.yield, coroutine.isyieldable
local PENDING, READY, CANCELLED = abi.PENDING, abi.READY, abi.CANCELLED

local M = {}

---The first of what a task yields when it waits: (WAIT, fd, interest, timeout, operation or nil). It is resumed with
---one of abi.READY, TIMED_OUT, CANCELLED. Whatever else a task yields lets the others go on.
M.WAIT = {}
local WAIT = M.WAIT

-- What observers of this state are told, after each wait; nil while there are none.
local deliver

---For observers: what is called on this thread after each wait, or nil.
---@param f fun()|nil
function M.deliver_with(f)
  deliver = f
end

-- How many tasks have not ended, the task that runs now, and what waits outside of one while there are some.
local live, task, outside = 0, nil, nil

---For the scheduler: how many tasks there are, and who waits when no task does.
---@param count integer
---@param wait fun(fd: integer, interest: integer, timeout: number, handle: ffi.cdata*|nil): integer
function M.tasks(count, wait)
  live, outside = count, wait
end

---For the scheduler: which task runs from here on; gives the one that did.
---@param next_task table|nil
---@return table|nil
function M.enter(next_task)
  local last = task
  task = next_task
  return last
end

---The task that runs now, in whatever coroutine of it.
---@return table|nil
function M.current()
  return task
end

---The task whose coroutine this is, if it can wait here: not in a coroutine of its own, nor under a C function
---(table.sort, gsub with a function).
---@return table|nil
function M.task()
  if task and task.co == running() and can_yield() then return task end
  return nil
end

---What a task that was told to end raises where it would have waited.
function M.cancelled()
  error(errors.new {
    kind = "cancelled", message = "this task was told to end", where = errors.callers_line(),
  }, 0)
end

local function step_through(handle, mine, cleanup)
  local wait = ffi.new "mp_wait[1]"
  local told = false
  local status = C.mp_op_step_together(handle, READY, wait)
  while status == PENDING do
    local wakeup
    if not mine then
      wakeup = outside(wait[0].fd, wait[0].interest, wait[0].timeout, handle)
    elseif mine.cancelled and not cleanup and not told then
      wakeup = CANCELLED
    else
      mine.shielded = cleanup or told
      wakeup = yield(WAIT, wait[0].fd, wait[0].interest, wait[0].timeout, handle)
      mine.shielded = false
    end
    told = told or wakeup == CANCELLED
    status = C.mp_op_step_together(handle, wakeup, wait)
  end
  return status
end

---Waits until the operation has ended. MP_OK or MP_FAILED. Raises in a task that was told to end, but for what
---cleans up: that is never cut short.
---@async
---@param handle ffi.cdata*
---@param cleanup boolean|nil it ends what an earlier operation began
---@return integer
function M.await(handle, cleanup)
  local status
  if live == 0 then
    status = C.mp_op_run(handle)
  else
    local mine = M.task()
    if mine and mine.cancelled and not cleanup then M.cancelled() end
    status = step_through(handle, mine, cleanup)
  end
  if deliver then deliver() end
  return status
end

---Lets time pass.
---@async
---@param seconds number
function M.sleep(seconds)
  local mine = live > 0 and M.task()
  if live == 0 then
    C.mp_sleep(seconds)
  elseif not mine then
    outside(-1, 0, seconds)
  elseif mine.cancelled or yield(WAIT, -1, 0, seconds) == CANCELLED then
    M.cancelled()
  end
  if deliver then deliver() end
end

return M
