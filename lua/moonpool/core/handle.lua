--- What statements are run on: a database handle, or a transaction, which answers to the same methods so
--- that code need not know which one it was given.

local abandoned = require "moonpool.core.abandoned"
local abi = require "moonpool.core.abi"
local batch = require "moonpool.core.batch"
local cache = require "moonpool.core.cache"
local config = require "moonpool.core.config"
local duration = require "moonpool.core.duration"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local guard = require "moonpool.core.guard"
local json = require "moonpool.core.json"
local large = require "moonpool.core.large"
local listen = require "moonpool.core.listen"
local misname = require "moonpool.core.misname"
local native = require "moonpool.core.ffi"
local observe = require "moonpool.core.observe"
local op = require "moonpool.core.op"
local placeholders = require "moonpool.core.placeholders"
local result_cache = require "moonpool.core.result_cache"
local rows = require "moonpool.core.rows"
local run = require "moonpool.core.run"
local transaction = require "moonpool.core.transaction"
local types = require "moonpool.core.types"

local C = native.C
local WRITE, READ = abi.WRITE, abi.READ
local current = op.current
local scan_of, bind, is_built = placeholders.scan, placeholders.bind, placeholders.is_built
local wrap, run_one = rows.wrap, run.one
local first_of = rows.first_of
local select, type = select, type

local M = {}

local NOTHING = {}

---@class moonpool.Handle
---@field private line ffi.cdata*|false the engine's session; false once it is over
---@field private codec moonpool.Codec
---@field private root table what all handles of one cluster share
---@field private state table of the transaction; of the cluster outside one
---@field private context string|false|nil the settings that its statements run under; false: nobody knows them
local Handle = {}
local metatable = { __index = Handle }

local function no_handle(self)
  errors.misuse("this method is called with a colon on a handle: db:query(…), got %s", errors.show(self))
end

---A method that may count on being called on a handle.
---@param method function
---@return function
local function guarded(method)
  return guard.method(method, metatable, "a handle: db:query(…)")
end

for name, method in pairs(large.methods) do Handle[name] = guarded(method) end
-- db:on and its kin.
for name, method in pairs(observe.methods) do Handle[name] = guarded(method) end

local function make(session, codec, root, state)
  return setmetatable({ line = session, codec = codec, root = root, state = state }, metatable)
end

-- Why this handle has no session to run on.
local function no_session(self)
  if not self.state.over then errors.misuse "this handle was released" end
  transaction.refuse(("this transaction is over (%s)"):format(self.state.over),
    "use the handle that the transaction was begun on")
end

local function session_of(self)
  if getmetatable(self) ~= metatable then no_handle(self) end
  local session, state = self.line, self.state
  if not session or state.over then no_session(self) end
  if state.task ~= nil and state.task ~= (current() or false) then
    -- Its statements would come between those of the task that began the transaction.
    transaction.refuse("this transaction belongs to another task",
      "begin one in each task; a transaction is used where it was begun")
  end
  return session
end

---@private
function Handle:_session()
  return session_of(self)
end

---@private
function Handle:_derive(session, state)
  state.above = self.state
  return make(session, self.codec, self.root, state)
end

-- Shapes of statements that were not scanned here, because whoever wrote them numbered the parameters.
local written = cache.new(1024)

local function memory_of(sql)
  return written:get(sql) or written:put(sql, {})
end

-- A transaction that a statement begins would end with it, because the connection goes back to the pool: the next
-- statements would stand alone, and a ROLLBACK behind them would undo nothing.
local function check_begin(self)
  local settings = self.root.settings
  if self:in_transaction() or self.context == false or (settings and settings.pinned) then return end
  transaction.refuse("a transaction is not begun by a statement: the next one may run on another connection",
    "db:transaction(function(tx) … end), or db:begin() and tx:commit(); a pinned session takes BEGIN as it is")
end

-- Runs text with placeholders, or anything that has `to_sql`. Gives the engine's result and where the
-- shape of the statement is remembered.
local function answer(self, route, statement, n, ...)
  local session = session_of(self)
  if is_built(statement) then
    if n > 0 then errors.misuse "a statement that brings its own parameters takes no others" end
    local sql, list, count = placeholders.built(statement)
    local options = rawget(statement, "options") or NOTHING
    local handle = run_one(session, sql, list, count, nil, route,
      options.idempotent and abi.IDEMPOTENT or 0, options.timeout or 0)
    result_cache.after(self, statement)
    return handle, memory_of(sql)
  end
  local scan = scan_of(statement)
  if scan.opens then check_begin(self) end
  return run_one(session, scan.text, bind(scan, n, ...), scan.n, scan.names, route, 0, 0), scan
