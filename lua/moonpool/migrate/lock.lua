--- One migrator at a time: an advisory lock of the session that also runs the migrations, so that losing the
--- one is losing the other. It is asked for again and again, never waited for: a waiter inside the server
--- would hold a snapshot that CREATE INDEX CONCURRENTLY waits for in turn.

local backoff = require "moonpool.core.backoff"
local errors = require "moonpool.core.error"
local native = require "moonpool.core.ffi"
local op = require "moonpool.core.op"

local M = {}

---@class moonpool.migrate.Lock
---@field private key string
local Lock = {}
Lock.__index = Lock

-- Two numbers from the schema and the table; the database is part of the lock itself.
local KEYS = "hashtext('moonpool migrate'), hashtext(?)"

local HOLDER = [[
select a.pid, a.application_name as app, a.usename as who, a.backend_start as since
from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.objsubid = 2
  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  and l.classid = hashtext('moonpool migrate')::bit(32)::bigint::oid and l.objid = hashtext(?)::bit(32)::bigint::oid
limit 1]]

---@param ledger moonpool.migrate.Ledger
---@return moonpool.migrate.Lock
function M.new(ledger)
  return setmetatable({ key = ledger.schema .. "." .. ledger.table, held = false }, Lock)
end

local function holder(self, db)
  local row = db:query_row(HOLDER, self.key)
  if not row then return "somebody who has just let go" end
  local app = row.app ~= "" and row.app or "an unnamed application"
  return ("pid %d (%s, user %s, connected since %s)"):format(row.pid, app, row.who, row.since)
end

---Takes the lock on this session, waiting at most `wait` seconds.
---@async
---@param db moonpool.Handle pinned to its connection
---@param wait number
---@param talk fun(line: string)
function Lock:take(db, wait, talk)
  local from, told = native.C.mp_clock(), nil
  while not db:query("select pg_catalog.pg_try_advisory_lock(" .. KEYS .. ")", self.key):scalar() do
    local who = holder(self, db)
    if native.C.mp_clock() - from >= wait then
      error(errors.new {
        kind = "timeout", message = ("another migrator holds the lock: %s"):format(who),
        hint = ("waited %g s; if nobody migrates there: select pg_terminate_backend(pid)"):format(wait),
      }, 0)
    end
    if who ~= told then talk("Waiting for another migrator: " .. who) end
    told = who
    op.sleep(0.1 + backoff.delay(1, 0.4, 0.4))
  end
  self.held = true
end

-- Settings ride along, so that opening a transaction stays one round trip.
local PROOF = [[
select exists (select from pg_catalog.pg_locks
    where locktype = 'advisory' and granted and pid = pg_backend_pid() and objsubid = 2
      and classid = hashtext('moonpool migrate')::bit(32)::bigint::oid
      and objid = hashtext(:key)::bit(32)::bigint::oid) as held,
  set_config('lock_timeout', :patience, true)]]

---Proves that the very connection that is about to change things holds the lock, and bounds how long a
---statement of this transaction waits for locks on tables.
---@async
---@param db moonpool.Handle
---@param patience number seconds; 0: for ever
function Lock:prove(db, patience)
  local milliseconds = ("%d"):format(patience * 1000)
  if db:query_row(PROOF, { key = self.key, patience = milliseconds }).held then return end
  error(errors.new {
    kind = "migration_failed", message = "the migration lock was lost: this is another connection",
    hint = "a pooler that gives out connections by transaction cannot carry migrations; connect directly",
  }, 0)
end

---Gives the lock back. Raises when it had been lost meanwhile.
---@async
---@param db moonpool.Handle
function Lock:give_back(db)
  if not self.held then return end
  self.held = false
  if not db:query("select pg_catalog.pg_advisory_unlock(" .. KEYS .. ")", self.key):scalar() then
    error(errors.new { kind = "migration_failed", message = "the migration lock had been lost before the end" }, 0)
  end
end

return M
