--- `group by`.

local chain = require "moonpool.query.chain"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"

local M = {}

local GROUP_BY = {
  name = "group_by",
  build = function(before, items)
    if before.set then misuse.raise "group_by after union, intersect or except has no table to look at" end
    local after, placed = statement.copy(before), {}
    for i, item in ipairs(items) do
      if type(item) == "string" then
        placed[i] = { text = identifier.column(item).text }
      elseif term.kind(item) == "expression" then
        placed[i] = statement.place(after, item.shape.tree)
      else
        misuse.raise("group_by takes columns and expressions, got a %s", term.kind(item))
      end
    end
    after.group = statement.append(before.group, placed)
    return after
  end,
}

---@param query moonpool.Builder
---@param count integer
---@param first any
---@param ... any
function M.add(query, count, first, ...)
  chain.open(query, "group_by")
  if count == 0 then misuse.raise "group_by needs at least one column" end
  if count == 1 and type(first) == "table" and not term.kind(first) then
    if #first == 0 then misuse.raise "group_by was given an empty table" end
    return (chain.call(query, GROUP_BY, #first, unpack(first)))
  end
  return (chain.call(query, GROUP_BY, count, first, ...))
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render(out, at, base)
  if not at.group then return end
  out:put " group by "
  out:list(at.group, ", ", base)
end

return M
