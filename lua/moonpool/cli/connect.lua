--- The database a command works on: the DSN it was given, the demo's servers, else what connect() finds.

local handle = require "moonpool.core.handle"

local M = {}

local function set(name)
  local value = os.getenv(name)
  return value ~= nil and value ~= "" and value or nil
end

---@param opts { dsn: string|nil }
---@return moonpool.Handle
function M.open(opts)
  if opts.dsn then return handle.connect(opts.dsn) end
  if set "MOONPOOL_DSN" or not set "MOONPOOL_PRIMARY" then return handle.connect() end
  return handle.connect { primary = set "MOONPOOL_PRIMARY", replicas = { set "MOONPOOL_REPLICA" } }
end

return M
