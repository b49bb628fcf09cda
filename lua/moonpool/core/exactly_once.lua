--- The proof of a COMMIT whose answer was lost. A transaction that must happen exactly once begins with a row of
--- its own, its token, in `moonpool.commits`. Whoever must know the end of it inserts the same token as a fence:
--- the unique index makes the fence wait while the transaction is open, refuses it when the transaction has
--- committed, and takes it only when the transaction is gone without a trace.

local backoff = require "moonpool.core.backoff"
local ffi = require "moonpool.core.ffi"
local op = require "moonpool.core.op"

local C = ffi.C

local M = {}

---How long a proof may take, beside the transaction's own time.
M.PATIENCE = 30
---After how many transactions of a database handle old tokens are looked for.
M.SWEEP_EVERY = 256

local BACKOFF_BASE, BACKOFF_CAP = 0.05, 1

-- The lock keeps two that come first from colliding in the catalogs.
local TABLE = {
  "select pg_advisory_xact_lock(7306083501924)",
  "create schema if not exists moonpool",
  [[create table if not exists moonpool.commits (token uuid primary key, fenced boolean not null default false,
    made timestamptz not null default clock_timestamp())]],
}
local TAKE = "insert into moonpool.commits (token) values (gen_random_uuid()) returning token::text"
local FENCE = "insert into moonpool.commits (token, fenced) values (?::text::uuid, true) on conflict (token) do nothing"
local LOOK = "select fenced from moonpool.commits where token = ?::text::uuid"
local SWEEP = [[delete from moonpool.commits where token in (select token from moonpool.commits
  where made < clock_timestamp() - interval '7 days' limit 1000 for update skip locked)]]

---Takes a token inside a transaction that has just begun.
---@async
---@param tx moonpool.Handle
---@return string token
function M.take(tx)
  return tx:query(TAKE):scalar()
end

---Whether this error says that the table is not there yet.
---@param e any
---@return boolean
function M.lacks_table(e)
  return type(e) == "table" and (e.sqlstate == "42P01" or e.sqlstate == "3F000")
end

---@async
---@param db moonpool.Handle
function M.create_table(db)
  db:transaction(function(tx)
    for _, sql in ipairs(TABLE) do tx:exec(sql) end
  end, { isolation = "read committed" })
end

local function fence(db, token, left)
  return db:transaction(function(tx)
    tx:query("select set_config('lock_timeout', ?, true)", ("%dms"):format(math.ceil(left * 1000)))
    if tx:exec(FENCE, token) == 1 then return false end
    -- An earlier fence of ours, whose own answer was lost, is no proof of the transaction.
    return not tx:query(LOOK, token):scalar()
  end, { isolation = "read committed", timeout = left })
end

---Whether the transaction with this token committed: true or false is certain, and after false it never will.
---nil: it could not be found out in time; the second value is the last error.
---@async
---@param db moonpool.Handle
---@param token string
---@return boolean|nil, any
function M.prove(db, token)
  local deadline, attempt, last = C.mp_clock() + M.PATIENCE, 1, nil
  while true do
    local left = deadline - C.mp_clock()
    if left <= 0 then return nil, last end
    local ok, verdict = pcall(fence, db, token, left)
    if ok then return verdict end
    last = verdict
    local delay = backoff.delay(attempt, BACKOFF_BASE, BACKOFF_CAP)
    attempt = attempt + 1
    if C.mp_clock() + delay >= deadline then return nil, last end
    op.sleep(delay)
  end
end

---Now and then removes tokens that nobody asks about any more.
---@async
---@param db moonpool.Handle
function M.sweep(db)
  local root = db.root
  root.proven = (root.proven or 0) + 1
  if root.proven % M.SWEEP_EVERY ~= 0 then return end
  -- The caller's work is committed: that the broom failed is not his concern, and the next one comes.
  pcall(db.exec, db, SWEEP)
end

return M
