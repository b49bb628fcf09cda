--- What the engine does, told to functions of Lua. The engine's threads never call Lua: events are queued, and
--- delivered on the thread that owns the state, after each call that waits, a sleep too.

local abi = require "moonpool.core.abi"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local guard = require "moonpool.core.guard"
local native = require "moonpool.core.ffi"
local op = require "moonpool.core.op"
local option = require "moonpool.core.options"
local suggest = require "moonpool.core.suggest"

local C = native.C

local M = {}

---@class moonpool.Event
---@field kind string statement, transaction, acquire, connect, use, recover, probe, retry, role, breaker, audit,
---  notice, log
---@field at number seconds since 1970
---@field node string|nil
---@field purpose "write"|"read"|"fallback"|nil
---@field seconds number|nil how long it took
---@field outcome string|nil ok, or what became of it: not_sent, rejected, unknown
---@field error string|nil the kind of error, or PostgreSQL's condition
---@field sqlstate string|nil
---@field operation string|nil SELECT, INSERT, …; BATCH, SCRIPT
---@field statement string|nil normalised: literals are ?
---@field fingerprint string|nil
---@field statements integer|nil how many
---@field rows integer|nil
---@field attempt integer|nil
---@field writes boolean|nil
---@field who string|nil the context that was laid on
---@field from string|nil
---@field to string|nil
---@field pause number|nil seconds, before a retry
---@field timeline integer|nil
---@field correlation_id string|nil
---@field traceparent string|nil
---@field event string|nil of a log line: its name, "pool.leak"
---@field level string|nil of a log line
---@field message string|nil of a log line, of a notice
---@field severity string|nil of a notice: WARNING, NOTICE, INFO, LOG, DEBUG
---@field detail string|nil of a notice
---@field hint string|nil of a notice
---@field fields table<string, string>|nil of a log line

