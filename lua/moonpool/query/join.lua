--- Joins, lateral ones among them.

local chain = require "moonpool.query.chain"
local condition = require "moonpool.sql.condition"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local source = require "moonpool.query.source"
local statement = require "moonpool.query.statement"

local M = {}

local USING, TRUE = chain.mark "using", chain.mark "on true"

-- Items: the table; then a condition, or USING and names, or TRUE, or nothing (cross join).
local function clause(name, sql)
  return {
    name = name,
    build = function(before, items)
      local after = statement.copy(before)
      local join = { word = sql, source = source.place(after, items[1]) }
      if items[2] == USING then
        join.using = {}
        for i = 3, #items do join.using[i - 2] = identifier.single(items[i], "a column of using") end
      elseif items[2] == TRUE then
        join.always = true
      elseif items[2] then
        join.on = statement.place(after, items[2].shape.tree)
      end
      after.joins = statement.append(before.joins, { join })
      return after
    end,
  }
end

local kinds = {
  join = clause("join", " join "),
  left_join = clause("left_join", " left join "),
  right_join = clause("right_join", " right join "),
  full_join = clause("full_join", " full join "),
  cross_join = clause("cross_join", " cross join "),
  lateral = clause("lateral", " join lateral "),
  left_lateral = clause("left_lateral", " left join lateral "),
}

---`join`, `left_join`, `right_join`, `full_join`: a table and what it is joined on.
---@param query moonpool.Builder
---@param kind string
---@param given any
---@param on any SQL text with its parameters, a condition, or { using = "column" }
---@param ... any
function M.on(query, kind, given, on, ...)
  chain.open(query, kind)
  local word = source.word(kind, given)
  if type(on) == "table" and getmetatable(on) == nil and on.using ~= nil and next(on) == "using"
    and next(on, "using") == nil then
    local names = type(on.using) == "table" and on.using or { on.using }
    local items = { word, USING }
    for i = 1, #names do items[2 + i] = names[i] end
    if #items == 2 then misuse.raise("using of %s names no column", kind) end
    return (chain.items(query, kinds[kind], items))
  elseif on == nil then
    misuse.raise('%s needs to know what it joins on: %s("orders o", "o.user_id = u.id"); '
      .. 'a product of both is cross_join', kind, kind)
  end
  local test = condition.given(kind, on, ...)
  if test == condition.EMPTY then misuse.raise("the condition of %s came out empty", kind) end
  return (chain.items(query, kinds[kind], { word, test }))
end

---Joins of update and delete, which need a table to join to.
---@param query moonpool.Builder
---@param kind string
---@param clause_name string "from" or "using"
---@param ... any
function M.behind(query, kind, clause_name, ...)
  if not chain.open(query, kind).tree.from then
    misuse.raise("%s here joins to a table that :%s named; say :%s(\"table\") first", kind, clause_name, clause_name)
  end
  return M.on(query, kind, ...)
end

---@param query moonpool.Builder
---@param given any
function M.cross(query, given)
  chain.open(query, "cross_join")
  return (chain.items(query, kinds.cross_join, { source.word("cross_join", given) }))
end

---`lateral`, `left_lateral`: a query that sees the tables before it.
---@param query moonpool.Builder
---@param kind string
---@param given any
---@param on any
---@param ... any
function M.lateral(query, kind, given, on, ...)
  chain.open(query, kind)
  local word = source.word(kind, given)
  if type(word) == "string" then
    misuse.raise("%s needs a query with a name, got the table %s", kind, misuse.show(word))
  end
  if on == nil then return (chain.items(query, kinds[kind], { word, TRUE })) end
  return (chain.items(query, kinds[kind], { word, condition.given(kind, on, ...) }))
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render(out, at, base)
  if not at.joins then return end
  out:list(at.joins, "", base, function(_, join)
    out:put(join.word)
    source.render(out, join.source, base)
    if join.using then
      out:put(" using (" .. table.concat(join.using, ", ") .. ")")
    elseif join.always then
      out:put " on true"
    elseif join.on then
      out:put " on "
      out:item(join.on, base)
    end
  end)
end

return M
