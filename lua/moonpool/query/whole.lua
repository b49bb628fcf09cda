--- Questions about a query as a whole: how many rows, any at all.

local statement = require "moonpool.query.statement"
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

return M
