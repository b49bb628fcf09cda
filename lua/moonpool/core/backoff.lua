--- How long to wait before the next attempt: full jitter, a random time below a limit that doubles.

local ffi = require "ffi"
local native = require "moonpool.core.ffi"

local M = {}

-- A generator of its own: math.random gives every process the same numbers, and belongs to the user.
local state = ffi.new("uint64_t[1]", 0)

local function random()
  if state[0] == 0 then
    state[0] = ffi.cast("uint64_t", native.C.mp_clock() * 1e9) + ffi.cast("uint64_t", ffi.cast("uintptr_t", state))
  end
  -- splitmix64
  state[0] = state[0] + 0x9E3779B97F4A7C15ULL
  local z = state[0]
  z = bit.bxor(z, bit.rshift(z, 30)) * 0xBF58476D1CE4E5B9ULL
  z = bit.bxor(z, bit.rshift(z, 27)) * 0x94D049BB133111EBULL
  z = bit.bxor(z, bit.rshift(z, 31))
  return tonumber(bit.rshift(z, 11)) / 2 ^ 53
end

---Seconds to wait after failure number `attempt` (from 1).
---@param attempt integer
---@param base number seconds
---@param cap number seconds
---@return number
function M.delay(attempt, base, cap)
  return random() * math.min(cap, base * 2 ^ (attempt - 1))
end

return M
