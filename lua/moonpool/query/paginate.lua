--- Pages of any order, in both directions, without offsets.
---
--- The values of the order are selected beside the columns, as text, so that a cursor holds them exactly; they
--- are taken out of the rows again.

local chain = require "moonpool.query.chain"
local cursor = require "moonpool.query.cursor"
local keyset = require "moonpool.query.keyset"
local limit = require "moonpool.query.limit"
local misuse = require "moonpool.sql.misuse"
local null = require "moonpool.core.null"
local order = require "moonpool.query.order"
local run = require "moonpool.query.run"
local statement = require "moonpool.query.statement"
local tree = require "moonpool.sql.tree"
local whole = require "moonpool.query.whole"
local writer = require "moonpool.sql.writer"

local M = {}

---@class moonpool.Page
---@field rows table[]
---@field next string|nil the cursor of the next page
---@field previous string|nil the cursor of the page before
---@field size integer
---@field total integer|nil how many rows there are in all, when that was asked for

local KEY = "moonpool_key_"

-- Whether the order can be asked for where the tables are: not of groups, and not of a column's new name.
local function is_flat(at)
  if at.set or at.group or at.having or at.distinct or at.offset then return false end
  for _, column in ipairs(at.columns or {}) do
    -- An expression may aggregate, or look at a window of rows.
    if column.tree and column.tree.bind ~= "query" then return false end
    for _, entry in ipairs(at.order) do
      if column.as and column.as == entry.ordering.inner.parts[1] then return false end
    end
  end
  return true
end

-- The query as a table of its own, with the order outside.
local function wrapped(before)
  local inner, outer = statement.wrap(before)
  inner.order, inner.unordered = not inner.distinct and nil or inner.order, nil
  outer.from = { { tree = inner, at = 0, as = '"page"', name = '"page"' } }
  outer.columns = { { text = "*" } }
  outer.order = before.order
  for _, entry in ipairs(before.order) do
    if not entry.ordering.full or entry.ordering.full:find(".", 1, true) then
      misuse.raise("paginate must order this query by names of its result (not %s): it has groups, distinct, "
        .. "expressions or a union", misuse.show(entry.ordering.full or "an expression"))
    end
  end
  return outer
end

-- The statement with its keys beside its columns, and its order to go on from.
local KEYED = {
  name = "paginate",
  build = function(before)
    order.known(before, "paginate")
    if before.limit then misuse.raise "paginate sets the limit itself; say size" end
    if before.lock then misuse.raise "paginate cannot lock rows" end
    local after = is_flat(before) and statement.copy(before) or wrapped(before)
    local list = after.columns or { { text = "*" } }
    local keys = {}
    for i, entry in ipairs(after.order) do
      keys[i] = {
        tree = tree.build("raw", "(", entry.ordering.inner, ")::text"), at = entry.at, as = '"' .. KEY .. i .. '"',
      }
    end
    after.columns = statement.append(list, keys)
    return after
  end,
}

-- What a cursor belongs to: the query without its cursor. Its values do not count.
local function shape_of(keyed)
  local node = keyed.shape
  node.kept = node.kept or writer.render(node.tree).text
  return node.kept
end

local function go_on(keyed, shape, text, settings)
  local forward, values = cursor.read(shape, text)
  for i = 1, #values do
    if values[i] == false then values[i] = null end
  end
  return keyset.from_list(keyed, forward and keyset.AFTER or keyset.BEFORE, values, settings), forward
end

-- The keys of a row, as a cursor holds them.
local function keys_of(row, count)
  local values = {}
  for k = 1, count do values[k] = row and rawget(row, KEY .. k) or false end
  return values
end

-- The rows without their keys, as strict as rows are.
local function strip(rows, count)
  if #rows == 0 then return end
  local shape = getmetatable(rows[1]).shape
  local strict = shape:head(shape.n - count).strict
  for i = 1, #rows do
    for k = 1, count do rows[i][KEY .. k] = nil end
    setmetatable(rows[i], strict)
  end
end

---@async
---@param query moonpool.Select
---@param settings table|nil
---@return moonpool.Page
function M.page(query, settings)
  settings = misuse.options("paginate", settings, { "size", "cursor", "not_null", "total" })
  local size = settings.size or 20
  if type(size) ~= "number" or size < 1 or size % 1 ~= 0 or size > 1e6 then
    misuse.raise("size of paginate is a number of rows, got %s", misuse.show(size))
  end
  local keyed = chain.plain(query, KEYED)
  local count, shape = #keyed.shape.tree.order, shape_of(keyed)
  local forward, page = true, keyed
  if settings.cursor ~= nil then page, forward = go_on(keyed, shape, settings.cursor, settings) end
  local result = run.run(limit.set(page, limit.LIMIT, size + 1))
  local rows = result:all()
  local more = #rows > size
  if more then table.remove(rows, forward and #rows or 1) end
  local first, last = keys_of(rows[1], count), keys_of(rows[#rows], count)
  strip(rows, count)
  local answer = { rows = rows, size = size }
  if #rows > 0 and (more or not forward) then answer.next = cursor.write(shape, true, last) end
  if #rows > 0 and (forward and settings.cursor ~= nil or not forward and more) then
    answer.previous = cursor.write(shape, false, first)
  end
  if settings.total then answer.total = run.run(chain.plain(query, whole.COUNT)):scalar() end
  return answer
end

return M
