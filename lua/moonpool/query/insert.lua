--- Insert: rows, what happens where one is there already, what comes back.

local builder = require "moonpool.query.builder"
local chain = require "moonpool.query.chain"
local columns = require "moonpool.query.columns"
local condition = require "moonpool.sql.condition"
local conflict = require "moonpool.query.conflict"
local misuse = require "moonpool.sql.misuse"
local returned = require "moonpool.query.returned"
local statement = require "moonpool.query.statement"
local values = require "moonpool.query.values"

---A statement that inserts rows.
---@class moonpool.Insert: moonpool.Rows
---@field exec fun(self: moonpool.Insert): integer
local Insert = chain.class "an insert"
builder.mix_into(Insert)
returned.mix_into(Insert, true)

---One row `{ column = value }`, or a list of rows. A column that a row leaves out takes its default; NULL is
---`moonpool.null`. Rows that are alike travel as arrays, whatever their number; `{ batch = "values" }` sends each
---value by itself.
---@param rows table
---@param settings { batch: "unnest"|"values"|nil }|nil
---@return moonpool.Insert
function Insert:values(rows, settings) return values.add(self, rows, settings) end

---A row of defaults.
---@return moonpool.Insert
function Insert:default_values() return values.defaults(self) end

---The rows of a query: `from_select({ "id", "name" }, query)`.
---@param names string[]
---@param query moonpool.Select|moonpool.Expression
---@return moonpool.Insert
function Insert:from_select(names, query) return values.from_select(self, names, query) end

---One record, given back as it was stored: `:record { name = "Ann" } :one()`.
---@param record table
---@return moonpool.Insert
function Insert:record(record)
  return columns.add(values.add(self, record), columns.RETURNING, 1, "*")
end

---The conflict that `do_nothing` or `do_update` answers: columns, `{ "email", where = "deleted_at is null" }` for a
---partial index, `{ constraint = "users_email_key" }`, or nothing for any conflict.
---@param ... string|moonpool.Expression|table
---@return moonpool.Insert
function Insert:on_conflict(...) return conflict.target(self, select("#", ...), ...) end

---Leaves the row as it is.
---@return moonpool.Insert
function Insert:do_nothing() return chain.plain(self, conflict.DO_NOTHING) end

---Updates the row that is there. A name in the list takes the value that was to be inserted; a key is given its own:
---`do_update { "name", visits = moonpool.raw "users.visits + 1" }`. Without a table: every column inserted.
---@param assignments table|nil
---@return moonpool.Insert
function Insert:do_update(assignments) return conflict.update(self, assignments) end

---Behind `do_update`: only where this holds. The row to be inserted is `excluded`.
---@param given table|string|moonpool.Condition|moonpool.Expression
---@param ... any
---@return moonpool.Insert
function Insert:where(given, ...)
  local test = condition.given("where", given, ...)
  if test == condition.EMPTY then misuse.raise "the condition of do_update came out empty" end
  return chain.term(self, conflict.UPDATE_WHERE, test)
end

local OVERRIDING = { name = "overriding" }
OVERRIDING.build = function(before, items)
  local after = statement.copy(before)
  after.overriding = items[1] == "system" and " overriding system value" or " overriding user value"
  return after
end

---What happens to values given for identity columns: "system" stores them, "user" ignores them.
---@param which "system"|"user"
---@return moonpool.Insert
function Insert:overriding(which)
  if which ~= "system" and which ~= "user" then
    misuse.raise("overriding is \"system\" or \"user\", got %s", misuse.show(which))
  end
  return chain.call(self, OVERRIDING, 1, which)
end

---What comes back of each row that was inserted (or updated instead).
---@param ... string|moonpool.Expression|table
---@return moonpool.Insert
function Insert:returning(...) return columns.add(self, columns.RETURNING, select("#", ...), ...) end

return Insert
