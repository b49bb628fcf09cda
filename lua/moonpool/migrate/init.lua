--- Migrations: files applied in order, each once, remembered in the database.

local baselines = require "moonpool.migrate.baseline"
local drafts = require "moonpool.migrate.draft"
local duration = require "moonpool.core.duration"
local errors = require "moonpool.core.error"
local failure = require "moonpool.migrate.failure"
local gate = require "moonpool.migrate.gate"
local handle = require "moonpool.core.handle"
local history = require "moonpool.migrate.history"
local options = require "moonpool.migrate.options"
local runner = require "moonpool.migrate.runner"

local M = {}

---@class moonpool.MigratorOptions
---@field dir string|nil the folder of migrations; "scripts/migrations"
---@field table string|nil where the history is kept; "schema_migrations"
---@field wait string|number|nil how long to wait for another migrator; "60s"
---@field lock_timeout string|number|nil how long a statement waits for a lock before all is tried again; "3s"
---@field index_timeout string|number|nil the same for concurrent work on an index; "10m"
---@field timeout string|number|nil for a single statement; "24h"
---@field out_of_order boolean|nil
---@field trusted boolean|nil scripts may reach the machine
---@field talk fun(line: string)|nil where progress is told; nowhere when left out
---@field done fun(one: { version: integer, title: string, milliseconds: integer })|nil called behind each migration

local DIR = "scripts/migrations"

local known = {
  "dir", "done", "index_timeout", "lock_timeout", "out_of_order", "table", "talk", "timeout", "trusted", "wait",
}

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
    dir = given.dir or DIR,
    table = given.table or "schema_migrations",
    wait = duration.seconds(given.wait, "wait") or 60,
    patience = duration.seconds(given.lock_timeout, "lock_timeout") or 3,
    index_patience = duration.seconds(given.index_timeout, "index_timeout") or 600,
    timeout = duration.seconds(given.timeout, "timeout") or 86400,
    trusted = given.trusted,
    talk = given.talk or function() end,
    done = given.done or function() end,
  }
end

local function whole_number(value, name)
  if value == nil then return nil end
  local n = tonumber(value)
  if n and n >= 1 and n % 1 == 0 then return n end
  errors.misuse("%s takes a whole number from 1, got %s", name, tostring(value))
end

local function check_version(list, version)
  if not version then return end
  for _, one in ipairs(list) do
    if one.version == version then return end
  end
  errors.misuse("there is no migration %.0f", version)
end

-- Files that changed are taken as they are where that was asked for.
local function accept(context, list)
  for _, one in ipairs(list) do
    if one.state == "changed" then
      context.ledger:accept(context.db, one.file)
      one.state = "applied"
      context.talk(("%s is taken as it is now"):format(one.title))
    end
  end
end

local function warn_of_newer(context, list)
  for _, one in ipairs(list) do
    if one.state == "newer" then
      context.talk(("%s is applied and not among these files: another checkout is ahead"):format(one.title))
    end
  end
end

local function check_up(list, given)
  for _, one in ipairs(list) do
    if one.state == "reverting" then
      failure.refuse(("%s is half undone"):format(one.title), "finish that first: `moonpool migrate down`")
    end
  end
  if not given.accept then history.check(list, given.out_of_order) end
end

local up_options = { "accept", "dry_run", "out_of_order", "steps", "to" }

---@class moonpool.migrate.UpOptions
---@field to integer|string|nil the last version to apply
---@field steps integer|string|nil how many at most
---@field out_of_order boolean|nil apply files older than what is applied
---@field accept boolean|nil take applied files that changed since as they are now
---@field dry_run boolean|nil only tell

