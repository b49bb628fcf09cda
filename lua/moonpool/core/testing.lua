--- Helpers for the tests of those who use Moonpool.

local errors = require "moonpool.core.error"
local ffi = require "ffi"
local guard = require "moonpool.core.guard"
local handle = require "moonpool.core.handle"
local native = require "moonpool.core.ffi"
local option = require "moonpool.core.options"
local watch = require "moonpool.core.watch"

local C = native.C

local M = { watch = watch.watch, count = watch.count }

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
  if not handle.is_handle(db) then errors.misuse("sandbox takes a database handle, got %s", errors.show(db)) end
  if type(f) ~= "function" then errors.misuse("sandbox takes a function, got a %s", type(f)) end
  if db:in_transaction() then errors.misuse "a sandbox is opened on the database, not inside a transaction" end
  local tx = db:begin()
  tx.state.sandbox = true
  return conclude(tx, pcall(f, tx))
end

---A handle on the same database whose every transaction is run twice: the first COMMIT is a rollback, and the function
---runs again as after a serialization failure. Finds functions that do something which may not happen twice. Where
---`retries` is 0 a transaction is left alone. MOONPOOL_TEST_RERUN=1 in the environment does it to all.
---@param db moonpool.Handle
---@return moonpool.Handle
function M.rerun(db)
  if not handle.is_handle(db) then errors.misuse("rerun takes a database handle, got a %s", type(db)) end
  return db:with { test_rerun = true }
end

---@class moonpool.TestServers
---@field primary string connection string
---@field replicas string[]
---@field private line ffi.cdata*|nil the engine's; nil for servers that somebody else runs, and after close
---@field private dsn string|nil of those
---@field private open boolean
---@field private handles table
local Servers = {}
Servers.__index = Servers

local function check(options)
  options = option.check("servers", options, { replicas = "number" })
  local replicas = options.replicas or 0
  if replicas < 0 or replicas > 16 or replicas % 1 ~= 0 then
    errors.misuse("replicas takes a whole number from 0 to 16, got %s", tostring(replicas))
  end
  return replicas
end

local function variable(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

local function raise()
  local e = errors.take(native.failure)
  e.where = errors.callers_line()
  error(e, 0)
end

---A PostgreSQL to test against: what MOONPOOL_TEST_DSN names, else a private one of its own, which takes seconds to
---start, ends when it is closed, collected, or its process ends, however that ends, and leaves nothing. Gives nil and
---the reason where there is neither a DSN nor a PostgreSQL on this machine: a test is skipped then. With
---MOONPOOL_TEST_REQUIRED set that is an error, so that nothing is skipped where nothing may be.
---@param options { replicas: integer|nil }|nil how many replicas; 0
---@return moonpool.TestServers|nil
---@return string|nil why
function M.servers(options)
  local replicas = check(options)
  local dsn = variable "MOONPOOL_TEST_DSN"
  local made = setmetatable({ open = true, handles = setmetatable({}, { __mode = "k" }), replicas = {} }, Servers)
  if dsn then
    made.dsn, made.primary = dsn, dsn
    return made
  end
  if C.mp_servers_available(native.no_failure()) == 0 then
    if variable "MOONPOOL_TEST_REQUIRED" then raise() end
    local e = errors.take(native.failure)
    return nil, e.message .. (e.hint and "; " .. e.hint or "")
  end
  local line = C.mp_servers_start(replicas, native.no_failure())
  if line == nil then raise() end
  made.line = ffi.gc(line, C.mp_servers_free)
  made.primary = ffi.string(C.mp_servers_dsn(line, 0))
  for i = 1, replicas do made.replicas[i] = ffi.string(C.mp_servers_dsn(line, i)) end
  return made
end

---Connects to them. `close` closes this handle too.
---@param settings moonpool.Settings|nil
---@return moonpool.Handle
function Servers:connect(settings)
  if not self.open then errors.misuse "these servers were closed" end
  local all = {}
  for key, value in pairs(settings or {}) do all[key] = value end
  if self.dsn then
    all.dsn = self.dsn
  else
    all.primary, all.replicas = self.primary, self.replicas
  end
  local db = handle.connect(all)
  -- While the handle lives, so do the servers.
  db.root.servers = self
  self.handles[db] = true
  return db
end

---Closes the handles on them, and stops what was started. Twice is as good as once.
---@async
function Servers:close()
  if not self.open then return end
  self.open = false
  for db in pairs(self.handles) do db:close "1s" end
  local line = self.line
  self.line = nil
  if line then C.mp_servers_free(ffi.gc(line, nil)) end
end

guard.methods(Servers, Servers, "test servers")

return M
