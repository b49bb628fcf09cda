--- `order by`, and the same turned round.

local chain = require "moonpool.query.chain"
local misuse = require "moonpool.sql.misuse"
local ordering = require "moonpool.sql.ordering"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"

local M = {}

---@class moonpool.query.Order
---@field tree moonpool.sql.Tree the whole entry as it is written
---@field at integer
---@field ordering table|nil what is known of it: inner, name, full, desc, nulls

local function entry_of(item)
  return type(item) == "table" and ordering.expression(item) or item
end

local function clause(name, fresh)
  return {
    name = name,
    item = entry_of,
    build = function(before, items)
      if before.keyset then
        misuse.raise("%s came after after() or before(), which follow the order; put it before them", name)
      end
      local after, placed = statement.copy(before), {}
      for i, item in ipairs(items) do
        local made = ordering.expression(item).shape.tree
        placed[i] = statement.place(after, made)
        placed[i].ordering = made.ordering
      end
      after.order = fresh and placed or statement.append(before.order, placed)
      return after
    end,
  }
end

M.ORDER_BY = clause "order_by"
M.REORDER = clause("reorder", true)

---@param query moonpool.Builder
---@param which moonpool.query.Clause
---@param count integer
---@param first any
---@param ... any
function M.add(query, which, count, first, ...)
  chain.open(query, which.name)
  if count == 0 then misuse.raise("%s needs at least one column", which.name) end
  if count == 1 and type(first) == "table" and not term.kind(first) and not ordering.is_pair(first) then
    if #first == 0 then misuse.raise("%s was given an empty table", which.name) end
    return (chain.items(query, which, first))
  end
  return (chain.call(query, which, count, first, ...))
end

---The direction in which an entry goes, and where its nulls are.
---@param entry moonpool.query.Order
---@param reversed boolean|nil
---@return boolean desc
---@return boolean nulls_first
function M.direction(entry, reversed)
  local known = entry.ordering
  local desc = known.desc
  local first = known.nulls == "first" or (known.nulls == nil and desc)
  if reversed then return not desc, not first end
  return desc, first
end

---Raises unless every entry of the order is one whose direction is known.
---@param at moonpool.query.Statement
---@param method string
function M.known(at, method)
  if not at.order then misuse.raise("%s needs an order; call order_by first", method) end
  for _, entry in ipairs(at.order) do
    if not entry.ordering then
      misuse.raise("%s must know each direction of the order; give an expression as "
        .. "{ moonpool.raw(...), \"desc\" }", method)
    end
  end
end

---The clause that turns an order round.
M.REVERSE = {
  name = "last",
  build = function(before)
    M.known(before, "last")
    local after = statement.copy(before)
    after.reversed = not before.reversed
    return after
  end,
}

local function write_reversed(out, entry, base)
  local desc, first = M.direction(entry, true)
  out:tree(entry.ordering.inner, base + entry.at)
  if desc then out:put " desc" end
  if first ~= desc then out:put(first and " nulls first" or " nulls last") end
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render(out, at, base)
  if not at.order or at.unordered then return end
  out:put " order by "
  out:list(at.order, ", ", base, (at.reversed or false) ~= (at.backward or false) and write_reversed or nil)
end

return M
