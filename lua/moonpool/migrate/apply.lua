--- Runs one migration in one direction, again where the server asked for that, and says what went wrong
--- in terms of the file.

local backoff = require "moonpool.core.backoff"
local commands = require "moonpool.migrate.commands"
local errors = require "moonpool.core.error"
local failure = require "moonpool.migrate.failure"
local gate = require "moonpool.migrate.gate"
local op = require "moonpool.core.op"
local works = require "moonpool.migrate.work"

local M = {}

-- A lock that somebody holds, a deadlock, a serialization failure: the same may succeed a moment later.
local ATTEMPTS, BACKOFF_BASE, BACKOFF_CAP = 6, 1, 30

local function may_run_again(e)
  return errors.is_error(e) and (e.sqlstate == "55P03" or (e.retryable and e.outcome == "rejected"))
end

local function newlines(text, characters)
  local n = 0
  for c in text:gmatch "[^\128-\191][\128-\191]*" do
    if characters <= 1 then break end
    characters = characters - 1
    if c == "\n" then n = n + 1 end
  end
  return n
end

local function run_statement(work, db, one)
  if work.direction == "down" then gate.statement(work.context.allow, db, one.sql) end
  local ok, e = pcall(db._run, db, { sql = one.sql })
  if ok then return end
  if errors.is_error(e) then
    e.where = ("%s:%d"):format(one.path, one.line + (e.position and newlines(one.sql, e.position) or 0))
    if e.sqlstate == "25001" then
      e.hint = e.hint or "let the file begin with `-- moonpool: transaction = false`"
      e.description = e.description .. "\nHINT: " .. e.hint
    end
  end
  error(e, 0)
end

local function run(work, what)
  if type(what) == "function" then
    what(commands.new(work))
  else
    for _, one in ipairs(what) do
      work:step(function(db) run_statement(work, db, one) end)
    end
  end
  work:finish()
end

-- A COMMIT whose answer was lost: the row says whether it came through.
local function came_through(context, file, direction, e)
  if not (errors.is_error(e) and e.kind == "commit_unknown") then return false end
  local ok, entry = pcall(context.ledger.find, context.ledger, context.db, file.version)
  if not ok then return false end
  return direction == "up" and entry ~= nil and entry.state == "applied" or direction == "down" and entry == nil
end

local function attempt(context, file, direction, script)
  local entry = context.ledger:find(context.db, file.version)
  local transaction = script.transaction
  if direction == "down" and script.down_transaction ~= nil then transaction = script.down_transaction end
  local work = works.new(context, file, direction, transaction, entry)
  if work.resumed then
    context.talk(("%s was cut short after step %d; going on from there"):format(file.title, work.done))
  end
  local ok, e = pcall(run, work, script[direction])
  if ok or came_through(context, file, direction, e) then return true end
  pcall(work.abandon, work)
  return false, e
end

-- A migration that broke at its first step has not begun.
local function forget_beginning(context, file)
  local entry = context.ledger:find(context.db, file.version)
  if entry and entry.step == 0 and entry.state == "running" then
    context.ledger:remove(context.db, file.version)
    return nil
  elseif entry and entry.step == 0 and entry.state == "reverting" then
    context.ledger:mark(context.db, file.version, "applied", 0)
    entry.state = "applied"
  end
  return entry
end

local function steps(n)
  return n == 1 and "1 step" or n .. " steps"
end

-- What is left of a migration that failed.
local function remains(context, file)
  local ok, entry = pcall(forget_beginning, context, file)
  -- The Ctrl-C that ended the script ends one wait for the server, too.
  if not ok and errors.is_error(entry) and entry.kind == "cancelled" then
    ok, entry = pcall(forget_beginning, context, file)
  end
  if not ok then return "what is left of it is unknown, the server does not answer", "moonpool migrate status" end
  if entry and entry.state == "running" then
    return ("%s of it done, and kept"):format(steps(entry.step)), "moonpool migrate up"
  elseif entry and entry.state == "reverting" then
    return ("%s of its way back done, and kept"):format(steps(entry.step)), "moonpool migrate down"
  elseif entry then
    return "it is applied as before", "moonpool migrate down"
  end
  return "nothing of it was kept", "moonpool migrate up"
end

---Runs a migration to its end. Raises `migration_failed` with the cause, what is left, and how to go on.
---@async
---@param context moonpool.migrate.Context
---@param file moonpool.migrate.File
---@param direction "up"|"down"
---@param script moonpool.migrate.Script
function M.run(context, file, direction, script)
  for number = 1, ATTEMPTS do
    local ok, e = attempt(context, file, direction, script)
    if ok then return end
    if errors.is_error(e) and e.kind == "migration_refused" then
      e.message = ("%s: %s"):format(file.title, e.message)
      e.line = e.kind .. ": " .. e.message
      e.hint = e.hint .. "; " .. (remains(context, file))
      error(e, 0)
    end
    if type(e) == "string" and e:find ": interrupted$" then e = "interrupted" end
    if number == ATTEMPTS or not may_run_again(e) then
      local left, next_command = remains(context, file)
      error(failure.failed {
        message = ("%s failed: %s"):format(file.title, tostring(e)),
        hint = ("%s; mend it, then `%s`"):format(left, next_command),
        version = file.version, title = file.title, cause = e, left = left,
      }, 0)
    end
    local delay = backoff.delay(number, BACKOFF_BASE, BACKOFF_CAP)
    context.talk(("%s: %s; trying again in %.1f s"):format(file.title, e.line, delay))
    op.sleep(delay)
  end
end

return M
