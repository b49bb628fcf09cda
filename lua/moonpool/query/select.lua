--- Select: the clauses. Each call gives a new query and leaves this one as it is.

local builder = require "moonpool.query.builder"
local chain = require "moonpool.query.chain"
local columns = require "moonpool.query.columns"
local fetch = require "moonpool.query.fetch"
local group = require "moonpool.query.group"
local join = require "moonpool.query.join"
local keyset = require "moonpool.query.keyset"
local limit = require "moonpool.query.limit"
local lock = require "moonpool.query.lock"
local misuse = require "moonpool.sql.misuse"
local options = require "moonpool.query.options"
local order = require "moonpool.query.order"
local returned = require "moonpool.query.returned"
local setop = require "moonpool.query.setop"
local where = require "moonpool.query.where"
local windows = require "moonpool.query.windows"

---A query that reads rows.
---@class moonpool.Select: moonpool.Rows, moonpool.Fetch
local Select = chain.class("a select", { exec = ":all(), :each() or :first(); a select gives rows" })
builder.mix_into(Select)
returned.mix_into(Select)
fetch.mix_into(Select)

---Columns to read, after those that were asked for before: names (`"id"`, `"u.*"`, `"name as n"`), expressions,
---queries with a name, or one table of them whose keys are names: `{ "age", n = moonpool.raw "count(*)" }`.
---@param ... string|moonpool.Expression|moonpool.Alias|moonpool.Select|table
---@return moonpool.Select
function Select:select(...) return (columns.add(self, columns.SELECT, select("#", ...), ...)) end

---These columns instead of those that were asked for before.
---@param ... string|moonpool.Expression|moonpool.Alias|moonpool.Select|table
---@return moonpool.Select
function Select:reselect(...) return columns.add(self, columns.RESELECT, select("#", ...), ...) end

---Every row once.
---@param ... nil
---@return moonpool.Select
function Select:distinct(...)
  if select("#", ...) > 0 then
    misuse.raise "distinct takes nothing: it is of all selected columns; one row for each value is distinct_on(…)"
  end
  return chain.plain(self, columns.DISTINCT)
end

---The first row of each group that has these columns alike.
---@param ... string|moonpool.Expression
---@return moonpool.Select
function Select:distinct_on(...) return columns.add(self, columns.DISTINCT_ON, select("#", ...), ...) end

---A condition, with those that were said before: an equality table (`{ name = "Ann" }`, nil keys are no condition),
---SQL with its parameters (`"age >= ?", 18`), or a condition of `moonpool.cond`.
---@param condition table|string|moonpool.Condition|moonpool.Expression
---@param ... any
---@return moonpool.Select
function Select:where(condition, ...) return (where.add(self, where.WHERE, condition, ...)) end

---SQL with `:names` and their values.
---@param text string
---@param values table<string, any>
---@return moonpool.Select
function Select:where_named(text, values) return where.named(self, text, values) end

---A condition on groups.
---@param condition table|string|moonpool.Condition|moonpool.Expression
---@param ... any
---@return moonpool.Select
function Select:having(condition, ...) return (where.add(self, where.HAVING, condition, ...)) end

---@param table string|moonpool.Alias "orders o", or a query with a name
---@param on string|moonpool.Condition|{ using: string|string[] } "o.user_id = u.id", with parameters where it has `?`
---@param ... any
---@return moonpool.Select
function Select:join(table, on, ...) return (join.on(self, "join", table, on, ...)) end

---Every row of the left side, with or without one of the right.
---@param table string|moonpool.Alias
---@param on string|moonpool.Condition|{ using: string|string[] }
---@param ... any
---@return moonpool.Select
function Select:left_join(table, on, ...) return (join.on(self, "left_join", table, on, ...)) end

---@param table string|moonpool.Alias
---@param on string|moonpool.Condition|{ using: string|string[] }
---@param ... any
---@return moonpool.Select
function Select:right_join(table, on, ...) return join.on(self, "right_join", table, on, ...) end

---@param table string|moonpool.Alias
---@param on string|moonpool.Condition|{ using: string|string[] }
---@param ... any
---@return moonpool.Select
function Select:full_join(table, on, ...) return join.on(self, "full_join", table, on, ...) end

---Every row of one side with every row of the other.
---@param table string|moonpool.Alias
---@return moonpool.Select
function Select:cross_join(table) return join.cross(self, table) end

