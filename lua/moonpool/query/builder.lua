--- What every builder can do, whatever it builds.

local chain = require "moonpool.query.chain"
local explain = require "moonpool.query.explain"
local expression = require "moonpool.sql.expression"
local misuse = require "moonpool.sql.misuse"
local options = require "moonpool.query.options"
local run = require "moonpool.query.run"
local term = require "moonpool.sql.term"
local walk = require "moonpool.core.walk"
local with = require "moonpool.query.with"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

---@class moonpool.Builder
local Builder = {}

---The statement's text and its parameters. NULL among them is `moonpool.null`.
---@return string sql
---@return any[] params
function Builder:to_sql()
  chain.open(self, "to_sql")
  local text, params = run.compile(self)
  return text, params
end

---A common table expression: `with "name" as (query)`. Options: `materialized`, `columns`.
---@generic T: moonpool.Builder
---@param self T
---@param name string
---@param query moonpool.Builder|moonpool.Expression
---@param settings { materialized: boolean?, columns: string[]? }|nil
---@return T
function Builder:with(name, query, settings)
  return with.add(self, with.WITH, name, query, settings)
end

---The same where the query may name itself, or another of the expressions.
---@generic T: moonpool.Builder
---@param self T
---@param name string
---@param query moonpool.Builder|moonpool.Expression
---@param settings { materialized: boolean?, columns: string[]? }|nil
---@return T
function Builder:with_recursive(name, query, settings)
  return with.add(self, with.WITH_RECURSIVE, name, query, settings)
end

---The query under a name, as a table for `from` and `join` or a column for `select`.
---@param name string
---@return moonpool.Alias
function Builder:as(name)
  chain.open(self, "as")
  return expression.alias(self, name)
end

---What f makes of this query. A condition in place of the function is added with `where`.
---@param f fun(query: moonpool.Builder, ...: any): moonpool.Builder
---@param ... any
---@return any
function Builder:scope(f, ...)
  chain.open(self, "scope")
  local kind = term.kind(f)
  if kind == "condition" or kind == "expression" then return self:where(f) end
  if type(f) ~= "function" then misuse.raise("scope needs a function or a condition, got %s", misuse.show(f)) end
  local made = f(self, ...)
  if term.kind(made) ~= "query" then
    misuse.raise("the function of scope must return a query, got %s", misuse.show(made))
  end
  return made
end

---Gives up when this time has passed: "2s", "250ms", or seconds.
---@generic T: moonpool.Builder
---@param self T
---@param limit string|number
---@return T
function Builder:timeout(limit)
  chain.open(self, "timeout")
  return options.timeout(self, limit)
end

---Says that running it twice does no harm: it may be repeated when an answer was lost.
---@generic T: moonpool.Builder
---@param self T
---@return T
function Builder:idempotent()
  chain.open(self, "idempotent")
  return options.idempotent(self)
end

---Reads from the primary.
---@generic T: moonpool.Builder
---@param self T
---@return T
function Builder:use_primary()
  chain.open(self, "use_primary")
  return options.consistency(self, "strong")
end

---Reads from a replica that may lag behind this handle's own writes. What writes or locks goes to the primary
---all the same.
---@generic T: moonpool.Builder
---@param self T
---@return T
function Builder:use_replica()
  chain.open(self, "use_replica")
  return options.consistency(self, "eventual")
end

---Writes these tags as a comment behind the statement, for the server's log.
---@generic T: moonpool.Builder
---@param self T
---@param tags table<string, string|number|boolean>
---@return T
function Builder:tagged(tags)
  chain.open(self, "tagged")
  return options.tagged(self, tags)
end

---Forgets these keys of the cache when the statement has run (in a transaction: when it has committed).
---@generic T: moonpool.Builder
---@param self T
---@param ... string
---@return T
function Builder:invalidates(...)
  chain.open(self, "invalidates")
  return options.invalidates(self, ...)
end

---The server's plan. Options: `analyze` (runs the statement), `verbose`, `buffers`, `costs`, `settings`, `summary`,
---`timing`, `wal` (booleans), `format` ("text", "json", "xml", "yaml"). Text, or a table for json.
---@async
---@param settings table|nil
---@return string|table
function Builder:explain(settings)
  chain.open(self, "explain")
  return explain.run(self, settings)
end

---Gives a class these methods.
---@param class table
function M.mix_into(class)
  for name, method in pairs(Builder) do class[name] = method end -- order-free: a table of functions
  chain.as_term(class)
end

return M
