--- Tasks: coroutines that wait for the network side by side on one thread. Whoever waits outside of a task drives
--- them meanwhile, so there is no loop to start and nothing to stop.

local abi = require "moonpool.core.abi"
local ffi = require "ffi"
local errors = require "moonpool.core.error"
local native = require "moonpool.core.ffi"
local op = require "moonpool.core.op"

local C = native.C
local READY, TIMED_OUT, CANCELLED = abi.READY, abi.TIMED_OUT, abi.CANCELLED
local WAIT = op.WAIT
local huge = math.huge

local M = {}

---@class moonpool.Task
---@field package co thread
---@field package done boolean
---@field package results table|nil
---@field package error any
---@field package cancelled boolean|nil
---@field package shielded boolean|nil it cleans up, and is left alone
---@field package group table whom its end is told to
local Task = {}
Task.__index = Task
M.Task = Task

local live = 0
-- Who waits for a descriptor or a moment: tasks, and callers outside of one. Each knows its place.
local waiting, waiters = {}, 0
-- Tasks that go on, in order.
local ready, first, last = {}, 1, 0

local capacity = 0
local waits, flags

local function park(entry, fd, interest, timeout, handle)
  waiters = waiters + 1
  waiting[waiters], entry.at = entry, waiters
  entry.fd, entry.interest, entry.handle = fd, interest, handle
  entry.deadline = timeout >= 0 and C.mp_clock() + timeout or huge
end

local function make_ready(task, wakeup)
  task.wakeup = wakeup
  last = last + 1
  ready[last] = task
end

-- Takes whoever waits out of the list, and lets it go on.
local function wake(entry, wakeup)
  local at, moved = entry.at, waiting[waiters]
  waiting[at], moved.at = moved, at
  waiting[waiters], entry.at = nil, nil
  waiters = waiters - 1
  if entry.co then make_ready(entry, wakeup) else entry.wakeup = wakeup end
end

local function count(change)
  live = live + change
  op.tasks(live, M.wait)
end

local function finish(task, ok, ...)
  task.done, task.co = true, nil
  if ok then
    task.results = { n = select("#", ...), ... }
  else
    task.failed, task.error = true, (...)
    local failures = task.group.failures
    if failures and not task.cancelled then failures[task] = true end
  end
  count(-1)
  local group = task.group
  group.left = group.left - 1
  if task.failed and not group.failed then group.failed = task end
  if group.left > 0 and not group.failed then return end
  local waiters_of = group.waiters or {}
  group.waiters = nil
  for i = 1, #waiters_of do
    if waiters_of[i].at then wake(waiters_of[i], READY) end
  end
end

local function resumed(task, outer, ok, what, ...)
  op.enter(outer)
  if coroutine.status(task.co) == "dead" then return finish(task, ok, what, ...) end
  if what ~= WAIT then return make_ready(task, READY) end
  local fd, interest, timeout, handle = ...
  park(task, fd, interest, timeout, handle)
  -- Told to end by itself, between two waits.
  if task.cancelled and not task.shielded then wake(task, CANCELLED) end
end

local function resume(task)
  return resumed(task, op.enter(task), coroutine.resume(task.co, task.wakeup))
end

local function run_ready()
  local upto = last
  while first <= upto do
    local task = ready[first]
    ready[first] = nil
    first = first + 1
    resume(task)
  end
  if first > last then first, last = 1, 0 end
end

---Tells a task to end: where it waits, or would wait next, it gets the error "cancelled". What cleans up after
---it (a rollback) is not cut short.
---@param task moonpool.Task
function M.cancel(task)
  if task.done or task.cancelled then return end
  task.cancelled = true
  if task.at and not task.shielded then wake(task, CANCELLED) end
end

local function interrupt()
  for i = waiters, 1, -1 do
    local entry = waiting[i]
    if not entry.co then
      wake(entry, CANCELLED)
    elseif not entry.shielded then
      entry.cancelled = true
      wake(entry, CANCELLED)
    end
  end
end