end

local function result(self, route, statement, n, ...)
  local handle, memory = answer(self, route, statement, n, ...)
  return wrap(handle, self.codec, memory, self.line, route)
end

local function row(self, route, statement, n, ...)
  local handle, memory = answer(self, route, statement, n, ...)
  return first_of(handle, self.codec, memory, self.line, route)
end

---Runs a statement on the primary. Returns how many rows it touched.
---@async
---@param sql string with `?` or `:name`
---@param ... any parameters; one table for `:name`
---@return integer affected
function Handle:exec(sql, ...)
  local handle = answer(self, WRITE, sql, select("#", ...), ...)
  local affected = tonumber(C.mp_result_affected(handle))
  C.mp_result_free(handle)
  return affected
end

---Runs a statement on the primary. Returns its result.
---@async
---@param sql string
---@param ... any
---@return moonpool.Result
function Handle:query(sql, ...)
  return result(self, WRITE, sql, select("#", ...), ...)
end

---The first row of a statement run on the primary; nil when there is none.
---@async
---@param sql string
---@param ... any
---@return table|nil
function Handle:query_row(sql, ...)
  return row(self, WRITE, sql, select("#", ...), ...)
end

---Like query, on a replica where one may answer. The statement must only read.
---@async
---@param sql string
---@param ... any
---@return moonpool.Result
function Handle:read_query(sql, ...)
  return result(self, READ, sql, select("#", ...), ...)
end

---@async
---@param sql string
---@param ... any
---@return table|nil
function Handle:read_query_row(sql, ...)
  return row(self, READ, sql, select("#", ...), ...)
end

---Listens to what NOTIFY sends to a channel, or to several: `for note in db:listen("orders"):each() do`. It has a
---connection of its own, to the primary, and listens when this returns. `timeout` ends a wait for a note.
---@async
---@param channels string|string[] names
---@param options { timeout: string|number|nil, probe: string|number|nil }|nil
---@return moonpool.Listener
function Handle:listen(channels, options)
  return listen.open(session_of(self), channels, options)
end

---Runs text that may hold several statements, without parameters. Outside a transaction they are one.
---@async
---@param sql string
---@param options { timeout: string|number|nil }|nil
---@return moonpool.Result[] one for each statement that gave one
function Handle:script(sql, options)
  return batch.script(session_of(self), self.codec, sql, options)
end

---Runs several statements in one round trip: `db:batch(function(b) b:add("…", …) end)`.
---All or none of them, unless `atomic = false`: then each stands alone, `results.errors` tells by number
---which failed, and reading from a failed one raises its error.
---@async
---@param f fun(b: moonpool.Batch)
---@param options { atomic: boolean|nil, read: boolean|nil, timeout: string|number|nil }|nil
---@return moonpool.Result[] by number
function Handle:batch(f, options)
  return batch.run(session_of(self), self.codec, f, options, self)
end

---Runs f inside a transaction and returns what it returns. An error rolls back and is raised again;
---serialization failures and deadlocks run f again from the start. Inside a transaction: a savepoint.
---@async
---@param f fun(tx: moonpool.Handle): any
---@param options moonpool.TransactionOptions|nil
---@return any ...
function Handle:transaction(f, options)
  if getmetatable(self) ~= metatable then no_handle(self) end
  return transaction.run(self, f, options)
end

---Begins a transaction (inside one, a savepoint) that is ended by hand. Where a function will do,
---`transaction` is better: it cannot be forgotten, and it runs again when the server asks for that.
---@async
---@param options moonpool.TransactionOptions|nil
---@return moonpool.Handle
function Handle:begin(options)
  if getmetatable(self) ~= metatable then no_handle(self) end
  return transaction.open(self, options)
end

---@async
function Handle:commit()
  if getmetatable(self) ~= metatable then no_handle(self) end
  if not self:in_transaction() then errors.misuse "commit ends a transaction; this handle stands for none" end
  transaction.commit(self)
end

---@async
function Handle:rollback()
  if getmetatable(self) ~= metatable then no_handle(self) end
  if not self:in_transaction() then errors.misuse "rollback ends a transaction; this handle stands for none" end
  transaction.rollback(self)
end

---@return boolean
function Handle:in_transaction()
  if getmetatable(self) ~= metatable then no_handle(self) end
  return self.state ~= self.root
end

---A round trip to the primary; true, or the error is raised.
---@async
---@return true
function Handle:ping()
  run.finish(C.mp_ping(session_of(self)))
  return true
end

