--- `moonpool migrate up | down | status`. Results on stdout, talk on stderr; the exit code is returned.

local connect = require "moonpool.cli.connect"
local errors = require "moonpool.core.error"
local exit = require "moonpool.cli.exit"
local json = require "moonpool.core.json"
local marks = require "moonpool.core.marks"
local migrate = require "moonpool.migrate"
local null = require "moonpool.core.null"

local M = {}

---@class moonpool.cli.MigrateOptions
---@field command "up"|"down"|"status"
---@field dsn string|nil
---@field dir string|nil
---@field table string|nil
---@field json boolean|nil
---@field to string|integer|nil up: the last version wanted
---@field steps integer|nil down: how many; 1
---@field out_of_order boolean|nil
---@field wait string|nil how long to wait for another migrator
---@field lock_timeout string|nil

local function say(line)
  io.stdout:write(line, "\n")
  io.stdout:flush()
end
local function talk(line) io.stderr:write(line, "\n") end

local function print_json(document)
  document.schema_version = 1
  say(json.encode(document))
end

local verbs = { up = "applied", down = "undone" }

local function items_of(list)
  local items = marks.array {}
  for i, one in ipairs(list) do
    items[i] = { version = one.version, name = one.title, milliseconds = one.milliseconds }
  end
  return items
end

local commands = {}

function commands.up(migrator, opts)
  local list = migrator:up { to = opts.to, out_of_order = opts.out_of_order }
  if opts.json then print_json { applied = items_of(list) } end
  if #list == 0 then talk "Nothing is pending." end
  return exit.OK
end

function commands.down(migrator, opts)
  local list = migrator:down(opts.steps)
  if opts.json then print_json { undone = items_of(list) } end
  if #list == 0 then talk "Nothing is applied." end
  return exit.OK
end

-- What the states are called, and whether one leaves something to do.
local words = {
  applied = "applied", pending = "pending", running = "half applied", reverting = "half undone",
  changed = "changed since", missing = "file is gone", newer = "from elsewhere", out_of_order = "pending, out of order",
}
local open = { pending = true, running = true, reverting = true, out_of_order = true }

local function status_json(list, pending)
  local items = marks.array {}
  for i, one in ipairs(list) do
    local entry = one.entry
    items[i] = {
      version = one.version, name = one.title, state = one.state,
      kind = one.file and one.file.kind or entry.kind,
      applied_at = entry and entry.state == "applied" and entry.applied_at or null,
      applied_by = entry and entry.applied_by or null,
      milliseconds = entry and entry.milliseconds or null,
      step = entry and entry.step or null,
    }
  end
  print_json { migrations = items, pending = pending }
end

local function status_lines(list, pending)
  local widest = 0
  for _, one in ipairs(list) do widest = math.max(widest, #one.title) end
  for _, one in ipairs(list) do
    local when = one.state == "applied" and one.entry.applied_at:gsub("%..*", ""):gsub("T", " ") or ""
    say((("%-" .. widest .. "s  %-13s  %s"):format(one.title, words[one.state], when):gsub("%s+$", "")))
  end
  talk(#list == 0 and "There are no migrations." or pending == 0 and "Nothing is pending."
    or pending .. " pending; `moonpool migrate up` applies " .. (pending == 1 and "it." or "them."))
end

function commands.status(migrator, opts)
  local list, pending = migrator:status(), 0
  for _, one in ipairs(list) do
    if open[one.state] then pending = pending + 1 end
  end
  if opts.json then status_json(list, pending) else status_lines(list, pending) end
  return pending > 0 and exit.PENDING or exit.OK
end

local function failed(e, opts)
  talk(exit.text(e))
  if opts.json then
    local is_error = errors.is_error(e)
    print_json {
      [verbs[opts.command] or "applied"] = items_of(is_error and e.done or {}),
      error = { kind = is_error and e.kind or "script", message = exit.text(e) },
    }
  end
  return exit.code(e)
end

---Runs the subcommand.
---@param opts moonpool.cli.MigrateOptions
---@return integer exit code
function M.run(opts)
  local command = commands[opts.command]
  if not command then
    talk(("migrate has no command %s; it has up, down and status"):format(tostring(opts.command)))
    return exit.USAGE
  end
  local db
  local ok, result = pcall(function()
    db = connect.open(opts)
    local migrator = migrate.new(db, {
      dir = opts.dir, table = opts.table, wait = opts.wait, lock_timeout = opts.lock_timeout, talk = talk,
      done = function(one)
        if not opts.json then say(("%s  %s  %d ms"):format(verbs[opts.command], one.title, one.milliseconds)) end
      end,
    })
    return command(migrator, opts)
  end)
  if db then pcall(db.close, db, "1s") end
  if ok then return result end
  return failed(result, opts)
end

return M
