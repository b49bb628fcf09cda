--- Results too large to hold: read off the server as the loop asks for rows, some hundred at a time.

local abandoned = require "moonpool.core.abandoned"
local ffi = require "ffi"
local errors = require "moonpool.core.error"
local guard = require "moonpool.core.guard"
local misname = require "moonpool.core.misname"
local native = require "moonpool.core.ffi"
local rows = require "moonpool.core.rows"
local run = require "moonpool.core.run"

local C = native.C

local M = {}

---@class moonpool.Stream
---@field private line ffi.cdata*|nil the engine's stream; nil when all is read
---@field private codec moonpool.Codec
---@field private session ffi.cdata* where types that are not known yet are asked about
---@field private route integer
---@field private memory table where the shape of its rows is remembered
---@field private result moonpool.Result|nil the rows at hand
---@field private next integer
local Stream = {}
Stream.__index = Stream

---Wraps a stream of the engine, which belongs to the wrapper from here on.
---@param line ffi.cdata*
---@param codec moonpool.Codec
---@param memory table
---@param session ffi.cdata* what it was opened on
---@param route integer
---@return moonpool.Stream
function M.wrap(line, codec, memory, session, route)
  local stream = setmetatable({
    line = ffi.gc(line, C.mp_stream_free), codec = codec, memory = memory, session = session, route = route, next = 1,
  }, Stream)
  abandoned.add(stream)
  return stream
end

local function close(stream)
  local line = stream.line
  if not line then return end
  stream.line = nil
  abandoned.remove(stream)
  C.mp_stream_free(ffi.gc(line, nil))
end

-- The next rows, or nil at the end.
local function fetch(stream)
  if not stream.line then return nil end
  local ok, handle = pcall(run.ended, C.mp_stream_next(stream.line, 0))
  if not ok then
    close(stream)
    error(handle, 0)
  end
  local one = C.mp_op_result(handle, 0)
  C.mp_op_free(ffi.gc(handle, nil))
  local result = one ~= nil and rows.wrap(one, stream.codec, stream.memory, stream.session, stream.route) or nil
  if not result or result:count() == 0 then
    close(stream)
    return nil
  end
  return result
end

local function next_row(stream)
  local result, i = stream.result, stream.next
  if not result or i > result:count() then
    result, i = fetch(stream), 1
    stream.result = result
    if not result then return nil end
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

---Reads no further. The server is told to stop.
function Stream:close()
  close(self)
  self.result = nil
end

guard.methods(Stream, Stream, "a stream")

Stream.__walked = "a stream"
-- `for row in stream do`
function Stream.__call()
  errors.misuse "a stream is walked by each(): for row in stream:each() do … end"
end

-- What results have, and what is read once cannot have.
local whole = "db:query(…), which holds all rows; or walk: for row in stream:each() do"
local meant = { all = whole, first = whole, one = whole, scalar = whole, column = whole, pairs = whole, map = whole,
  count = whole, rows = "for row in stream:each() do", next = "for row in stream:each() do" }

-- Its own fields are asked for while they are nil.
local own = { line = true, result = true }
setmetatable(Stream, { __index = function(methods, name)
  if own[name] then return nil end
  return misname.check_meant("a stream has no", name, meant, methods)
end })

return M
