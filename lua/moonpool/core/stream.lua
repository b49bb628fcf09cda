--- Results too large to hold: read through a cursor, a handful of rows at a time.

local abandoned = require "moonpool.core.abandoned"
local errors = require "moonpool.core.error"

local M = {}

---How many rows are fetched in one round trip.
M.BATCH = 1000

---@class moonpool.Stream
---@field private tx moonpool.Handle|nil what the cursor lives in; nil when all is read
---@field private own boolean the transaction is the stream's own
---@field private name string
---@field private result moonpool.Result|nil
---@field private next integer
local Stream = {}
Stream.__index = Stream

local count = 0

local function close(stream, commit)
  local tx = stream.tx
  stream.tx = nil
  abandoned.remove(stream)
  if not tx then return end
  if stream.own then
    if commit then tx:commit() else tx:rollback() end
  else
    tx:exec("close " .. stream.name)
  end
end

local function fetch(stream)
  local result = stream.tx:query(("fetch %d from %s"):format(M.BATCH, stream.name))
  stream.result, stream.next = result, 1
  if result:count() < M.BATCH then close(stream, true) end
end

---@async
---@param parent moonpool.Handle
---@param options table|nil of the transaction
---@param sql string
---@param ... any
---@return moonpool.Stream
function M.open(parent, options, sql, ...)
  if type(sql) ~= "string" then errors.misuse("stream takes a statement, got a %s", type(sql)) end
  local own = not parent:in_transaction()
  local tx = own and parent:begin(options) or parent
  count = count + 1
  local stream = setmetatable({ tx = tx, own = own, name = "moonpool_stream_" .. count }, Stream)
  local ok, e = pcall(tx.exec, tx, ("declare %s no scroll cursor for %s"):format(stream.name, sql), ...)
  if not ok then
    if own then tx:rollback() end
    error(e, 0)
  end
  if own then abandoned.add(stream) end
  fetch(stream)
  return stream
end

local function next_row(stream)
  local result, i = stream.result, stream.next
  if i > result:count() then
    if not stream.tx then return nil end
    fetch(stream)
    result, i = stream.result, stream.next
    if i > result:count() then return nil end
  end
  stream.next = i + 1
  return result:view(i)
end

---Walks over the rows, once: `for row in stream:each() do`. Leaving early is safe; `close` gives the connection
---back at once instead of when the stream is collected.
---@async
---@return fun(stream: moonpool.Stream): moonpool.Row|nil
---@return moonpool.Stream
function Stream:each()
  return next_row, self
end

---Reads no further.
---@async
function Stream:close()
  close(self, false)
  self.next = math.huge
end

return M
