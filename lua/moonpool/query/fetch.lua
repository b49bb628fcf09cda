--- The ends of a select beside its rows: counts, single records, columns.

local chain = require "moonpool.query.chain"
local columns = require "moonpool.query.columns"
local condition = require "moonpool.sql.condition"
local limit = require "moonpool.query.limit"
local misuse = require "moonpool.sql.misuse"
local order = require "moonpool.query.order"
local paginate = require "moonpool.query.paginate"
local run = require "moonpool.query.run"
local value = require "moonpool.sql.value"
local walk = require "moonpool.core.walk"
local where = require "moonpool.query.where"
local whole = require "moonpool.query.whole"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

---@class moonpool.Fetch
local Fetch = {}

---How many rows there are. A limit counts too.
---@async
---@return integer
function Fetch:count() return run.run(chain.plain(self, whole.COUNT)):scalar() end

---Whether there is a row.
---@async
---@return boolean
function Fetch:exists() return run.run(chain.plain(self, whole.EXISTS)):scalar() end

-- An aggregate over one column of the query.
local function aggregate(name)
  return function(query, column, ...)
    chain.open(query, name)
    if column == nil or select("#", ...) > 0 then misuse.raise("%s takes one column or expression", name) end
    return run.run(whole.aggregate(query, name, column)):scalar()
  end
end

---The sum of a column; nil when there is no row. A limit counts too.
---@async
---@type fun(self: moonpool.Select, column: string|moonpool.Expression): any
Fetch.sum = aggregate "sum"
---The average of a column.
---@async
---@type fun(self: moonpool.Select, column: string|moonpool.Expression): any
Fetch.avg = aggregate "avg"
---The least value of a column.
---@async
---@type fun(self: moonpool.Select, column: string|moonpool.Expression): any
Fetch.min = aggregate "min"
---The greatest value of a column.
---@async
---@type fun(self: moonpool.Select, column: string|moonpool.Expression): any
Fetch.max = aggregate "max"

---The last row in the stated order; nil when there is none.
---@async
---@return table|nil
function Fetch:last()
  local at = chain.open(self, "last").tree
  order.known(at, "last")
  if at.limit or at.offset then
    local rows = run.run(self):all()
    return rows[#rows]
  end
  return run.run(limit.at_most(chain.plain(self, order.REVERSE), 1)):first()
end

-- A key as a condition; beside other tables it is the first one's.
local function by_key(query, key, wanted)
  local at = query.shape.tree
  local name = at.joins and at.from and at.from[1].name
  return condition.equal(name and name .. "." .. key or key, wanted)
end

---The row with this primary key; nil when there is none. The key is called `id`, or as the second argument says;
---one of several columns is given as a table: `find { order_id = 1, line = 2 }`.
---@async
---@param key any
---@param name string|nil
---@return table|nil
function Fetch:find(key, name)
  chain.open(self, "find")
  if key == nil or key == value.null then
    misuse.raise("find needs a key, got %s; nothing has no row", key == nil and "nil" or "NULL")
  elseif type(key) == "table" and getmetatable(key) == nil then
    return Fetch.find_by(self, key)
  elseif not value.sendable(key) then
    value.refuse(key, "the key of find")
  elseif name ~= nil and type(name) ~= "string" then
    misuse.raise("find takes the name of the key's column, got %s", misuse.show(name))
  end
  return limit.at_most(where.add(self, where.WHERE, by_key(self, name or "id", key)), 1):first()
end

---The first row for which the condition holds. One that came out empty is an error.
---@async
---@param given table|moonpool.Condition
---@return table|nil
function Fetch:find_by(given)
  chain.open(self, "find_by")
  local test = condition.given("find_by", given)
  if test == condition.EMPTY then
    misuse.raise "find_by was given an empty table (every value in it is nil); it would find any row"
  end
  return limit.at_most(where.add(self, where.WHERE, test), 1):first()
end

---The values of a column, as a list; of several, a list of lists. Without a name, of the first one selected.
---NULLs are nil, so the second value tells how many rows there were.
---@async
---@param ... string|moonpool.Expression
---@return any[]
---@return integer n
function Fetch:pluck(...)
  chain.open(self, "pluck")
  local count = select("#", ...)
  local query = count > 0 and columns.add(self, columns.RESELECT, count, ...) or self
  local result = run.run(query)
  if count <= 1 then return result:column(1) end
  local list, n = {}, 0
  for row in result:each() do
    local values = {}
    for i = 1, count do values[i] = row[i] end
    n = n + 1
    list[n] = values
  end
  return list, n
end

---Reads the rows through a cursor, a thousand at a time, in bounded memory: `for row in query:stream():each() do`.
---@async
---@return moonpool.Stream
function Fetch:stream()
  chain.open(self, "stream")
  return run.stream(self)
end

---One page and the cursors of its neighbours: `page.rows`, `page.next`, `page.previous` (nil at the ends). A
---cursor is text that means nothing to anybody but this query; it fits any order. Options: `size` (20),
---`cursor`, `not_null` (no column of the order is ever null: faster), `total` (counts all rows too).
---@async
---@param settings { size: integer?, cursor: string?, not_null: boolean?, total: boolean? }|nil
---@return moonpool.Page
function Fetch:paginate(settings)
  chain.open(self, "paginate")
  return paginate.page(self, settings)
end

---@param class table
function M.mix_into(class)
  for name, method in pairs(Fetch) do class[name] = method end -- order-free: a table of functions
end

return M
