--- Questions about a query as a whole: how many rows, any at all.

local chain = require "moonpool.query.chain"
local expression = require "moonpool.sql.expression"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"
local tree = require "moonpool.sql.tree"

local M = {}

-- Whether `count(*)` may stand in place of the columns: one row for each row that the tables give.
local function is_flat(at)
  if at.set or at.group or at.having or at.distinct or at.limit or at.offset or at.lock then return false end
  for _, column in ipairs(at.columns or {}) do
    -- An expression may aggregate, or give several rows.
    if column.tree and column.tree.bind ~= "query" then return false end
  end
  return true
end

M.COUNT = {
  name = "count",
  build = function(before)
    if is_flat(before) then
      local after = statement.copy(before)
      after.columns, after.unordered = { { text = "count(*)" } }, true
      return after
    end
    local inner, outer = statement.wrap(before)
    inner.unordered = not (inner.limit or inner.offset or inner.distinct)
    outer.columns = { { text = "count(*)" } }
    outer.from = { { tree = inner, at = 0, as = '"counted"', name = '"counted"' } }
    return outer
  end,
}

M.EXISTS = {
  name = "exists",
  build = function(before)
    local inner, outer = statement.wrap(before)
    inner.unordered = not (inner.limit or inner.offset or inner.distinct)
    outer.columns = { { tree = tree.build("test", "exists (", inner, ")"), at = 0, as = '"exists"' } }
    return outer
  end,
}

local OUTSIDE = chain.mark "outside"

-- An aggregate over an expression; item 1 is the expression, item 2 that it is about the query as a table.
local function aggregate_clause(name)
  return {
    name = name,
    build = function(before, items)
      local after
      if is_flat(before) and not items[2] then
        after = statement.copy(before)
      else
        local inner, outer = statement.wrap(before)
        inner.unordered = not (inner.limit or inner.offset or inner.distinct)
        outer.from = { { tree = inner, at = 0, as = '"gathered"', name = '"gathered"' } }
        after = outer
      end
      after.unordered = true
      local place = statement.place(after, tree.build("raw", name .. "(", items[1].shape.tree, ")"))
      place.as = '"' .. name .. '"'
      after.columns = { place }
      return after
    end,
  }
end

local aggregates = {}
for _, name in ipairs { "sum", "avg", "min", "max" } do aggregates[name] = aggregate_clause(name) end

---The query that gives one aggregate of this one's rows.
---@param query moonpool.Select
---@param name string
---@param column string|moonpool.Expression
---@return moonpool.Select
function M.aggregate(query, name, column)
  local item = type(column) == "string" and expression.column(column) or column
  if term.kind(item) ~= "expression" then
    misuse.raise("%s takes a column or an expression, got %s", name, misuse.show(column))
  end
  local at = chain.open(query, name).tree
  local renamed = false
  for _, one in ipairs(at.columns or {}) do renamed = renamed or one.as ~= nil end
  if type(column) == "string" and column:find(".", 1, true) and (renamed or not is_flat(at)) then
    misuse.raise("%s of this query names a column of its result, without the table: %s, not %s", name,
      misuse.show(column:match "[^.]+$"), misuse.show(column))
  end
  -- A column that has a new name is known by it outside the query only.
  return (chain.items(query, aggregates[name], renamed and { item, OUTSIDE } or { item }))
end

return M
