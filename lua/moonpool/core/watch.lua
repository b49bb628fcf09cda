--- What a test sees of what ran: statements to count, and lines of the log to ask for.

local errors = require "moonpool.core.error"
local guard = require "moonpool.core.guard"
local handle = require "moonpool.core.handle"
local option = require "moonpool.core.options"

local M = {}

---@class moonpool.Seen
---@field statement string normalised: literals are ?
---@field statements integer how many it was, of a batch
---@field operation string|nil
---@field node string|nil
---@field rows integer|nil
---@field outcome string|nil "ok", or what became of it
---@field error string|nil
---@field seconds number|nil

---@class moonpool.Watch
---@field private seen moonpool.Seen[]
---@field private log table[]
---@field private subscription table|nil nil once it has stopped
local Watch = {}
Watch.__index = Watch

---Watches what runs on a database from here on, whichever handle it runs on. While somebody watches, lines of the log
---go to the watchers, not to stderr.
---@param db moonpool.Handle
---@param options { level: string|nil }|nil level: the least of lines that are kept; "info"
---@return moonpool.Watch
function M.watch(db, options)
  if not handle.is_handle(db) then errors.misuse("watch takes a database handle, got a %s", type(db)) end
  options = option.check("watch", options, { level = true })
  local watch = setmetatable({ seen = {}, log = {} }, Watch)
  local seen, log = watch.seen, watch.log
  watch.subscription = db:on({ "statement", "log" }, function(event)
    local list = event.kind == "log" and log or seen
    list[#list + 1] = event
  end, { level = options.level, capacity = 65536 })
  return watch
end

-- A subscription that lost events can prove nothing.
local function check(watch)
  local lost = watch.subscription and watch.subscription:lost() or 0
  if lost > 0 then errors.misuse("%d events were dropped; look at a watch more often", lost) end
end

---How many statements ran, those of batches one by one; with a pattern, how many executions of a text that it fits.
---@param pattern string|nil Lua's, for the normalised text: "^insert into orders"
---@return integer
function Watch:count(pattern)
  if pattern ~= nil and type(pattern) ~= "string" then
    errors.misuse("count takes a pattern of Lua's, got %s", errors.show(pattern))
  end
  check(self)
  local n = 0
  for _, event in ipairs(self.seen) do
    if not pattern then
      n = n + (event.statements or 1)
    elseif event.statement and event.statement:find(pattern) then
      n = n + 1
    end
  end
  return n
end

---What ran, in order.
---@return moonpool.Seen[]
function Watch:statements()
  check(self)
  return { unpack(self.seen) }
end

---Lines of the log, in order: all, or those of an event.
---@param event string|nil "pool.leak"
---@return { event: string, level: string, message: string, fields: table<string, string> }[]
function Watch:lines(event)
  check(self)
  local found = {}
  for _, line in ipairs(self.log) do
    if not event or line.event == event then found[#found + 1] = line end
  end
  return found
end

---Forgets what was seen so far.
function Watch:clear()
  for i = #self.seen, 1, -1 do self.seen[i] = nil end
  for i = #self.log, 1, -1 do self.log[i] = nil end
end

---Sees no more; what was seen stays.
function Watch:stop()
  if not self.subscription then return end
  self.subscription:stop()
  self.subscription = nil
end

local function ended(watch, ok, ...)
  watch:stop()
  if not ok then error((...), 0) end
  return watch:count(), ...
end

---How many statements f runs on a database; then what f returned.
---@async
---@param db moonpool.Handle
---@param f fun(): any
---@return integer
---@return any ...
function M.count(db, f)
  if type(f) ~= "function" then errors.misuse("count takes a function, got a %s", type(f)) end
  return ended(M.watch(db), pcall(f))
end

guard.methods(Watch, Watch, "a watch")

return M
