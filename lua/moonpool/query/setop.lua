--- `union`, `intersect`, `except`. What follows (order, limit) belongs to the whole.

local chain = require "moonpool.query.chain"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"

local M = {}

local function clause(name, word)
  return {
    name = name,
    build = function(before, items)
      local inner, after = statement.wrap(before)
      after.set = { word = word, left = { tree = inner, at = 0 }, right = statement.place(after, items[1].shape.tree) }
      return after
    end,
  }
end

local kinds = {
  union = clause("union", " union "),
  union_all = clause("union_all", " union all "),
  intersect = clause("intersect", " intersect "),
  intersect_all = clause("intersect_all", " intersect all "),
  except = clause("except", " except "),
  except_all = clause("except_all", " except all "),
}

---@param query moonpool.Builder
---@param kind string
---@param other moonpool.Select
function M.add(query, kind, other)
  chain.open(query, kind)
  if term.kind(other) ~= "query" or other.shape.tree.kind ~= "select" then
    misuse.raise("%s needs another select, got %s", kind, misuse.show(other))
  end
  return chain.term(query, kinds[kind], other)
end

-- A side that has clauses of its own after its select stands in parentheses.
local function side(out, place, base)
  local at = place.tree
  local apart = at.set or at.order or at.limit or at.offset or at.lock or at.ctes
  out:put(apart and "(" or "")
  out:tree(at, base + place.at)
  out:put(apart and ")" or "")
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render(out, at, base)
  side(out, at.set.left, base)
  out:put(at.set.word)
  side(out, at.set.right, base)
end

return M
