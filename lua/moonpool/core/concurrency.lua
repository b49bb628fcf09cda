--- What users call: gather, spawn, sleep.

local abi = require "moonpool.core.abi"
local duration = require "moonpool.core.duration"
local errors = require "moonpool.core.error"
local guard = require "moonpool.core.guard"
local native = require "moonpool.core.ffi"
local op = require "moonpool.core.op"
local option = require "moonpool.core.options"
local scheduler = require "moonpool.core.scheduler"

local C = native.C

local M = {}

-- Functions are called with what spawn was given, so anything callable will do.
local function check(f, what)
  local meta = getmetatable(f)
  local own = type(meta) == "table"
  -- Calling these says what is wrong with calling them.
  local walked = own and meta.__walked
  if type(f) ~= "function" and (walked or not own or not meta.__call) then
    errors.misuse("%s takes functions, got %s; write function() return %s end", what, walked or "a " .. type(f),
      walked and "db:query(…), or query:all()," or "…")
  end
end

local function end_all(tasks, group)
  for i = 1, #tasks do scheduler.cancel(tasks[i]) end
  scheduler.join(group, math.huge, true)
end

local function late(seconds)
  error(errors.new {
    kind = "timeout", message = ("gather was not done within %g s"):format(seconds), where = errors.callers_line(),
  }, 0)
end

---Runs functions side by side on this thread; each waits for the network while the others go on. Gives the first
---value of each, in order, when all have returned. When one raises, the others are told to end (where they wait they
---get the error "cancelled", and their transactions are rolled back), and its error is raised.
---@async
---@param options { timeout: string|number|nil }|function what all of it may take; may be left out
---@param ... fun(): any
---@return any ...
function M.gather(options, ...)
  if type(options) == "table" and type(rawget(options, 1)) == "function" then
    errors.misuse "gather takes functions one by one, not a list: moonpool.gather(unpack(list))"
  end
  local settings = type(options) == "table" and getmetatable(options) == nil and options or nil
  local functions = settings and { ... } or { options, ... }
  local n = select("#", ...) + (settings and 0 or options ~= nil and 1 or 0)
  local timeout
  if settings then
    timeout = duration.seconds(option.check("gather", settings, { timeout = true }).timeout, "timeout")
  end
  for i = 1, n do check(functions[i], "gather") end
  local deadline = timeout and C.mp_clock() + timeout or math.huge
  local group, tasks = { left = 0 }, {}
  for i = 1, n do
    if group.failed then break end
    tasks[i] = scheduler.start(functions[i], group)
  end
  local wakeup = scheduler.join(group, deadline)
  if group.failed or wakeup ~= abi.READY then
    end_all(tasks, group)
    if group.failed and (wakeup == abi.READY or not group.failed.cancelled) then error(group.failed.error, 0) end
    if wakeup == abi.TIMED_OUT then late(timeout) end
    op.cancelled()
  end
  local values = {}
  for i = 1, n do values[i] = tasks[i].results[1] end
  return unpack(values, 1, n)
end

-- Tasks that failed and were not joined. Their errors are not swallowed: the collector tells, or the script's end.
local failed = {}

local function watch(task)
  local proxy = newproxy(true)
  getmetatable(proxy).__gc = function()
    if not failed[task] then return end
    failed[task] = nil
    io.stderr:write("a task failed and nobody joined it: ", tostring(task.error), "\n")
  end
  return proxy
end

---@class moonpool.TaskHandle
---@field private task moonpool.Task
---@field private guard userdata
local Handle = {}
local metatable = {
  __index = Handle,
  __tostring = function(handle)
    local task = handle.task
    return "task: " .. (not task.done and "running" or task.failed and "failed" or "done")
  end,
  __names = Handle, -- for completion
}

---Starts a function that goes on beside the caller: it runs at once up to its first wait, and then whenever somebody
---on this thread waits. An error in it is raised where it is joined; one that nobody can join any more is written to
---stderr.
---@param f fun(...): any
---@param ... any what f is given
---@return moonpool.TaskHandle
function M.spawn(f, ...)
  check(f, "spawn")
  local task = scheduler.start(f, { left = 0, failures = failed }, ...)
  return setmetatable({ task = task, guard = watch(task) }, metatable)
end

---Waits until the task has ended; gives what it returned, or raises what it raised.
---@async
---@param timeout string|number|nil then a `timeout` error, and the task goes on
---@return any ...
function Handle:join(timeout)
  local task, seconds = self.task, duration.seconds(timeout, "timeout")
  local wakeup = scheduler.join(task.group, seconds and C.mp_clock() + seconds or math.huge)
  if not task.done then
    if wakeup ~= abi.TIMED_OUT then op.cancelled() end
    error(errors.new {
      kind = "timeout", message = ("the task was not done within %g s"):format(seconds), where = errors.callers_line(),
    }, 0)
  end
  failed[task] = nil
  if task.failed then error(task.error, 0) end
  return unpack(task.results, 1, task.results.n)
end

---Tells the task to end: where it waits it gets the error "cancelled". Does not wait for that.
function Handle:cancel()
  scheduler.cancel(self.task)
end

---@return boolean
function Handle:is_done()
  return self.task.done
end

---Lets time pass; other tasks go on.
---@async
---@param time string|number "200ms", or seconds
function M.sleep(time)
  op.sleep(duration.seconds(time, "sleep") or errors.misuse "sleep takes a length of time, got nil")
end

---The end of a script: waits until every task has ended, and raises the error of one that nobody joined.
---@async
function M.finish()
  scheduler.drain()
  local task = next(failed)
  if not task then return end
  for other in pairs(failed) do failed[other] = nil end
  error(task.error, 0)
end

guard.methods(Handle, metatable, "a task")

return M
