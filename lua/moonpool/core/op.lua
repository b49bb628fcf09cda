--- The one place where Lua waits for the network. Outside a scheduler an operation is run to its end,
--- blocking; inside, the coroutine yields what it waits for and steps on when that has come.

local abi = require "moonpool.core.abi"
local ffi = require "ffi"
local native = require "moonpool.core.ffi"

local C = native.C
local running, yield = coroutine.running, coroutine.yield
local PENDING, READY = abi.PENDING, abi.READY

local M = {}

-- Coroutines that a scheduler resumes. The count keeps the plain case free of any look-up.
local tasks = setmetatable({}, { __mode = "k" })
local adopted = 0

---A scheduler says that it resumes this coroutine. From then on each wait of it is yielded as
---(fd, interest, timeout), and the scheduler resumes it with one of abi.READY, TIMED_OUT, CANCELLED.
---@param co thread
function M.adopt(co)
  tasks[co], adopted = true, adopted + 1
end

---The scheduler lets go of a coroutine that it adopted.
---@param co thread
function M.release(co)
  if tasks[co] then tasks[co], adopted = nil, adopted - 1 end
end

local function in_task()
  local co = running()
  return co ~= nil and tasks[co] == true
end

local function step_through(op)
  local wait = ffi.new "mp_wait[1]"
  local status = C.mp_op_step(op, READY, wait)
  while status == PENDING do
    local wakeup = yield(wait[0].fd, wait[0].interest, wait[0].timeout)
    status = C.mp_op_step(op, wakeup, wait)
  end
  return status
end

---Waits until the operation has ended. MP_OK or MP_FAILED.
---@async
---@param op ffi.cdata*
---@return integer
function M.await(op)
  if adopted > 0 and in_task() then return step_through(op) end
  return C.mp_op_run(op)
end

---Lets time pass.
---@async
---@param seconds number
function M.sleep(seconds)
  if adopted > 0 and in_task() then
    yield(-1, 0, seconds)
  else
    C.mp_sleep(seconds)
  end
end

return M