---A query that is run for each row before it and may use its columns: `lateral(latest:as "l")`.
---@param query moonpool.Alias
---@param on string|moonpool.Condition|nil
---@param ... any
---@return moonpool.Select
function Select:lateral(query, on, ...) return join.lateral(self, "lateral", query, on, ...) end

---The same, keeping rows for which the query gives none.
---@param query moonpool.Alias
---@param on string|moonpool.Condition|nil
---@param ... any
---@return moonpool.Select
function Select:left_lateral(query, on, ...) return join.lateral(self, "left_lateral", query, on, ...) end

---@param ... string|moonpool.Expression
---@return moonpool.Select
function Select:group_by(...) return (group.add(self, select("#", ...), ...)) end

---A window with a name, for `expression:over "name"`.
---@param name string
---@param spec moonpool.WindowSpec
---@return moonpool.Select
function Select:window(name, spec) return windows.add(self, name, spec) end

---`"age"`, `"age desc"`, `"age desc nulls last"`, an expression, or `{ expression, "desc", nulls = "last" }`; after
---those that were said before.
---@param ... string|moonpool.Expression|table
---@return moonpool.Select
function Select:order_by(...) return (order.add(self, order.ORDER_BY, select("#", ...), ...)) end

---This order instead of what was said before.
---@param ... string|moonpool.Expression|table
---@return moonpool.Select
function Select:reorder(...) return order.add(self, order.REORDER, select("#", ...), ...) end

---@param count integer
---@return moonpool.Select
function Select:limit(count) return (limit.set(self, limit.LIMIT, count)) end

---@param count integer
---@return moonpool.Select
function Select:offset(count) return (limit.set(self, limit.OFFSET, count)) end

---The rows after the one with these values of the order: `order_by("age desc", "id"):after { age = 31, id = 7 }`.
---`{ not_null = true }` says that no column of the order is ever null, which lets an index find the place.
---@param key table<string, any>
---@param settings { not_null: boolean? }|nil
---@return moonpool.Select
function Select:after(key, settings) return keyset.from_row(self, keyset.AFTER, key, settings) end

---The rows before the one with these values; with a limit the nearest ones. They come in the stated order.
---@param key table<string, any>
---@param settings { not_null: boolean? }|nil
---@return moonpool.Select
function Select:before(key, settings) return keyset.from_row(self, keyset.BEFORE, key, settings) end

---@param other moonpool.Select
---@return moonpool.Select
function Select:union(other) return setop.add(self, "union", other) end

---@param other moonpool.Select
---@return moonpool.Select
function Select:union_all(other) return setop.add(self, "union_all", other) end

---@param other moonpool.Select
---@return moonpool.Select
function Select:intersect(other) return setop.add(self, "intersect", other) end

---@param other moonpool.Select
---@return moonpool.Select
function Select:intersect_all(other) return setop.add(self, "intersect_all", other) end

---@param other moonpool.Select
---@return moonpool.Select
function Select:except(other) return setop.add(self, "except", other) end

---@param other moonpool.Select
---@return moonpool.Select
function Select:except_all(other) return setop.add(self, "except_all", other) end

---Locks the rows until the transaction ends. Options: `of` (tables), `nowait`, `skip_locked`.
---@param settings { of: string|string[]|nil, nowait: boolean?, skip_locked: boolean? }|nil
---@return moonpool.Select
function Select:for_update(settings) return lock.add(self, "for_update", settings) end

---@param settings { of: string|string[]|nil, nowait: boolean?, skip_locked: boolean? }|nil
---@return moonpool.Select
function Select:for_no_key_update(settings) return lock.add(self, "for_no_key_update", settings) end

---@param settings { of: string|string[]|nil, nowait: boolean?, skip_locked: boolean? }|nil
---@return moonpool.Select
function Select:for_share(settings) return lock.add(self, "for_share", settings) end

---@param settings { of: string|string[]|nil, nowait: boolean?, skip_locked: boolean? }|nil
---@return moonpool.Select
function Select:for_key_share(settings) return lock.add(self, "for_key_share", settings) end

---Keeps the rows under this key, or these, for so long: whoever asks the same again is given them without a statement,
---until the time is up or a key is made stale (`invalidates`). Inside a transaction it does nothing.
---@param keys string|string[]
---@param ttl string|number|nil "30s"; nil: `cache.ttl` of the settings, a minute
---@return moonpool.Select
function Select:cached(keys, ttl)
  chain.open(self, "cached")
  return options.cached(self, keys, ttl)
end

return Select
