--- The database that the runner started: MOONPOOL_PRIMARY and MOONPOOL_REPLICA.

local moonpool = require "moonpool"

local M = {}

---@param more table|nil further settings
---@return moonpool.Handle
function M.connect(more)
  local settings = {
    primary = assert(os.getenv "MOONPOOL_PRIMARY", "MOONPOOL_PRIMARY names the server that these specs need"),
    replicas = { os.getenv "MOONPOOL_REPLICA" },
  }
  for key, value in pairs(more or {}) do settings[key] = value end
  return moonpool.connect(settings)
end

---The error that f raises; fails when it raises none, or one that is no object.
---@param f function
---@param ... any
---@return moonpool.Error
function M.refusal(f, ...)
  local ok, e = pcall(f, ...)
  assert(not ok, "an error was expected")
  assert(type(e) == "table" and e.kind, "an error object was expected, got " .. tostring(e))
  return e
end

return M
