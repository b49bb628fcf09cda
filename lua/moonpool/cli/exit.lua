--- Exit codes, and what an error becomes at the end of a command.

local errors = require "moonpool.core.error"

local M = { OK = 0, FAILURE = 1, USAGE = 2, UNREACHABLE = 3, REFUSED = 4, PENDING = 10, DRIFT = 11, INTERRUPTED = 130 }

-- Nobody answered, or nobody who may.
local unreachable = {
  connection = true, no_primary = true, no_healthy_node = true, circuit_open = true, environment = true,
  retry_exhausted = true, pool_timeout = true,
}

---@param e any what was raised
---@return integer
function M.code(e)
  if not errors.is_error(e) then return M.FAILURE end
  if e.kind == "migration_refused" then return M.REFUSED end
  if e.kind == "usage" or e.kind == "config" then return M.USAGE end
  if unreachable[e.kind] and e.outcome == "not_sent" then return M.UNREACHABLE end
  -- 08: connection exceptions; 28: wrong password; 3D000: no such database; 57P03: starting up.
  local state = e.sqlstate
  if e.outcome == "not_sent" and state and (state:sub(1, 2) == "08" or state:sub(1, 2) == "28" or state == "3D000"
    or state == "57P03") then
    return M.UNREACHABLE
  end
  return M.FAILURE
end

---What to tell: the error without the line of Lua that ran the command.
---@param e any
---@return string
function M.text(e)
  if not errors.is_error(e) then return tostring(e) end
  local text = tostring(e)
  if e.where and text:sub(1, #e.where + 2) == e.where .. ": " then text = text:sub(#e.where + 3) end
  return text
end

return M