-- Waits for the first descriptor or moment; without waiting when something is ready to run.
local function poll()
  if waiters > capacity then
    capacity = math.max(16, waiters * 2)
    waits, flags = ffi.new("mp_wait[?]", capacity), ffi.new("unsigned char[?]", capacity)
  end
  local soonest, any = huge, false
  for i = 1, waiters do
    local entry, wait = waiting[i], waits[i - 1]
    wait.fd, wait.interest, wait.op = entry.fd, entry.interest, entry.handle
    any = any or entry.fd >= 0 or entry.handle
    if entry.deadline < soonest then soonest = entry.deadline end
  end
  local timeout = -1
  if first <= last then
    timeout = 0
  elseif soonest < huge then
    timeout = math.max(0, soonest - C.mp_clock())
  elseif not any then
    error(errors.new { kind = "usage", message = "every task waits for another one to end" }, 0)
  end
  local found = C.mp_wait_any(waits, waiters, timeout, flags)
  if found < 0 then return interrupt() end
  local now = soonest < huge and C.mp_clock() or 0
  -- From the end: whoever takes the place of one that goes has been looked at.
  for i = waiters, 1, -1 do
    local entry = waiting[i]
    if found > 0 and flags[i - 1] ~= 0 then
      wake(entry, READY)
    elseif entry.deadline <= now then
      wake(entry, TIMED_OUT)
    end
  end
end

---Waits, outside of a task, and lets the tasks go on meanwhile.
---@param fd integer -1: only the time
---@param interest integer
---@param timeout number seconds; negative: without end
---@param handle ffi.cdata*|nil the operation that waits
---@return integer wakeup
function M.wait(fd, interest, timeout, handle)
  local entry = {}
  park(entry, fd, interest, timeout, handle)
  return M.drive(entry)
end

---Lets the tasks go on until `entry`, which waits, is woken.
---@param entry table
---@return integer wakeup
function M.drive(entry)
  -- A caller that fails must not be waited for.
  local ok, e = pcall(function()
    while entry.at do
      run_ready()
      if entry.at then poll() end
    end
  end)
  if ok then return entry.wakeup end
  if entry.at then wake(entry, CANCELLED) end
  error(e, 0)
end

---Waits, outside of a task, until every task has ended.
function M.drain()
  while live > 0 do
    run_ready()
    if live > 0 then poll() end
  end
end

local function expect(group, entry)
  local all = group.waiters or {}
  group.waiters = all
  all[#all + 1] = entry
end

---Waits until the group's tasks have ended, one of them has failed, or the deadline has passed.
---@async
---@param group table left, failed
---@param deadline number on mp_clock; huge: none
---@param shielded boolean|nil not to be cut short
---@return integer wakeup READY when the group has ended or failed
function M.join(group, deadline, shielded)
  local task = op.task()
  while group.left > 0 and (shielded or not group.failed) do
    local timeout = deadline < huge and math.max(0, deadline - C.mp_clock()) or -1
    local wakeup
    if task then
      if task.cancelled and not shielded then return CANCELLED end
      expect(group, task)
      task.shielded = shielded
      wakeup = coroutine.yield(WAIT, -1, 0, timeout)
      task.shielded = false
    else
      local entry = {}
      expect(group, entry)
      park(entry, -1, 0, timeout)
      wakeup = M.drive(entry)
    end
    if wakeup ~= READY and not (shielded and wakeup == CANCELLED) then return wakeup end
  end
  return READY
end

---Starts a task: it runs at once, up to its first wait.
---@param f function
---@param group table whom its end is told to: how many are left, who failed; failures: a set to enter failed tasks in
---@param ... any what f is given
---@return moonpool.Task
function M.start(f, group, ...)
  local task = setmetatable({ done = false, group = group }, Task)
  group.left = group.left + 1
  count(1)
  local arguments, n = { ... }, select("#", ...)
  task.co = coroutine.create(function() return f(unpack(arguments, 1, n)) end)
  resume(task)
  return task
end

---How many tasks have not ended.
---@return integer
function M.live()
  return live
end

return M