local function new_session(self, how, from, habits)
  local settings = habits ~= nil and config.build(habits) or nil
  local session = how(from, settings, native.no_failure())
  if session == nil then
    local e = errors.take(native.failure)
    e.where = errors.callers_line()
    error(e, 0)
  end
  local made = make(ffi.gc(session, C.mp_session_free), self.codec, self.root, self.state)
  local inherited
  if how == C.mp_session_with then inherited = self.context end
  made.context = result_cache.context(inherited, habits)
  return made
end

---A handle with other habits (timeout, consistency, max_lag) on the same state: the same transaction, the
---same memory of writes. With a name and a query: a query with a common table expression.
---@param habits { timeout: string|number|nil, consistency: string|nil, max_lag: string|number|nil }|string
---@param ... any
---@return moonpool.Handle
function Handle:with(habits, ...)
  if getmetatable(self) ~= metatable then no_handle(self) end
  if type(habits) == "string" and self._with_query then return self:_with_query(habits, ...) end
  if type(habits) ~= "table" then errors.misuse("with takes a table of habits, got %s", errors.show(habits)) end
  return new_session(self, C.mp_session_with, session_of(self), habits)
end

---A handle whose every statement runs under these settings, in the same round trip: each statement (or transaction,
---or batch) in its own transaction, with the settings local to it, so the next user of the connection finds nothing.
---Scripts and COPY take them inside a transaction.
---@param settings { role: string|nil, [string]: string|number|boolean } role, and settings such as app.user_id
---@return moonpool.Handle
function Handle:as(settings)
  if getmetatable(self) ~= metatable then no_handle(self) end
  if type(settings) ~= "table" or next(settings) == nil then
    errors.misuse 'as takes a table of settings: db:as { role = "app", ["app.user_id"] = "7" }'
  end
  if self:in_transaction() then
    errors.misuse "a context is laid on a transaction as a whole: begin the transaction on db:as { … }"
  end
  return new_session(self, C.mp_session_with, session_of(self), { as = settings })
end

---A handle with a memory of writes of its own.
---@param habits table|nil
---@return moonpool.Handle
function Handle:session(habits)
  if getmetatable(self) ~= metatable then no_handle(self) end
  if self:in_transaction() then errors.misuse "a session is made from the database, not from a transaction" end
  return new_session(self, C.mp_session_new, self.root.cluster, habits)
end

---Lets go of what a handle of `session` or `with` holds, at once instead of when it is collected: a pinned
---session gives its connection back.
function Handle:release()
  local session = session_of(self)
  if self:in_transaction() then errors.misuse "a transaction ends with its function" end
  self.line = false
  C.mp_session_free(ffi.gc(session, nil))
end

---Nodes, roles, pools and counters, as of now; `cache` tells of what `cached` keeps.
---@return table
function Handle:stats()
  if getmetatable(self) ~= metatable then no_handle(self) end
  local text = C.mp_cluster_stats(self.root.cluster)
  local document = ffi.string(C.mp_text_data(text, native.length), native.length[0])
  C.mp_text_free(text)
  local stats, results = json.decode(document), self.root.results
  stats.cache = results and results:stats() or nil
  return stats
end

---Forgets what `cached` keeps under these keys; in a transaction when it has committed. For writes that are no
---queries of the builder: those say `invalidates`.
---@param ... string
function Handle:invalidate(...)
  session_of(self)
  result_cache.invalidate(self, result_cache.keys("invalidate", ...))
end

---Closes the cluster for every handle on it: no new work, running work ends or is cut after `drain`.
---@async
---@param drain string|number|nil "10s"
function Handle:close(drain)
  if getmetatable(self) ~= metatable then no_handle(self) end
  if self:in_transaction() then errors.misuse "a transaction ends with its function; the database is closed" end
  if self.root.closed then return end
  self.root.closed = true
  -- Whoever holds a connection of it for as long as it is open, as a shell does, lets go of it.
  if self.root.before_close then self.root.before_close() end
  abandoned.sweep()
  run.finish(C.mp_close(self.root.cluster, duration.seconds(drain, "drain") or 10))
end

