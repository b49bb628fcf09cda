--- Migrations: files applied in order, each once, remembered in the database.

local apply = require "moonpool.migrate.apply"
local duration = require "moonpool.core.duration"
local errors = require "moonpool.core.error"
local failure = require "moonpool.migrate.failure"
local files = require "moonpool.migrate.files"
local handle = require "moonpool.core.handle"
local history = require "moonpool.migrate.history"
local ledgers = require "moonpool.migrate.ledger"
local locks = require "moonpool.migrate.lock"
local native = require "moonpool.core.ffi"
local options = require "moonpool.migrate.options"
local scripts = require "moonpool.migrate.script"

local M = {}

---@class moonpool.MigratorOptions
---@field dir string|nil the folder of migrations; "scripts/migrations"
---@field table string|nil where the history is kept; "schema_migrations"
---@field wait string|number|nil how long to wait for another migrator; "60s"
---@field lock_timeout string|number|nil how long a statement waits for a lock before all is tried again; "3s"
---@field timeout string|number|nil for a single statement; "24h"
---@field out_of_order boolean|nil
---@field talk fun(line: string)|nil where progress is told; nowhere when left out
---@field done fun(one: { version: integer, title: string, milliseconds: integer })|nil called behind each migration

local known = { "dir", "done", "lock_timeout", "out_of_order", "table", "talk", "timeout", "wait" }

---@class moonpool.Migrator
---@field private db moonpool.Handle
---@field private options moonpool.MigratorOptions
local Migrator = {}
M.Migrator = Migrator

local metatable = { __index = Migrator }

---@param db moonpool.Handle
---@param given moonpool.MigratorOptions|nil
---@return moonpool.Migrator
function M.new(db, given)
  if not handle.is_handle(db) then errors.misuse("migrator takes a database, got a %s", type(db)) end
  if db:in_transaction() then errors.misuse "a migrator works on the database, not inside a transaction" end
  given = options.check(given, known, "migrator")
  return setmetatable({ db = db, options = given }, metatable)
end

local function settings(self)
  local given = self.options
  return {
    dir = given.dir or "scripts/migrations",
    table = given.table or "schema_migrations",
    wait = duration.seconds(given.wait, "wait") or 60,
    patience = duration.seconds(given.lock_timeout, "lock_timeout") or 3,
    timeout = duration.seconds(given.timeout, "timeout") or 86400,
    talk = given.talk or function() end,
    done = given.done or function() end,
  }
end

-- Calls f with a context whose session is pinned, and gives the connection back whatever happens.
local function on_session(self, f)
  local s = settings(self)
  local db = self.db:session { pinned = true, timeout = s.timeout }
  local context = { db = db, patience = s.patience, talk = s.talk, settings = s }
  local ok, result = pcall(function()
    context.ledger = ledgers.open(db, s.table)
    return f(context, files.discover(s.dir))
  end)
  local unlocked, reason = true, nil
  if context.lock then unlocked, reason = pcall(context.lock.give_back, context.lock, db) end
  db:release()
  if not ok then error(result, 0) end
  if not unlocked then error(reason, 0) end
  return result
end

local function standing(context, list)
  return history.compare(list, context.ledger:read(context.db))
end

-- The lock, and the ledger read again behind it: somebody else may have been faster.
local function locked(context, list)
  -- The connection may come with a statement timeout that suits queries and not migrations.
  context.db:exec "set statement_timeout = 0"
  context.lock = locks.new(context.ledger)
  context.lock:take(context.db, context.settings.wait, context.talk)
  context.ledger:create(context.db)
  return standing(context, list)
end

local function report(one, seconds)
  return { version = one.version, title = one.title, milliseconds = seconds and math.floor(seconds * 1000 + 0.5) }
end

