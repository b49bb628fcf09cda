--- `limit` and `offset`. Both travel as parameters, so pages of every size share one text.

local chain = require "moonpool.query.chain"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"
local tree = require "moonpool.sql.tree"

local M = {}

local function clause(name)
  return {
    name = name,
    build = function(before)
      local after = statement.copy(before)
      after[name] = statement.place(after, tree.VALUE)
      if name == "limit" and before.keyset and before.keyset.backward then after.backward = true end
      return after
    end,
  }
end

M.LIMIT = clause "limit"
M.OFFSET = clause "offset"

-- The limit of a terminal like `first`: it stays inside a limit that is there already.
local ATMOST = {
  name = "limit",
  build = function(before)
    local after = statement.copy(before)
    after.limit = statement.place(after, tree.VALUE)
    return after
  end,
}

---@param query moonpool.Builder
---@param which moonpool.query.Clause
---@param count integer
function M.set(query, which, count)
  chain.open(query, which.name)
  if type(count) ~= "number" or count < 0 or count % 1 ~= 0 or count > 2 ^ 53 then
    misuse.raise("%s takes a whole number of rows, got %s", which.name, misuse.show(count))
  end
  return (chain.value(query, which, count))
end

---No more rows than the caller will look at.
---@param query moonpool.Builder
---@param count integer
function M.at_most(query, count)
  if query.shape.tree.limit then return query end
  return (chain.value(query, ATMOST, count))
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render(out, at, base)
  if at.limit then
    out:put " limit "
    out:item(at.limit, base)
  end
  if at.offset then
    out:put " offset "
    out:item(at.offset, base)
  end
end

return M
