--- Errors of migrations. `refused` tells a safety gate (nothing was tried) from a failure.

local errors = require "moonpool.core.error"

local M = {}

---Raises: a rule forbids it, and nothing has been done.
---@param message string
---@param hint string|nil
function M.refuse(message, hint)
  error(errors.new { kind = "migration_refused", message = message, hint = hint }, 0)
end

---Raises: a migration file is wrong, or the folder is.
---@param message string
---@param hint string|nil
function M.file(message, hint)
  error(errors.new { kind = "migration_file", message = message, hint = hint }, 0)
end

---A migration that failed: what happened, what is applied, how to go on.
---@param fields table message, hint, cause, version, name, applied
---@return moonpool.Error
function M.failed(fields)
  fields.kind = "migration_failed"
  return errors.new(fields)
end

return M
