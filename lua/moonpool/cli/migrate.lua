--- `moonpool migrate ACTION`. Results on stdout, talk on stderr; the exit code is returned.

local connect = require "moonpool.cli.connect"
local errors = require "moonpool.core.error"
local exit = require "moonpool.cli.exit"
local json = require "moonpool.core.json"
local marks = require "moonpool.core.marks"
local migrate = require "moonpool.migrate"
local notices = require "moonpool.cli.notices"
local status = require "moonpool.cli.migrate_status"

local M = {}

---@class moonpool.cli.MigrateOptions
---@field action "status"|"up"|"down"|"redo"|"new"|"plan"|"verify"|"baseline"
---@field args string[]|nil the words behind it
---@field dsn string|nil
---@field dir string|nil
---@field table string|nil
---@field json boolean|nil
---@field to string|integer|nil
---@field steps string|integer|nil
---@field dry_run boolean|nil
---@field accept boolean|nil
---@field out_of_order boolean|nil
---@field allow string[]|nil
---@field trusted boolean|nil
---@field timeout string|nil how long to wait for another migrator
---@field lock_timeout string|nil
---@field from string|nil
---@field sql boolean|nil

local function say(line)
  io.stdout:write(line, "\n")
  io.stdout:flush()
end

local function talk(line) io.stderr:write(line, "\n") end

-- The commands that a text proposes are meant to be typed: they name the folder that was named.
local function ready_to_type(text, opts)
  if not opts.dir then return text end
  local dir = opts.dir:find "^[%w_./-]+$" and opts.dir or "'" .. opts.dir:gsub("'", "'\\''") .. "'"
  return (text:gsub("`moonpool migrate %l+", function(command) return command .. " --dir " .. dir end))
end

local function print_json(document)
  document.schema_version = 1
  say(json.encode(document))
end

local function items_of(list)
  local items = marks.array {}
  for i, one in ipairs(list) do
    items[i] = { version = one.version, name = one.title, milliseconds = one.milliseconds }
  end
  return items
end

-- What was done, or with a dry run what would be.
local function tell(opts, word, list, nothing)
  if opts.json then
    print_json { [word] = items_of(list), dry_run = opts.dry_run }
  elseif opts.dry_run then
    for _, one in ipairs(list) do say("would be " .. word .. "  " .. one.title) end
  end
  if #list == 0 then talk(nothing) end
  return exit.OK
end

local commands = {}

function commands.up(migrator, opts)
  local list = migrator:up {
    to = opts.to, steps = opts.steps, out_of_order = opts.out_of_order, accept = opts.accept, dry_run = opts.dry_run,
  }
  return tell(opts, "applied", list, "Nothing is pending.")
end

function commands.down(migrator, opts)
  local list = migrator:down { to = opts.to, steps = opts.steps, allow = opts.allow, dry_run = opts.dry_run }
  return tell(opts, "undone", list, "Nothing is applied.")
end

function commands.redo(migrator, opts)
  local list = migrator:redo { steps = opts.steps, allow = opts.allow, dry_run = opts.dry_run }
  return tell(opts, "applied", list, "Nothing is applied.")
end

function commands.plan(migrator, opts)
  local list = migrator:up { to = opts.to, steps = opts.steps, out_of_order = opts.out_of_order, dry_run = true }
  if opts.json then
    print_json { pending = items_of(list) }
  else
    for _, one in ipairs(list) do say(one.title) end
  end
  if #list == 0 then talk "Nothing is pending." end
  return #list > 0 and exit.PENDING or exit.OK
end

function commands.status(migrator, opts)
  local list = migrator:status()
  local pending = status.pending(list)
  if opts.json then
    print_json { migrations = status.items(list), pending = pending }
  else
    for _, line in ipairs(status.lines(list)) do say(line) end
    talk(ready_to_type(status.summary(list, pending), opts))
  end
  return pending > 0 and exit.PENDING or exit.OK
end

function commands.verify(migrator, opts)
  local list = migrator:verify { accept = opts.accept }
  if opts.json then
    print_json { wrong = status.items(list) }
  else
    for _, line in ipairs(status.lines(list)) do say(line) end
  end
  talk(#list == 0 and "What was applied is what the files say." or #list .. " not as the files say.")
  return #list > 0 and exit.DRIFT or exit.OK
end

function commands.baseline(migrator, opts)
  local list = migrator:baseline { version = opts.args and opts.args[1], from = opts.from }
  if opts.json then
    print_json { baseline = items_of(list) }
  else
    for _, one in ipairs(list) do say("taken as applied  " .. one.title) end
  end
  if #list == 0 then talk "There was nothing to take as applied." end
  return exit.OK
end

-- Needs no database.
local function new(opts)
  local paths = migrate.draft(opts.dir, opts.args and table.concat(opts.args, " "), opts.sql)
  if opts.json then
    print_json { files = marks.array(paths) }
  else
    for _, path in ipairs(paths) do say(path) end
  end
  return exit.OK
end

local verbs = { up = "applied", down = "undone" }

-- Of two migrators that begin at once, one finds the table made.
local function of_ledger(event)
  return event.sqlstate == "42P07" and event.message:find('"schema_migrations"', 1, true) ~= nil
end

local function run(opts, keep)
  if opts.action == "new" then return new(opts) end
  local command = commands[opts.action]
  if not command then
    errors.misuse("migrate has no action %s; it has status, up, down, redo, new, plan, verify, baseline",
      tostring(opts.action))
  elseif opts.rehearse then
    errors.misuse "migrate cannot rehearse: run it with --dry-run, or on a copy"
  end
  keep.db = connect.open(opts)
  keep.notices = notices.of(keep.db, of_ledger)
  return command(migrate.new(keep.db, {
    dir = opts.dir, table = opts.table, wait = opts.timeout, lock_timeout = opts.lock_timeout,
    trusted = opts.trusted, talk = talk,
    done = function(one, direction)
      local line = ("%s  %s  %d ms"):format(verbs[direction], one.title, one.milliseconds)
      if opts.json then talk(line) else say(line) end
      keep.notices:show(talk)
    end,
  }), opts)
end

local function failed(e, opts)
  talk(ready_to_type(exit.text(e), opts))
  if opts.json then
    local is_error = errors.is_error(e)
    print_json {
      [opts.action == "down" and "undone" or "applied"] = items_of(is_error and e.done or {}),
      error = { kind = is_error and e.kind or "script", message = exit.text(e) },
    }
  end
  return exit.code(e)
end

---Runs the subcommand.
---@param opts moonpool.cli.MigrateOptions
---@return integer exit code
function M.run(opts)
  local keep = {}
  local ok, result = pcall(run, opts, keep)
  if keep.notices then keep.notices:show(talk) end
  if keep.db then pcall(keep.db.close, keep.db, "1s") end
  if ok then return result end
  return failed(result, opts)
end

return M