local function run_all(context, chosen, direction, loaded)
  local done = {}
  for _, one in ipairs(chosen) do
    local from = native.C.mp_clock()
    local ok, e = pcall(apply.run, context, one.file, direction, loaded[one.version])
    if not ok then
      if errors.is_error(e) then e.done = done end
      error(e, 0)
    end
    done[#done + 1] = report(one, native.C.mp_clock() - from)
    context.settings.done(done[#done])
  end
  return done
end

local function load_all(context, chosen)
  local loaded = {}
  for _, one in ipairs(chosen) do loaded[one.version] = scripts.load(one.file, context.talk) end
  return loaded
end

local function warn_of_newer(context, list)
  for _, one in ipairs(list) do
    if one.state == "newer" then
      context.talk(("%s is applied and not among these files: another checkout is ahead"):format(one.title))
    end
  end
end

local function check_up(context, list, out_of_order)
  history.check(list, out_of_order)
  warn_of_newer(context, list)
  for _, one in ipairs(list) do
    if one.state == "reverting" then
      failure.refuse(("%s is half undone"):format(one.title), "finish that first: `moonpool migrate down`")
    end
  end
end

---Applies what is pending, up to a version if one is given. Every file is loaded before the first one runs.
---@async
---@param given { to: integer|string|nil, out_of_order: boolean|nil }|nil
---@return { version: integer, title: string, milliseconds: integer }[] applied
function Migrator:up(given)
  given = options.check(given, { "out_of_order", "to" }, "up")
  local to = given.to and (tonumber(given.to) or errors.misuse("to takes a version, got %s", tostring(given.to)))
  local out_of_order = given.out_of_order or self.options.out_of_order
  return on_session(self, function(context, list)
    local before = standing(context, list)
    check_up(context, before, out_of_order)
    if to and not M.has_version(before, to) then
      errors.misuse("there is no migration %.0f", to)
    end
    load_all(context, history.pending(before, to))
    if #history.pending(before, to) == 0 then return {} end
    local after = locked(context, list)
    check_up(context, after, out_of_order)
    local chosen = history.pending(after, to)
    return run_all(context, chosen, "up", load_all(context, chosen))
  end)
end

---@param list moonpool.migrate.Standing[]
---@param version integer
---@return boolean
function M.has_version(list, version)
  for _, one in ipairs(list) do
    if one.version == version then return true end
  end
  return false
end

local function check_down(chosen)
  for _, one in ipairs(chosen) do
    if not one.file then
      failure.refuse(("%s was applied and its file is gone"):format(one.title), "bring the file back to go down")
    elseif one.state == "changed" then
      failure.refuse(("%s was changed after it was applied"):format(one.title),
        "its way back may no longer be that of what was done; put the file back as it was")
    elseif one.state == "running" then
      failure.refuse(("%s is half applied"):format(one.title), "finish it first: `moonpool migrate up`")
    end
  end
end

---Undoes the last migrations, one when nothing is said. Refused before anything runs when one of them has
---no way back.
---@async
---@param steps integer|nil
---@return { version: integer, title: string, milliseconds: integer }[] undone
function Migrator:down(steps)
  steps = steps or 1
  if type(steps) ~= "number" or steps < 1 or steps % 1 ~= 0 then
    errors.misuse("down takes a whole number of steps from 1, got %s", tostring(steps))
  end
  return on_session(self, function(context, list)
    if #history.latest(standing(context, list), 1) == 0 then return {} end
    local chosen = history.latest(locked(context, list), steps)
    check_down(chosen)
    local loaded = load_all(context, chosen)
    for _, one in ipairs(chosen) do
      if not loaded[one.version].down then
        failure.refuse(("%s has no way back"):format(one.title),
          one.file.kind == "sql" and ("write %s.down.sql"):format(one.title) or "write its function down")
      end
    end
    return run_all(context, chosen, "down", loaded)
  end)
end

---How every migration stands. Reads only; the table need not be there.
---@async
---@return moonpool.migrate.Standing[]
function Migrator:status()
  return on_session(self, function(context, list) return standing(context, list) end)
end

---Lends a method to every migrator: planning and drift come from the schema floor.
---@param name string
---@param method function
function M.lend(name, method)
  Migrator[name] = method
end

return M
