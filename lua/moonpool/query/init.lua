--- Queries as chains: `db:from "users" :where { name = "Ann" } :all()`. This is where a chain begins.

local chain = require "moonpool.query.chain"
local Delete = require "moonpool.query.delete"
local from = require "moonpool.query.from"
local identifier = require "moonpool.sql.identifier"
local Insert = require "moonpool.query.insert"
local misuse = require "moonpool.sql.misuse"
local Select = require "moonpool.query.select"
local shape = require "moonpool.sql.shape"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"
local Update = require "moonpool.query.update"
local with = require "moonpool.query.with"

local M = {}

---A chain that has common table expressions and nothing else yet.
---@class moonpool.With
local With = chain.class "with"

local root = shape.root()
root.tree = statement.new "with"

-- The handle must be one: `db.from "users"` comes with the name in its place.
local function begin(runner, method)
  if type(runner) ~= "table" or term.kind(runner) then
    misuse.raise("%s was called with a dot; write db:%s(...) with a colon, not db.%s(...)", method, method, method)
  end
  return (setmetatable({ runner = runner, shape = root, args = false, options = false, n = 0 }, With))
end

local function becomes(query, class)
  return (setmetatable(query, class))
end

local function starter(name, kind)
  return {
    name = name,
    build = function(before, items)
      local after = statement.copy(before)
      after.kind, after.writes = kind, true
      if type(items[1]) ~= "string" then misuse.raise("%s needs a table's name, got a query or an expression", name) end
      local path, alias = identifier.table(items[1])
      after.target = { text = alias and path.text .. " as " .. alias or path.text, table = path.text }
      return after
    end,
  }
end

-- What else was given would be lost without a word.
local function alone(method, more, instead)
  if more > 0 then misuse.raise("%s takes a table's name and nothing else; go on with %s", method, instead) end
end

local INSERT = starter("insert_into", "insert")
local UPDATE = starter("update", "update")
local DELETE = starter("delete_from", "delete")

local SELECT = {
  name = "from",
  build = function(before, items)
    local after = statement.copy(before)
    after.kind = "select"
    return from.FROM.build(after, items)
  end,
}

---Begins a select: a table (`"users"`, `"users u"`, `"billing.orders"`), or a query or expression with a name.
---@param table string|moonpool.Alias|moonpool.Select|moonpool.Expression
---@param alias string|nil
---@return moonpool.Select
function With:from(table, alias)
  return (becomes(from.add(self, SELECT, table, alias), Select))
end

---@param table string
---@return moonpool.Insert
function With:insert_into(table) return (becomes(chain.call(self, INSERT, 1, table), Insert)) end

---@param table string
---@return moonpool.Update
function With:update(table) return (becomes(chain.call(self, UPDATE, 1, table), Update)) end

---@param table string
---@return moonpool.Delete
function With:delete_from(table) return (becomes(chain.call(self, DELETE, 1, table), Delete)) end

---@param name string
---@param query moonpool.Builder|moonpool.Expression
---@param settings { materialized: boolean?, columns: string[]? }|nil
---@return moonpool.With
function With:with(name, query, settings) return with.add(self, with.WITH, name, query, settings) end

---@param name string
---@param query moonpool.Builder|moonpool.Expression
---@param settings { materialized: boolean?, columns: string[]? }|nil
---@return moonpool.With
function With:with_recursive(name, query, settings)
  return with.add(self, with.WITH_RECURSIVE, name, query, settings)
end

---@param runner any a handle
---@param table string|moonpool.Alias|moonpool.Select|moonpool.Expression
---@param alias string|nil
---@return moonpool.Select
function M.from(runner, table, alias) return (begin(runner, "from"):from(table, alias)) end

---@param runner any a handle
---@param table string
---@param ... nil
---@return moonpool.Insert
function M.insert_into(runner, table, ...)
  alone("insert_into", select("#", ...), ":values { … }")
  return (begin(runner, "insert_into"):insert_into(table))
end

---@param runner any a handle
---@param table string
---@param ... nil
---@return moonpool.Update
function M.update(runner, table, ...)
  alone("update", select("#", ...), ":set { … }:where { … }")
  return (begin(runner, "update"):update(table))
end

---@param runner any a handle
---@param table string
---@param ... nil
---@return moonpool.Delete
function M.delete_from(runner, table, ...)
  alone("delete_from", select("#", ...), ":where { … }")
  return (begin(runner, "delete_from"):delete_from(table))
end

---@param runner any a handle
---@param name string
---@param query moonpool.Builder|moonpool.Expression
---@param settings { materialized: boolean?, columns: string[]? }|nil
---@return moonpool.With
function M.with(runner, name, query, settings) return (begin(runner, "with"):with(name, query, settings)) end

---@param runner any a handle
---@param name string
---@param query moonpool.Builder|moonpool.Expression
---@param settings { materialized: boolean?, columns: string[]? }|nil
---@return moonpool.With
function M.with_recursive(runner, name, query, settings)
  return begin(runner, "with_recursive"):with_recursive(name, query, settings)
end

return M
