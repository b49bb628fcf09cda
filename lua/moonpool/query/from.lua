--- `from` and `using`: the tables that a statement reads beside its own.

local chain = require "moonpool.query.chain"
local source = require "moonpool.query.source"
local statement = require "moonpool.query.statement"

local M = {}

local function clause(name)
  return {
    name = name,
    build = function(before, items)
      local after = statement.copy(before)
      after.from = statement.append(before.from, { source.place(after, items[1]) })
      return after
    end,
  }
end

M.FROM = clause "from"
M.USING = clause "using"

---One more table.
---@param query moonpool.Builder
---@param which moonpool.query.Clause
---@param given any
---@param alias string|nil
function M.add(query, which, given, alias)
  chain.open(query, which.name)
  return (chain.call(query, which, 1, source.word(which.name, given, alias)))
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
---@param word string " from " or " using "
function M.render(out, at, base, word)
  if not at.from then return end
  out:put(word)
  out:list(at.from, ", ", base, source.render)
end

return M