---Applies what is pending. Every file is loaded before the first one runs.
---@async
---@param given moonpool.migrate.UpOptions|nil
---@return { version: integer, title: string, milliseconds: integer|nil }[] applied
function Migrator:up(given)
  given = options.check(given, up_options, "up")
  local to, steps = whole_number(given.to, "to"), whole_number(given.steps, "steps")
  given = { accept = given.accept, dry_run = given.dry_run,
    out_of_order = given.out_of_order or self.options.out_of_order }
  return runner.on_session(self.db, settings(self), function(context, list)
    local before = runner.standing(context, list)
    check_up(before, given)
    warn_of_newer(context, before)
    check_version(before, to)
    local pending = history.pending(before, to, steps)
    runner.load_all(context, pending)
    if given.dry_run or (#pending == 0 and not given.accept) then return runner.reports(pending) end
    local after = runner.locked(context, list)
    if given.accept then
      accept(context, after)
      history.check(after, given.out_of_order)
    else
      check_up(after, given)
    end
    local chosen = history.pending(after, to, steps)
    return runner.run_all(context, chosen, "up", runner.load_all(context, chosen))
  end)
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

local function load_back(context, chosen)
  check_down(chosen)
  local loaded = runner.load_all(context, chosen)
  for _, one in ipairs(chosen) do
    if not loaded[one.version].down then
      failure.refuse(("%s has no way back"):format(one.title),
        one.file.kind == "sql" and ("write %s.down.sql"):format(one.title) or "write its function down")
    end
  end
  return loaded
end

local down_options = { "allow", "dry_run", "steps", "to" }

---@class moonpool.migrate.DownOptions
---@field steps integer|string|nil how many; 1
---@field to integer|string|nil undo everything newer than this version
---@field allow string[]|nil kinds of loss that are meant: drop_table, drop_column, truncate, drop_schema
---@field dry_run boolean|nil only tell

local function down(self, given, again)
  if type(given) ~= "table" then given = { steps = given } end
  given = options.check(given, down_options, again and "redo" or "down")
  local to = whole_number(given.to, "to")
  local steps = whole_number(given.steps, "steps") or (to and math.huge or 1)
  return runner.on_session(self.db, settings(self), function(context, list)
    local before = runner.standing(context, list)
    check_version(before, to)
    local chosen = history.latest(before, steps, to)
    if #chosen == 0 then return {} end
    load_back(context, chosen)
    if given.dry_run then return runner.reports(chosen) end
    chosen = history.latest(runner.locked(context, list), steps, to)
    local loaded = load_back(context, chosen)
    local undone = runner.run_all(context, chosen, "down", loaded)
    if not again then return undone end
    local back = {}
    for i = #chosen, 1, -1 do back[#back + 1] = chosen[i] end
    return runner.run_all(context, back, "up", loaded)
  end, { allow = gate.allowed(given.allow) })
end

---Undoes the last migrations, one when nothing is said. Refused before anything runs when one of them has
---no way back, and where it would lose data that was not allowed to be lost.
---@async
---@param given moonpool.migrate.DownOptions|integer|nil
---@return { version: integer, title: string, milliseconds: integer|nil }[] undone
function Migrator:down(given)
  return down(self, given, false)
end

---Undoes the last migrations and applies them again.
---@async
---@param given moonpool.migrate.DownOptions|integer|nil
---@return { version: integer, title: string, milliseconds: integer|nil }[] applied
function Migrator:redo(given)
  return down(self, given, true)
end

---How every migration stands. Reads only; the table need not be there.
---@async
---@return moonpool.migrate.Standing[]
function Migrator:status()
  return runner.on_session(self.db, settings(self), runner.standing)
end

local wrong = { changed = true, missing = true, out_of_order = true, running = true, reverting = true }

---Compares what was applied with the files. Gives what is not as it should be.
---@async
---@param given { accept: boolean|nil }|nil
---@return moonpool.migrate.Standing[]
function Migrator:verify(given)
  given = options.check(given, { "accept" }, "verify")
  return runner.on_session(self.db, settings(self), function(context, list)
    local all = given.accept and runner.locked(context, list) or runner.standing(context, list)
    if given.accept then accept(context, all) end
    local found = {}
    for _, one in ipairs(all) do
      if wrong[one.state] then found[#found + 1] = one end
    end
    return found
  end)
end

---Takes the database as it is for migrated: up to a version, or as another tool's table says.
---@async
---@param given { version: integer|string|nil, from: string|nil }|nil
---@return { version: integer, title: string }[] written
function Migrator:baseline(given)
  given = options.check(given, { "from", "version" }, "baseline")
  local version = whole_number(given.version, "version")
  if given.from then baselines.tool(given.from) end
  return runner.on_session(self.db, settings(self), function(context, list)
    runner.lock(context)
    if given.from then
      return runner.reports(baselines.take_over(context.db, context.ledger, given.from, list))
    end
    context.ledger:create(context.db)
    return runner.reports(baselines.take_as_is(context.db, context.ledger, version, list))
  end, { take_over = given.from ~= nil })
end

---Writes the files of a new migration. Needs no database.
---@param dir string|nil
---@param name string
---@param as_sql boolean|nil
---@return string[] paths
function M.draft(dir, name, as_sql)
  return drafts.write(dir or DIR, name, as_sql)
end

---Lends a method to every migrator: planning and drift come from the schema floor.
---@param name string
---@param method function
function M.lend(name, method)
  Migrator[name] = method
end

return M
