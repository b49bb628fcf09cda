--- One migration at work: what a script's `m` stands on. Its steps run in one transaction until one comes
--- that cannot (an index built concurrently, a backfill). Then what is done is committed together with how
--- far that is, the step runs alone, and the next ones are a transaction again. A run that was cut short is
--- taken up behind the last step that was written down; reading steps are not counted and run again.

local abandoned = require "moonpool.core.abandoned"
local native = require "moonpool.core.ffi"

local M = {}

---@class moonpool.migrate.Work
---@field file moonpool.migrate.File
---@field done integer steps that an earlier run has written down
---@field count integer steps met so far
---@field tx moonpool.Handle|nil
local Work = {}
Work.__index = Work

---@class moonpool.migrate.Context
---@field db moonpool.Handle pinned to its connection
---@field ledger moonpool.migrate.Ledger
---@field lock moonpool.migrate.Lock
---@field patience number seconds that a statement waits for a lock
---@field index_patience number the same for an index that is built or dropped concurrently
---@field talk fun(line: string)

---@param context moonpool.migrate.Context
---@param file moonpool.migrate.File
---@param direction "up"|"down"
---@param transaction boolean
---@param entry { state: string, step: integer }|nil what the ledger says of an earlier run
---@return moonpool.migrate.Work
function M.new(context, file, direction, transaction, entry)
  local under_way = direction == "up" and "running" or "reverting"
  return setmetatable({
    context = context, file = file, direction = direction, transaction = transaction,
    resumed = entry ~= nil and entry.state == under_way,
    done = entry and entry.state == under_way and entry.step or 0,
    count = 0, since = native.C.mp_clock(),
  }, Work)
end

local function elapsed(work)
  local now = native.C.mp_clock()
  local seconds = now - work.since
  work.since = now
  return seconds
end

local function note(work, db)
  if work.direction == "up" then
    work.context.ledger:write(db, work.file, "running", work.count, elapsed(work))
  else
    work.context.ledger:mark(db, work.file.version, "reverting", work.count)
  end
end

---Where statements run: the open transaction, or the session where the migration wants none.
---@async
---@return moonpool.Handle
function Work:where()
  if not self.transaction then return self.context.db end
  if not self.tx then
    self.tx = self.context.db:begin()
    self.context.lock:prove(self.tx, self.context.patience)
  end
  return self.tx
end

local function commit(work)
  local tx = work.tx
  work.tx = nil
  tx:commit()
end

-- Everything before this step is made to last, with the number of steps.
local function settle(work)
  work.count = work.count - 1
  note(work, work.tx or work.context.db)
  if work.tx then commit(work) end
  work.count = work.count + 1
end

---A step that runs alone, outside any transaction.
---@async
---@param f fun(db: moonpool.Handle, again: boolean): any `again`: an earlier run may have got into this very step
---@return any what f returned; nil for a step that an earlier run did
function Work:alone(f)
  self.count = self.count + 1
  if self.count <= self.done then return nil end
  settle(self)
  self.context.lock:prove(self.context.db, 0)
  -- A transaction that this very process has forgotten would be waited for in vain.
  abandoned.sweep()
  local result = f(self.context.db, self.resumed and self.count == self.done + 1)
  note(self, self.context.db)
  return result
end

---A step of the migration's transaction.
---@async
---@param f fun(db: moonpool.Handle): any
---@return any
function Work:step(f)
  if not self.transaction then return self:alone(f) end
  self.count = self.count + 1
  if self.count <= self.done then return nil end
  return f(self:where())
end

---Writes the end into the ledger and commits.
---@async
function Work:finish()
  self.transaction = true
  local db = self:where()
  if self.direction == "up" then
    self.context.ledger:write(db, self.file, "applied", self.count, elapsed(self))
  else
    self.context.ledger:remove(db, self.file.version)
  end
  commit(self)
end

---Undoes what was not made to last.
---@async
function Work:abandon()
  local tx = self.tx
  self.tx = nil
  if tx then tx:rollback() end
end

return M