---Runs a statement whose parameters are numbered already; what builders call.
---@async
---@param q { sql: string, params: any[]|nil, n: integer|nil, route: "read"|"write"|nil,
---  timeout: string|number|nil, idempotent: boolean|nil, consistency: string|nil, first: boolean|nil } `first`: its
---  first row will do
---@return moonpool.Result|table|nil
function Handle:_run(q)
  local sql, list = q.sql, q.params
  local n = q.n or list and (list.n or #list) or 0
  local timeout = q.timeout and duration.seconds(q.timeout, "timeout") or 0
  local session, route = session_of(self), q.route == "read" and READ or WRITE
  local handle = run_one(session, sql, list, n, nil, route, q.idempotent and abi.IDEMPOTENT or 0, timeout,
    q.consistency and abi.consistency[q.consistency])
  if q.first then return first_of(handle, self.codec, memory_of(sql), session, route) end
  return wrap(handle, self.codec, memory_of(sql), session, route)
end

function metatable:__tostring()
  if not self:in_transaction() then return self.root.closed and "database (closed)" or "database" end
  return self.state.over and ("transaction (%s)"):format(self.state.over) or "transaction (open)"
end

M.guarded = guarded

---Lends a method to every handle; the floors above bring theirs this way.
---@param name string
---@param method function
function M.lend(name, method)
  Handle[name] = method
end

---A method that handles have, for a floor above that wraps it.
---@param name string
---@return function|nil
function M.method(name)
  return Handle[name]
end

-- What other tools call it.
local meant = {
  insert = "db:insert_into(table)", delete = "db:delete_from(table)", select = "db:from(table):select(…)",
  table = "db:from(table)", selectFrom = "db:from(table)", insertInto = "db:insert_into(table)",
  deleteFrom = "db:delete_from(table)", find = "db:from(table):find(key)", get = "db:query_row(sql, …)",
  first = "db:query_row(sql, …)", one = "db:query_row(sql, …)", all = "db:query(sql, …):all()",
  execute = "db:exec(sql, …), or db:query(sql, …) for rows", run = "db:exec(sql, …), or db:query(sql, …) for rows",
  raw = "moonpool.raw(sql, …)", prepare = "db:query(sql, …): what comes a second time is prepared",
  cursor = "db:stream(sql, …)", subscribe = "db:listen(channel)", notify = 'db:exec("select pg_notify(?, ?)", …)',
  savepoint = "tx:transaction(function(inner) … end): inside a transaction that is a savepoint",
  atomic = "db:transaction(function(tx) … end)", exactly_once = "db:transaction(f, { exactly_once = true })",
  upsert = "db:insert_into(table):values { … }:on_conflict(column):do_update { … }",
  copy_from = "db:copy_in(table, columns, function(put) … end)", copy_to = "db:copy_out(table)",
  fetchone = "db:query_row(sql, …)", fetchall = "db:query(sql, …):all()", disconnect = "db:close()",
  unlisten = "listener:close()", count = "db:from(table):count()", each = "db:query(sql, …):each()",
}

-- Methods whose module is loaded when somebody calls them first.
local awaited = {}
setmetatable(Handle, {
  __names = awaited, __lazy = true, -- for completion
  __index = function(methods, name)
    local load = awaited[name]
    if not load then return misname.check_meant("a handle has no method", name, meant, methods, awaited) end
    methods[name] = load()
    return methods[name]
  end,
})

---Lends methods that are loaded at their first use: `load` gives the method.
---@param name string
---@param load fun(): function
function M.lend_later(name, load)
  awaited[name] = load
end

---Wraps a cluster of the engine, which belongs to the handle from here on.
---@param cluster ffi.cdata*
---@param wishes table|nil types
---@param settings table|nil what it was connected with
---@param keeping table|boolean|nil the setting `cache`
---@return moonpool.Handle
function M.wrap(cluster, wishes, settings, keeping)
  local root = { cluster = ffi.gc(cluster, C.mp_cluster_free), settings = settings }
  root.results = result_cache.new(keeping)
  local blank = make(false, types.codec(wishes), root, root)
  return new_session(blank, C.mp_session_new, root.cluster, nil)
end

---Connects: a table of settings, a DSN, or nothing (then the environment says, else the embedded cluster).
---No connection is opened yet.
---@param settings moonpool.Settings|string|nil
---@return moonpool.Handle
function M.connect(settings)
  if type(settings) == "string" then settings = { dsn = settings } end
  if settings ~= nil and type(settings) ~= "table" then
    errors.misuse("connect takes a table of settings, a DSN, or nothing, got a %s", type(settings))
  end
  local flat = {}
  for key, value in pairs(settings or {}) do flat[key] = value end
  flat.types, flat.cache = nil, nil
  local listeners = observe.take(flat)
  local cluster = C.mp_connect(config.build(flat), native.no_failure())
  if cluster == nil then
    local e = errors.take(native.failure)
    e.where = errors.callers_line()
    error(e, 0)
  end
  local db = M.wrap(cluster, settings and settings.types, flat, settings and settings.cache)
  observe.begin(db.root, listeners)
  return db
end

---@param value any
---@return boolean
function M.is_handle(value)
  return getmetatable(value) == metatable
end

return M
