--- `m`, which a migration's functions are given.

local columns = require "moonpool.migrate.columns"
local errors = require "moonpool.core.error"
local gate = require "moonpool.migrate.gate"
local names = require "moonpool.migrate.names"
local operations = require "moonpool.migrate.operations"
local suggest = require "moonpool.core.suggest"

local M = {}

---@class moonpool.migrate.Commands
local Commands = {}

-- The work behind an `m`, out of the script's reach.
local works = setmetatable({}, { __mode = "k" })

local function work_of(m)
  return works[m] or errors.misuse("this is called with a colon: m:exec(…)")
end

local function run(m, sql)
  return work_of(m):step(function(db) return db:exec(sql) end)
end

-- On the way back, what would lose data is asked for by name.
local function gated(work, check, ...)
  local given = { ... }
  return function(db)
    if work.direction == "down" then check(work.context.allow, db, unpack(given)) end
  end
end

---Runs a statement, with `?` or `:name`. Returns how many rows it touched.
---@async
---@param sql string
---@param ... any
---@return integer
function Commands:exec(sql, ...)
  local n, given = select("#", ...), { ... }
  local work = work_of(self)
  local check = gated(work, gate.statement, sql)
  return work:step(function(db)
    check(db)
    return db:exec(sql, unpack(given, 1, n))
  end) or 0
end

---Reads. Runs again when the migration is taken up after a break.
---@async
---@param sql string
---@param ... any
---@return moonpool.Result
function Commands:query(sql, ...)
  return work_of(self):where():query(sql, ...)
end

---@async
---@param sql string
---@param ... any
---@return table|nil
function Commands:query_row(sql, ...)
  return work_of(self):where():query_row(sql, ...)
end

---SQL for a place that takes a value: m:raw "now()".
---@param sql string
---@return moonpool.migrate.Raw
function Commands:raw(sql) -- luacheck: ignore 212
  return names.raw(sql)
end

---@async
---@param name string
---@param f fun(t: moonpool.migrate.Table)
function Commands:create_table(name, f)
  local sql, indexes = columns.create_table(name, f)
  run(self, sql)
  for _, index in ipairs(indexes) do self:create_index(name, index[1], index[2]) end
end

for _, name in ipairs { "drop_table", "drop_column" } do
  Commands[name] = function(self, ...)
    local sql, work = operations[name](...), work_of(self)
    local check = gated(work, gate[name], ...)
    work:step(function(db)
      check(db)
      return db:exec(sql)
    end)
  end
end

for _, name in ipairs { "rename_table", "add_column", "rename_column", "change_type",
  "set_default", "drop_default", "set_not_null", "drop_not_null", "add_constraint", "drop_constraint",
  "add_foreign_key" } do
  Commands[name] = function(self, ...)
    run(self, operations[name](...))
  end
end

-- Concurrent work on an index waits for every transaction that is older than itself, whatever it does.
local OLDER = [[
select pid, application_name as app, state, xact_start as since from pg_catalog.pg_stat_activity
where pid <> pg_backend_pid() and datname = current_database() and backend_type = 'client backend'
  and xact_start < clock_timestamp() - make_interval(secs => ?) order by xact_start limit 3]]

local function older(db, seconds)
  local list = db:query(OLDER, seconds):map(function(row)
    return ("pid %d (%s, %s, since %s)"):format(row.pid, row.app ~= "" and row.app or "an unnamed application",
      row.state, row.since)
  end)
  return #list > 0 and table.concat(list, ", ") or nil
end

local function concurrently(work, db, sql)
  local context = work.context
  local waits = older(db, 1)
  if waits then context.talk(("%s: waiting for transactions that are older: %s"):format(work.file.title, waits)) end
  db:exec("select set_config('lock_timeout', ?, false)", ("%d"):format(context.index_patience * 1000))
  local ok, e = pcall(db.exec, db, sql)
  db:exec "reset lock_timeout"
  if ok then return end
  if errors.is_error(e) and e.sqlstate == "55P03" then
    e.hint = ("end what is older: %s"):format(older(db, 0) or "it has ended meanwhile")
    e.description = e.description .. "\nHINT: " .. e.hint
  end
  error(e, 0)
end

-- A build that broke off leaves an index that is never used and stands in the way of the next one.
local function build_index(work, db, sql, name, again)
  local left = db:query_row(
    "select indisvalid and indisready as whole from pg_catalog.pg_index where indexrelid = to_regclass(?)", name)
  if left and left.whole and again then return end
  if left and not left.whole then concurrently(work, db, "drop index concurrently " .. name) end
  concurrently(work, db, sql)
end

---`concurrently = true` builds it without stopping writers, outside the transaction.
---@async
---@param table string
---@param columns_ string[]|string
---@param options table|nil concurrently, include, name, unique, using, where
function Commands:create_index(table, columns_, options)
  local sql, name = operations.create_index(table, columns_, options)
  if not (options and options.concurrently) then return run(self, sql) end
  local work = work_of(self)
  work:alone(function(db, again) build_index(work, db, sql, name, again) end)
end

---@async
---@param name string
---@param options table|nil cascade, concurrently, if_exists
function Commands:drop_index(name, options)
  local sql = operations.drop_index(name, options)
  if not (options and options.concurrently) then return run(self, sql) end
  local work = work_of(self)
  work:alone(function(db, again)
    -- It may be gone already when the break came behind the drop.
    if again and not db:query("select to_regclass(?) is not null", names.path(name)):scalar() then return end
    concurrently(work, db, sql)
  end)
end

---Fills NULLs, in transactions of `batch` rows each.
---@async
---@param table string
---@param values table<string, any>
---@param options { batch: integer|nil, where: string|nil }|nil
---@return integer rows
function Commands:backfill(table, values, options)
  local sql = operations.backfill(table, values, options)
  return work_of(self):alone(function(db)
    local total = 0
    repeat
      local n = db:exec(sql)
      total = total + n
    until n == 0
    return total
  end) or 0
end

local metatable = {
  __index = function(_, name)
    local method = Commands[name]
    if method then return method end
    local known = {}
    for other in pairs(Commands) do known[#known + 1] = other end
    table.sort(known)
    errors.misuse("a migration has no m:%s%s; m:exec runs any SQL", tostring(name), suggest.hint(name, known))
  end,
  __newindex = function() errors.misuse "m is not a place to keep things" end,
  __metatable = false,
}

---@param work moonpool.migrate.Work
---@return moonpool.migrate.Commands
function M.new(work)
  local m = setmetatable({}, metatable)
  works[m] = work
  return m
end

return M
