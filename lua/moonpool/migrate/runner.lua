--- The frame that every command of a migrator runs in: a session of its own, the lock, one migration after
--- the other.

local apply = require "moonpool.migrate.apply"
local errors = require "moonpool.core.error"
local files = require "moonpool.migrate.files"
local history = require "moonpool.migrate.history"
local ledgers = require "moonpool.migrate.ledger"
local locks = require "moonpool.migrate.lock"
local native = require "moonpool.core.ffi"
local scripts = require "moonpool.migrate.script"

local M = {}

---Calls f with a context whose session is pinned, and gives lock and connection back whatever happens.
---@async
---@param cluster moonpool.Handle
---@param s table settings of the migrator
---@param f fun(context: moonpool.migrate.Context, files: moonpool.migrate.File[]): any
---@param more { allow: table<string, boolean>|nil, take_over: boolean|nil }|nil
---@return any
function M.on_session(cluster, s, f, more)
  local db = cluster:session { pinned = true, timeout = s.timeout }
  local context = {
    db = db, patience = s.patience, index_patience = s.index_patience, talk = s.talk, settings = s,
    allow = more and more.allow or {},
  }
  local ok, result = pcall(function()
    context.ledger = ledgers.open(db, s.table, more and more.take_over)
    return f(context, files.discover(s.dir))
  end)
  local unlocked, reason = true, nil
  if context.lock then unlocked, reason = pcall(context.lock.give_back, context.lock, db) end
  db:release()
  if not ok then error(result, 0) end
  if not unlocked then error(reason, 0) end
  return result
end

---How every migration stands.
---@async
---@param context moonpool.migrate.Context
---@param list moonpool.migrate.File[]
---@return moonpool.migrate.Standing[]
function M.standing(context, list)
  return history.compare(list, context.ledger:read(context.db))
end

---@async
---@param context moonpool.migrate.Context
function M.lock(context)
  -- The connection may come with a statement timeout that suits queries and not migrations.
  context.db:exec "set statement_timeout = 0"
  context.lock = locks.new(context.ledger)
  context.lock:take(context.db, context.settings.wait, context.talk)
end

---The lock, and the ledger read again behind it: somebody else may have been faster.
---@async
---@param context moonpool.migrate.Context
---@param list moonpool.migrate.File[]
---@return moonpool.migrate.Standing[]
function M.locked(context, list)
  M.lock(context)
  context.ledger:create(context.db)
  return M.standing(context, list)
end

local function report(one, seconds)
  return { version = one.version, title = one.title, milliseconds = seconds and math.floor(seconds * 1000 + 0.5) }
end

---What callers are told of migrations that were not run.
---@param chosen { version: integer, title: string }[]
---@return { version: integer, title: string }[]
function M.reports(chosen)
  local list = {}
  for i, one in ipairs(chosen) do list[i] = report(one) end
  return list
end

---Runs them one after the other. An error carries what was done before it as `done`.
---@async
---@param context moonpool.migrate.Context
---@param chosen moonpool.migrate.Standing[]
---@param direction "up"|"down"
---@param loaded table<integer, moonpool.migrate.Script>
---@return { version: integer, title: string, milliseconds: integer }[]
function M.run_all(context, chosen, direction, loaded)
  local done = {}
  for _, one in ipairs(chosen) do
    local from = native.C.mp_clock()
    local ok, e = pcall(apply.run, context, one.file, direction, loaded[one.version])
    if not ok then
      if errors.is_error(e) then e.done = done end
      error(e, 0)
    end
    done[#done + 1] = report(one, native.C.mp_clock() - from)
    context.settings.done(done[#done], direction)
  end
  return done
end

---@param context moonpool.migrate.Context
---@param chosen moonpool.migrate.Standing[]
---@return table<integer, moonpool.migrate.Script> by version
function M.load_all(context, chosen)
  local loaded = {}
  for _, one in ipairs(chosen) do
    loaded[one.version] = scripts.load(one.file, context.talk, context.settings.trusted)
  end
  return loaded
end

return M
