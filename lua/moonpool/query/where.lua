--- `where` and `having`: each call adds a condition, and all of them must hold.

local chain = require "moonpool.query.chain"
local condition = require "moonpool.sql.condition"
local keyset = require "moonpool.query.keyset"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"

local M = {}

local function clause(name, list)
  return {
    name = name,
    list = list,
    build = function(before, items)
      if before.set then
        misuse.raise('%s after union, intersect or except has no table to look at; name the whole: '
          .. 'db:from(query:as "t"):%s(...)', name, name)
      end
      local after = statement.copy(before)
      after[list] = statement.append(before[list], { statement.place(after, items[1].shape.tree) })
      return after
    end,
  }
end

M.WHERE = clause("where", "where")
M.HAVING = clause("having", "having")

---Adds a condition. One that was made from nothing is left out; where the statement changes rows it is refused.
---@param query moonpool.Builder
---@param which moonpool.query.Clause
---@param given any
---@param ... any
function M.add(query, which, given, ...)
  chain.open(query, which.name)
  local test = condition.given(which.name, given, ...)
  if test == condition.EMPTY then
    local kind = chain.open(query, which.name).tree.kind
    if kind == "update" or kind == "delete" then
      misuse.raise("the condition of this %s came out empty (every value in its table is nil); "
        .. "it would touch every row: say :every_row() if that is meant", kind)
    end
    return query
  end
  return (chain.term(query, which, test))
end

---`where_named("age > :least", { least = 18 })`.
---@param query moonpool.Builder
---@param text string
---@param values table<string, any>
function M.named(query, text, values)
  chain.open(query, "where_named")
  if type(text) ~= "string" or type(values) ~= "table" then
    misuse.raise("where_named needs SQL and a table of its values, got %s and %s",
      misuse.show(text), misuse.show(values))
  end
  return M.add(query, M.WHERE, text, values)
end

---The clause that says that every row is meant.
M.EVERY_ROW = {
  name = "every_row",
  build = function(before)
    local after = statement.copy(before)
    after.every_row = true
    return after
  end,
}

local apart = { any = true, raw = true, query = true }

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
---@param which moonpool.query.Clause
function M.render(out, at, base, which)
  local list = at[which.list] or {}
  local after = which == M.WHERE and at.keyset and keyset.tests(at) or {}
  if #list + #after == 0 then return end
  local alone = #list + #after == 1
  out:put(" " .. which.name .. " ")
  for i = 1, #list + #after do
    local place = list[i] or after[i - #list]
    local fence = not alone and apart[place.tree.bind]
    out:put(i > 1 and " and " or "")
    out:put(fence and "(" or "")
    out:tree(place.tree, base + place.at)
    out:put(fence and ")" or "")
  end
end

return M
