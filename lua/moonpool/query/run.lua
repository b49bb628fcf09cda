--- The only file that speaks to a database: a query becomes text and parameters, and goes through the
--- handle that it was built on.
---
--- A handle is anything with `_run { sql, params, n, route, consistency, timeout, idempotent }`. Where it has a cache
--- (`handle:_cache()` gives one with `get(key)`, `set(key, value, ttl)`, `invalidate(keys)`), `cached` and
--- `invalidates` use it; a transaction's cache is its own business, which is to wait for the commit.

local args = require "moonpool.query.args"
local misuse = require "moonpool.sql.misuse"
local rows = require "moonpool.core.rows"
local stored = require "moonpool.query.stored"
local walk = require "moonpool.core.walk"
local writer = require "moonpool.sql.writer"
require "moonpool.query.render" -- tells the writer how statements are written

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

-- A shape that is asked for again has its collector written.
local function collect_slowly(query, compiled)
  if compiled.collect == nil then
    compiled.uses = (compiled.uses or 0) + 1
    if compiled.uses > 2 then
      compiled.collect = args.collector(query.args, compiled.number, compiled.count) or false
    end
  end
  return args.flatten(query.args, compiled.number)
end

---The statement's text and parameters.
---@param query moonpool.Builder
---@return string
---@return any[]
---@return integer n
function M.compile(query)
  local shape = query.shape
  local compiled = shape.compiled
  if not compiled then
    compiled = writer.render(shape.tree)
    shape.compiled = compiled
  end
  local options = query.options
  local text = compiled.text
  if options and options.tag then text = text .. options.tag end
  local collect = compiled.collect
  if collect then return text, collect(query.args), compiled.count end
  return text, collect_slowly(query, compiled), compiled.count
end

local function send(query, runner, sql, params, n, first)
  local options, tree = query.options or {}, query.shape.tree
  local primary = tree.kind ~= "select" or tree.writes or options.consistency == "strong"
  return runner:_run {
    sql = sql, params = params, n = n, route = primary and "write" or "read",
    consistency = options.consistency, timeout = options.timeout, idempotent = options.idempotent, first = first,
  }
end

local function cache_of(runner)
  local find = runner._cache
  return find and find(runner) or nil
end

local function through_cache(query, runner, cache)
  local wish = query.options.cache
  local found = cache:get(wish.key)
  if not found then
    local result = send(query, runner, M.compile(query))
    found = { rows = result:all(), names = stored.names(result) }
    cache:set(wish.key, found, wish.ttl)
  end
  -- What is kept stays as it is, whatever a caller does to a row.
  local copies = {}
  for i = 1, #found.rows do
    copies[i] = setmetatable({}, getmetatable(found.rows[i]))
    for name, value in pairs(found.rows[i]) do copies[i][name] = value end -- order-free: a copy
  end
  return stored.new(copies, found.names)
end

---The handle that a query was built on.
---@param query moonpool.Builder
---@return any
function M.runner(query)
  local runner = query.runner
  if type(runner) ~= "table" or not runner._run then
    misuse.raise "this query belongs to no database; build it from a handle: db:from(...)"
  end
  return runner
end

---Runs a query.
---@async
---@param query moonpool.Builder
---@return moonpool.Result|moonpool.StoredResult
function M.run(query)
  local runner, options, tree = M.runner(query), query.options, query.shape.tree
  local result
  if options and options.cache and tree.kind == "select" and not tree.writes then
    local cache = cache_of(runner)
    if cache then result = through_cache(query, runner, cache) end
  end
  result = result or send(query, runner, M.compile(query))
  if options and options.invalidates then
    local cache = cache_of(runner)
    if cache then cache:invalidate(options.invalidates) end
  end
  if tree.backward then return stored.reversed(result) end
  return result
end

---The first row of a query, on the shortest way.
---@async
---@param query moonpool.Builder
---@return table|nil
function M.first(query)
  local options = query.options
  local kept = options and (options.cache or options.invalidates)
  if query.shape.tree.backward or kept then return M.run(query):first() end
  local sql, params, n = M.compile(query)
  local row = send(query, M.runner(query), sql, params, n, true)
  -- Whoever stands in for a handle may know results only.
  if rows.is_result(row) then return row:first() end
  return row
end

---Opens a cursor on a query.
---@async
---@param query moonpool.Select
---@return moonpool.Stream
function M.stream(query)
  local runner, options, tree = M.runner(query), query.options or {}, query.shape.tree
  if tree.backward then
    misuse.raise "stream cannot turn rows round; order them the other way and go on after the key"
  end
  if tree.writes or options.consistency == "strong" then return runner:stream(query) end
  return runner:read_stream(query)
end

---Runs text made from a query, on the same terms.
---@async
---@param query moonpool.Builder
---@param prefix string what is written before the statement
---@return moonpool.Result
function M.prefixed(query, prefix)
  local sql, params, n = M.compile(query)
  return send(query, query.runner, prefix .. sql, params, n)
end

return M