local kind_names, level_names, names = {}, {}, {}
for name, value in pairs(abi.event) do kind_names[value], names[#names + 1] = name, name end
for name, value in pairs(abi.level) do level_names[value] = name end
table.sort(names)

local function text(value)
  if value[0] == 0 then return nil end
  return ffi.string(value)
end

local function line_of(event, entry)
  entry.level, entry.event = level_names[event.level], ffi.string(event.name)
  entry.message, entry.fields = ffi.string(event.message), {}
  for i = 0, tonumber(event.field_count) - 1 do
    entry.fields[ffi.string(event.fields[i].key)] = ffi.string(event.fields[i].value)
  end
  return entry
end

local measured = {
  [abi.event.statement] = true, [abi.event.transaction] = true, [abi.event.acquire] = true, [abi.event.connect] = true,
  [abi.event.use] = true, [abi.event.recover] = true, [abi.event.probe] = true, [abi.event.audit] = true,
}

local function entry_of(event)
  local entry = { kind = kind_names[event.kind], at = event.at }
  if event.kind == abi.event.log then return line_of(event, entry) end
  entry.node, entry.purpose, entry.operation = text(event.node), text(event.purpose), text(event.operation)
  entry.statement, entry.fingerprint = text(event.statement), text(event.fingerprint)
  entry.outcome = text(event.outcome)
  entry.error, entry.sqlstate, entry.who = text(event.error), text(event.sqlstate), text(event.who)
  entry.from, entry.to = text(event.from), text(event.to)
  entry.correlation_id, entry.traceparent = text(event.correlation_id), text(event.traceparent)
  if measured[event.kind] then entry.seconds = tonumber(event.took) / 1e9 end
  if event.kind == abi.event.notice then
    entry.message, entry.outcome = ffi.string(event.message), nil
    for i = 0, tonumber(event.field_count) - 1 do
      entry[ffi.string(event.fields[i].key)] = ffi.string(event.fields[i].value)
    end
  end
  if event.attempt ~= 0 then entry.attempt = event.attempt end
  if event.timeline ~= 0 then entry.timeline = event.timeline end
  if event.kind == abi.event.retry then entry.pause = tonumber(event.pause) / 1e9 end
  if event.statements ~= 0 then
    entry.statements, entry.rows, entry.writes = tonumber(event.statements), tonumber(event.rows), event.writes == 1
  end
  return entry
end

---@class moonpool.Subscription
---@field private line ffi.cdata*|nil the engine's observer; nil once it has ended
---@field private f fun(event: moonpool.Event)
---@field private complained boolean|nil
local Subscription = {}
Subscription.__index = Subscription

-- The subscriptions of this state, in the order they were made. They live as long as their database's handles.
local all = setmetatable({}, { __mode = "v" })
local count, delivering = 0, false

-- A function that raises must not fail the call that its event came from.
local function tell(subscription, entry)
  local ok, why = pcall(subscription.f, entry)
  if ok or subscription.complained then return end
  subscription.complained = true
  io.stderr:write(("moonpool: a function given to observe %s events raised: %s\n"):format(entry.kind, tostring(why)))
end

local function drain(subscription)
  -- What a function causes itself is for the next time, or it would never end.
  for _ = 1, subscription.line and tonumber(C.mp_observer_waiting(subscription.line)) or 0 do
    if not subscription.line then return end
    local event = C.mp_observer_next(subscription.line)
    if event == nil then return end
    tell(subscription, entry_of(event))
  end
end

---Tells what is queued, on this thread.
function M.deliver()
  if delivering then return end
  delivering = true
  for i = 1, count do
    local subscription = all[i]
    if subscription then drain(subscription) end
  end
  delivering = false
end

local function compact()
  local kept = 0
  for i = 1, count do
    local subscription = all[i]
    all[i] = nil
    if subscription and subscription.line then
      kept = kept + 1
      all[kept] = subscription
    end
  end
  count = kept
  op.deliver_with(count > 0 and M.deliver or nil)
end

---Ends it: what is queued is told first, nothing afterwards.
function Subscription:stop()
  if not self.line then return end
  if not delivering then drain(self) end
  C.mp_observer_free(ffi.gc(self.line, nil))
  self.line = nil
  if not delivering then compact() end
end

---How many events were dropped, because too many came between two calls.
---@return integer
function Subscription:lost()
  return self.line and tonumber(C.mp_observer_lost(self.line)) or 0
end

local function kinds_of(kinds)
  if type(kinds) == "string" then kinds = { kinds } end
  if type(kinds) ~= "table" or rawget(kinds, 1) == nil then
    errors.misuse("on takes a kind of event, or a list of kinds, got %s",
      type(kinds) == "table" and "an empty list" or "a " .. type(kinds))
  end
  local sum = 0
  for _, name in ipairs(kinds) do
    local one = abi.event[name]
    if not one then
      errors.misuse("there are no events of kind %s%s; there are %s", errors.name(name),
        suggest.hint(name, names), table.concat(names, ", "))
    end
    sum = bit.bor(sum, one)
  end
  return sum
end

local function level_of(level)
  local number = abi.level[level == nil and "info" or level]
  if not number then errors.misuse("a level is trace, debug, info, warning or error, got %s", errors.show(level)) end
  return number
end

---@param root table what the handles of one cluster share
---@param kinds string|string[]
---@param f fun(event: moonpool.Event)
---@param options { level: string|nil, capacity: integer|nil }|nil
---@return moonpool.Subscription
function M.on(root, kinds, f, options)
  if type(f) ~= "function" then errors.misuse("on takes a function to call, got a %s", type(f)) end
  options = option.check("on", options, { level = true, capacity = "number" })
  local wishes = ffi.new "mp_observe_options"
  wishes.size = ffi.sizeof "mp_observe_options"
  wishes.kinds, wishes.level = kinds_of(kinds), level_of(options.level)
  wishes.capacity = options.capacity or 0
  local line = C.mp_observe(root.cluster, wishes, native.no_failure())
  if line == nil then
    local e = errors.take(native.failure)
    e.where = errors.callers_line()
    error(e, 0)
  end
  local made = setmetatable({ line = ffi.gc(line, C.mp_observer_free), f = f }, Subscription)
  root.subscriptions = root.subscriptions or {}
  root.subscriptions[#root.subscriptions + 1] = made
  count = count + 1
  all[count] = made
  if not delivering then compact() end
  return made
end

---What handles have from here.
M.methods = {}

---Calls f with each event of a kind that concerns this database, on this thread: after the call that caused it, or
---the next one that waits. Kinds: statement, transaction, acquire, connect, use, recover, probe, retry, role, breaker,
---audit, notice (what the server says beside its answers), log; or a list of them.
---@param kinds string|string[]
---@param f fun(event: moonpool.Event)
---@param options { level: string|nil, capacity: integer|nil }|nil level: the least of log lines; "info"
---@return moonpool.Subscription
function M.methods:on(kinds, f, options)
  self:_session()
  return M.on(self.root, kinds, f, options)
end

---The cluster's metrics, as Prometheus reads them. What happens is counted from the first call on, or from the
---beginning with `metrics = true` in connect.
---@return string
function M.methods:metrics()
  self:_session()
  local answer = C.mp_cluster_metrics(self.root.cluster)
  local document = ffi.string(C.mp_text_data(answer, native.length), native.length[0])
  C.mp_text_free(answer)
  return document
end

---A handle whose statements bear these tags in a comment, as sqlcommenter has it: `db:tagged { route = "/users" }`.
---Tags that are the same each time leave statements prepared.
---@param tags table<string, string|number|boolean>
---@return moonpool.Handle
function M.methods:tagged(tags)
  if type(tags) ~= "table" or next(tags) == nil then
    errors.misuse 'tagged takes a table of tags: db:tagged { route = "/users" }'
  end
  return self:with { tags = tags }
end

---Takes functions out of the settings of connect: what is left is the engine's.
---@param settings table is changed
---@return table[] what to listen to
function M.take(settings)
  local listeners, log = {}, settings.log
  if type(log) == "function" then log = { to = log } end
  if type(log) == "table" and log.to ~= nil then
    if type(log.to) ~= "function" then errors.misuse("log.to takes a function, got a %s", type(log.to)) end
    level_of(log.level)
    listeners[#listeners + 1] = { "log", log.to, { level = log.level } }
    -- Nothing on stderr before the function is there either.
    local rest = { level = "off" }
    for key, value in pairs(log) do
      if key ~= "to" and key ~= "level" then rest[key] = value end
    end
    settings.log = rest
  end
  if settings.audit ~= nil then
    if type(settings.audit) ~= "function" then
      errors.misuse("audit takes a function, got a %s", type(settings.audit))
    end
    listeners[#listeners + 1] = { "audit", settings.audit }
    settings.audit = nil
  end
  return listeners
end

---@param root table
---@param listeners table[]
function M.begin(root, listeners)
  for _, one in ipairs(listeners) do M.on(root, one[1], one[2], one[3]) end
end

guard.methods(Subscription, Subscription, "a subscription")

return M
