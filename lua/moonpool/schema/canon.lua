--- Normal form without a scratch database: the server prints an expression once it stands on a temporary table like
--- the real one, in a transaction that is rolled back. What cannot be brought there (rules, policies with other
--- tables, routines) keeps its text; the scratch database knows better, and is asked where one can be made.

local names = require "moonpool.schema.names"

local M = {}

local TABLE, NAME = "moonpool_canon", "moonpool_canon_check"

local function table_of(set, fact)
  local host = fact.parent and set:get(fact.parent)
  if fact.kind == "default" then host = host and set:get(host.parent) end
  return host and (host.kind == "table" or host.kind == "matview" or host.kind == "foreign_table") and host or nil
end

-- What a condition on the rows of a table reads like once it is a check of it.
local function as_check(expression, attr)
  return { ("ALTER TABLE pg_temp.%s ADD CONSTRAINT %s CHECK (%s)"):format(TABLE, NAME, expression) },
    ("SELECT pg_get_expr(conbin, conrelid) AS text FROM pg_constraint "
      .. "WHERE conrelid = 'pg_temp.%s'::regclass AND conname = '%s'"):format(TABLE, NAME), attr, true
end

-- Makes the text part of something, and the query that prints it again.
local WAYS = {}

function WAYS.view(fact)
  return { ("CREATE TEMPORARY VIEW %s AS %s"):format(TABLE, fact.attrs.definition) },
    ("SELECT pg_get_viewdef('pg_temp.%s'::regclass) AS text"):format(TABLE), "definition"
end
WAYS.matview = WAYS.view

function WAYS.constraint(fact, set)
  if fact.attrs.type ~= "check" then return end
  local host = set:get(fact.parent)
  if host.kind ~= "domain" then return as_check(fact.attrs.expression, "expression") end
  return { ("CREATE DOMAIN pg_temp.%s AS %s CONSTRAINT %s CHECK (%s)"):format(TABLE, host.attrs.type, NAME,
    fact.attrs.expression) },
    ("SELECT pg_get_expr(conbin, 0) AS text FROM pg_constraint "
      .. "WHERE contypid = 'pg_temp.%s'::regtype AND conname = '%s'"):format(TABLE, NAME), "expression"
end

-- One of its two texts; a policy that differs in both keeps the other.
function WAYS.policy(fact)
  if fact.attrs.using then return as_check(fact.attrs.using, "using") end
  return as_check(fact.attrs.check, "check")
end

WAYS["default"] = function(fact)
  return { ("ALTER TABLE pg_temp.%s ALTER COLUMN %s SET DEFAULT %s"):format(TABLE, names.quote(fact.name),
    fact.attrs.expression) },
    ("SELECT pg_get_expr(adbin, adrelid) AS text FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND "
      .. "a.attnum = d.adnum WHERE adrelid = 'pg_temp.%s'::regclass AND attname = %s"):format(TABLE,
        names.literal(fact.name)),
    "expression", true
end

function WAYS.index(fact)
  if not fact.attrs.predicate then return end
  return { ("CREATE INDEX %s ON pg_temp.%s ((1)) WHERE %s"):format(NAME, TABLE, fact.attrs.predicate) },
    ("SELECT pg_get_expr(indpred, indrelid) AS text FROM pg_index "
      .. "WHERE indrelid = 'pg_temp.%s'::regclass"):format(TABLE),
    "predicate", true
end

--- The server's own text of a fact's expression, or nil if it cannot be had this way.
---@param db table
---@param set moonpool.schema.FactSet
---@param fact moonpool.schema.Fact
---@return string? text
---@return string? attr
function M.text(db, set, fact)
  local way = WAYS[fact.kind]
  if not way then return nil end
  local statements, query, attr, on_table = way(fact, set)
  if not statements then return nil end
  local host = on_table and table_of(set, fact)
  if on_table and not host then return nil end
  local text
  -- The transaction is left by an error: whatever was made in it is gone.
  local leave = {}
  local ok, failure = pcall(db.transaction, db, function(tx)
    tx:script "SET LOCAL search_path = ''; SET LOCAL TimeZone = 'UTC'"
    if host then
      tx:script(("CREATE TEMPORARY TABLE %s AS SELECT * FROM %s WITH NO DATA"):format(TABLE,
        names.qualified(host.schema, host.name)))
    end
    for _, sql in ipairs(statements) do tx:script(sql) end
    text = tx:query(query):scalar()
    error(leave, 0)
  end, { retries = 0 })
  if not ok and failure == leave and text then return (text:gsub(";$", "")), attr end
  return nil
end

return M
