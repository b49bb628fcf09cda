--- Helpers for the tests of those who use Moonpool.

local errors = require "moonpool.core.error"

local M = {}

local function conclude(tx, ok, ...)
  -- The function may have ended it by hand.
  if not tx.state.over then tx:rollback() end
  if not ok then error((...), 0) end
  return ...
end

---Runs f inside one transaction that is always rolled back, and returns what f returned; its error is raised again.
---Transactions in it become savepoints, whatever their options. A statement that fails outside of one spoils the rest
---of the sandbox, as in any transaction.
---@async
---@param db moonpool.Handle
---@param f fun(db: moonpool.Handle): any
---@return any ...
function M.sandbox(db, f)
  if type(f) ~= "function" then errors.misuse("sandbox takes a function, got a %s", type(f)) end
  if db:in_transaction() then errors.misuse "a sandbox is opened on the database, not inside a transaction" end
  local tx = db:begin()
  tx.state.sandbox = true
  return conclude(tx, pcall(f, tx))
end

return M
