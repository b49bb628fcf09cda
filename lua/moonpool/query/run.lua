--- The only file that speaks to a database: a query becomes text and parameters, and goes through the
--- handle that it was built on.
---
--- A handle is anything with `_run { sql, params, n, route, consistency, timeout, idempotent }`; what `cached` and
--- `invalidates` ask for is for handles of the core alone.

local args = require "moonpool.query.args"
local misuse = require "moonpool.sql.misuse"
local result_cache = require "moonpool.core.result_cache"
local rows = require "moonpool.core.rows"
local stored = require "moonpool.query.stored"
local writer = require "moonpool.sql.writer"
require "moonpool.query.render" -- tells the writer how statements are written

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

local function send(query, runner, sql, params, n, first, fresh)
  local options, tree = query.options or {}, query.shape.tree
  local consistency = options.consistency
  if fresh and consistency ~= "eventual" then consistency = "strong" end
  local primary = tree.kind ~= "select" or tree.writes or consistency == "strong"
  return runner:_run {
    sql = sql, params = params, n = n, route = primary and "write" or "read",
    consistency = consistency, timeout = options.timeout, idempotent = options.idempotent, first = first,
  }
end

-- Rows that will be kept are read where nothing is missing, unless a replica was asked for by name.
local function through_cache(query, runner, cache)
  local wish = query.options.cache
  local sql, params, n = M.compile(query)
  local function ask() return send(query, runner, sql, params, n, nil, true) end
  local result, list, names, tag = cache:through(runner, wish.keys, wish.ttl, sql, params, n, ask)
  return result or stored.new(list, names, { tag = tag })
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
  local cache = options and options.cache and tree.kind == "select" and not tree.writes and result_cache.of(runner)
  local result
  if cache then
    result = through_cache(query, runner, cache)
  else
    result = send(query, runner, M.compile(query))
  end
  if options and options.invalidates then result_cache.invalidate(runner, options.invalidates) end
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
