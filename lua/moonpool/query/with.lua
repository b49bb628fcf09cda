--- Common table expressions: `with "recent" as (…)`.

local chain = require "moonpool.query.chain"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"

local M = {}

local STORED, INLINE, EITHER = chain.mark "materialized", chain.mark "not materialized", chain.mark "either"
local stored = { [STORED] = " as materialized (", [INLINE] = " as not materialized (", [EITHER] = " as (" }

local function clause(name, recursive)
  return {
    name = name,
    -- Items: the name, whether to materialize, the query, then its columns.
    build = function(before, items)
      local after, columns = statement.copy(before), {}
      for i = 4, #items do columns[i - 3] = identifier.single(items[i], "a column of " .. name) end
      local text = identifier.single(items[1], "the name of a common table expression")
      if #columns > 0 then text = text .. " (" .. table.concat(columns, ", ") .. ")" end
      local cte = statement.place(after, items[3].shape.tree)
      cte.head = text .. stored[items[2]]
      after.ctes = statement.append(before.ctes, { cte })
      after.recursive = before.recursive or recursive
      return after
    end,
  }
end

M.WITH = clause("with", nil)
M.WITH_RECURSIVE = clause("with_recursive", true)

---@param query moonpool.Builder
---@param which moonpool.query.Clause
---@param name string
---@param inner moonpool.Builder|moonpool.Expression
---@param options { materialized: boolean?, columns: string[]? }|nil
function M.add(query, which, name, inner, options)
  chain.open(query, which.name)
  if type(name) ~= "string" then misuse.raise("%s needs a name first, got %s", which.name, misuse.show(name)) end
  local kind = term.kind(inner)
  if kind ~= "query" and kind ~= "expression" then
    misuse.raise("%s(%s) needs a query, got %s", which.name, misuse.show(name), misuse.show(inner))
  end
  options = misuse.options(which.name, options, { "materialized", "columns" })
  local how = EITHER
  if options.materialized ~= nil then how = options.materialized and STORED or INLINE end
  local items = { name, how, inner }
  for i = 1, #(options.columns or {}) do items[3 + i] = options.columns[i] end
  return chain.items(query, which, items)
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render(out, at, base)
  if not at.ctes then return end
  out:put(at.recursive and "with recursive " or "with ")
  out:list(at.ctes, ", ", base, function(_, cte)
    out:put(cte.head)
    out:tree(cte.tree, base + cte.at)
    out:put ")"
  end)
  out:put " "
end

return M
