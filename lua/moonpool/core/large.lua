--- What handles have for what does not fit into memory, or should not: streams and COPY.

local abi = require "moonpool.core.abi"
local cache = require "moonpool.core.cache"
local copy = require "moonpool.core.copy"
local errors = require "moonpool.core.error"
local placeholders = require "moonpool.core.placeholders"
local run = require "moonpool.core.run"
local stream = require "moonpool.core.stream"

local WRITE, READ = abi.WRITE, abi.READ
local scan_of, bind = placeholders.scan, placeholders.bind

local M = {}

---Methods of a handle.
---@class moonpool.Handle
M.methods = {}

-- Shapes of statements whose parameters were numbered elsewhere.
local written = cache.new(256)

local function memory_of(sql)
  return written:get(sql) or written:put(sql, {})
end

local function open_stream(self, route, statement, n, ...)
  local session = self:_session()
  if placeholders.is_built(statement) then
    if n > 0 then errors.misuse "a statement that brings its own parameters takes no others" end
    local sql, list, count = placeholders.built(statement)
    local line = run.stream(session, sql, list, count, nil, route)
    return stream.wrap(line, self.codec, memory_of(sql), session, route)
  end
  local scan = scan_of(statement)
  local line = run.stream(session, scan.text, bind(scan, n, ...), scan.n, scan.names, route)
  return stream.wrap(line, self.codec, scan, session, route)
end

---Reads a large result as the loop asks for it, in bounded memory. Outside a transaction it has a connection
---of its own until it ends. Inside one it is a cursor, so its statement must be a query, and other statements
---may run between its rows.
---@async
---@param sql string|table
---@param ... any
---@return moonpool.Stream
function M.methods:stream(sql, ...)
  return open_stream(self, WRITE, sql, select("#", ...), ...)
end

---The same on a replica where one may answer. The statement must only read.
---@async
---@param sql string|table
---@param ... any
---@return moonpool.Stream
function M.methods:read_stream(sql, ...)
  return open_stream(self, READ, sql, select("#", ...), ...)
end

---Stores the rows that f puts, by COPY: `db:copy_in("users", { "email", "name" }, function(put) put("a@x.io", "Ann")
---end)`. All of them or, when anything fails, none. With a COPY statement instead of table and columns, put takes
---strings in its format.
---@async
---@param target string
---@param columns string[]|fun(put: fun(data: string))
---@param f (fun(put: fun(...: any)))|{ timeout: string|number|nil }|nil
---@param options { timeout: string|number|nil }|nil
---@return integer rows how many were stored
function M.methods:copy_in(target, columns, f, options)
  return copy.into(self:_session(), target, columns, f, options)
end

---Reads a table or a query by COPY: `for row in db:copy_out("users"):each() do`, or its text by `:chunks()`.
---@async
---@param target string a table, a query, or a COPY … TO STDOUT statement
---@param options { columns: string[]|nil, format: "text"|"csv"|"binary"|nil, header: boolean|nil, read: boolean|nil,
---  timeout: string|number|nil }|nil
---@return moonpool.CopyOut
function M.methods:copy_out(target, options)
  return copy.out_of(self:_session(), self.codec, target, options)
end

return M
