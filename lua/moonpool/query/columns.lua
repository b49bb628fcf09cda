--- What a statement gives back: the columns of `select`, of `returning`, and `distinct`.

local chain = require "moonpool.query.chain"
local expression = require "moonpool.sql.expression"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"

local M = {}

---@class moonpool.query.Column
---@field text string|nil
---@field tree moonpool.sql.Tree|nil
---@field at integer|nil
---@field as string|nil alias, quoted
---@field name string|nil what the column is called in the result, quoted; nil where the server decides

local function place(into, item)
  if type(item) == "string" then
    local path, alias = identifier.selected(item)
    return { text = path.text, as = alias, name = alias or (path.star and "*" or identifier.quote(path.name)) }
  end
  local tree = item.shape.tree
  local kept = statement.place(into, tree.inner or tree)
  return { tree = kept.tree, at = kept.at, as = tree.alias, name = tree.alias }
end

---Items in a statement that is being filled.
---@param into moonpool.query.Statement
---@param items any[]
---@return moonpool.query.Column[]
function M.place(into, items)
  local list = {}
  for i = 1, #items do list[i] = place(into, items[i]) end
  return list
end

local function clause(name, list, fresh)
  return {
    name = name,
    build = function(before, items)
      if list == "columns" and before.set then
        misuse.raise('%s after union, intersect or except changes nothing; name the whole: '
          .. 'db:from(query:as "t"):%s(...)', name, name)
      end
      local after = statement.copy(before)
      local placed = M.place(after, items)
      after[list] = fresh and placed or statement.append(before[list], placed)
      return after
    end,
  }
end

M.SELECT = clause("select", "columns")
M.RESELECT = clause("reselect", "columns", true)
M.RETURNING = clause("returning", "returning")
M.DISTINCT_ON = clause("distinct_on", "distinct", true)

M.DISTINCT = {
  name = "distinct",
  build = function(before)
    local after = statement.copy(before)
    after.distinct = true
    return after
  end,
}

-- A table of columns: its items in their order, then its named ones in the order of their names.
local function listed(method, given)
  local items, names = {}, misuse.names(method, given)
  for i = 1, #given do items[i] = given[i] end
  for _, name in ipairs(names) do
    local item = given[name]
    if type(item) == "string" then item = expression.column(item) end
    if not term.kind(item) or term.kind(item) == "alias" then
      misuse.raise("%s of %s must be a column, an expression or a query, got %s", name, method, misuse.show(item))
    end
    items[#items + 1] = expression.alias(item, name)
  end
  return items
end

---Adds columns: names, expressions, or one table `{ "id", n = moonpool.raw "count(*)" }`.
---@param query moonpool.Builder
---@param which moonpool.query.Clause
---@param count integer
---@param first any
---@param ... any
function M.add(query, which, count, first, ...)
  chain.open(query, which.name)
  if count == 0 then misuse.raise("%s needs at least one column", which.name) end
  if count == 1 and type(first) == "table" and not term.kind(first) then
    local items = listed(which.name, first)
    if #items == 0 then misuse.raise("%s was given an empty table", which.name) end
    return (chain.items(query, which, items))
  end
  return (chain.call(query, which, count, first, ...))
end

local function write(out, column, base)
  local query = column.tree and column.tree.bind == "query"
  out:put(query and "(" or "")
  out:item(column, base)
  out:put(query and ")" or "")
  if column.as then out:put(" as " .. column.as) end
end

---@param out moonpool.sql.Writer
---@param list moonpool.query.Column[]
---@param base integer
function M.render(out, list, base)
  out:list(list, ", ", base, write)
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render_distinct(out, at, base)
  if not at.distinct then return end
  out:put "distinct "
  if at.distinct == true then return end
  out:put "on ("
  out:list(at.distinct, ", ", base, write)
  out:put ") "
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render_returning(out, at, base)
  if not at.returning then return end
  out:put " returning "
  M.render(out, at.returning, base)
end

return M
