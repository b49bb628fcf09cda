--- Streams whose loop was left early hold a connection, and on it a transaction, until they are collected.
--- Lua cannot tell that a loop was left, so while such a thing is open, the collector is asked to look
--- before other statements: at most a twentieth of the time goes into that.

local native = require "moonpool.core.ffi"

local C = native.C

local M = {}

local SHARE = 20
local LEAST = 0.01

local held = setmetatable({}, { __mode = "k" })
local due = 0

---Whether anything is held at all: what statements ask before they call `look`.
M.any = false

---@param thing table
function M.add(thing)
  held[thing], M.any, due = true, true, C.mp_clock()
end

---@param thing table
function M.remove(thing)
  held[thing] = nil
  M.any = next(held) ~= nil
end

---Collects what nobody can reach any more.
function M.sweep()
  if not M.any then return end
  collectgarbage()
  collectgarbage()
  M.any = next(held) ~= nil
end

---Sweeps when it is time to.
function M.look()
  local from = C.mp_clock()
  if from < due then return end
  M.sweep()
  local now = C.mp_clock()
  due = now + math.max(LEAST, (now - from) * SHARE)
end

return M
