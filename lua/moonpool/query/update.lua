--- Update: which columns, which rows, what comes back.

local assign = require "moonpool.query.assign"
local builder = require "moonpool.query.builder"
local chain = require "moonpool.query.chain"
local columns = require "moonpool.query.columns"
local from = require "moonpool.query.from"
local join = require "moonpool.query.join"
local record = require "moonpool.query.record"
local returned = require "moonpool.query.returned"
local where = require "moonpool.query.where"

---A statement that changes rows.
---@class moonpool.Update: moonpool.Rows
---@field exec fun(self: moonpool.Update): integer
local Update = chain.class "an update"
builder.mix_into(Update)
returned.mix_into(Update, true)

---`set { age = 7, seen = moonpool.raw "now()" }`, or SQL: `set("age = age + ?", 1)`. A nil is not there; NULL is
---`moonpool.null`.
---@param assignments table|string|moonpool.Expression
---@param ... any
---@return moonpool.Update
function Update:set(assignments, ...) return assign.set(self, assignments, ...) end

---Sets everything in the record but its key, where the key is the record's. The key is called `id`, or as said.
---@param given table
---@param key string|string[]|nil
---@return moonpool.Update
function Update:record(given, key) return record.update(self, given, key) end

---Another table that the update reads: `from "orders o"`.
---@param table string|moonpool.Alias|moonpool.Select|moonpool.Expression
---@param alias string|nil
---@return moonpool.Update
function Update:from(table, alias) return from.add(self, from.FROM, table, alias) end

---Joins to what `from` named.
---@param table string|moonpool.Alias
---@param on string|moonpool.Condition
---@param ... any
---@return moonpool.Update
function Update:join(table, on, ...) return join.behind(self, "join", "from", table, on, ...) end

---@param table string|moonpool.Alias
---@param on string|moonpool.Condition
---@param ... any
---@return moonpool.Update
function Update:left_join(table, on, ...) return join.behind(self, "left_join", "from", table, on, ...) end

---Which rows. A condition that came out empty is an error.
---@param condition table|string|moonpool.Condition|moonpool.Expression
---@param ... any
---@return moonpool.Update
function Update:where(condition, ...) return where.add(self, where.WHERE, condition, ...) end

---SQL with `:names` and their values.
---@param text string
---@param values table<string, any>
---@return moonpool.Update
function Update:where_named(text, values) return where.named(self, text, values) end

---Says that every row is meant.
---@return moonpool.Update
function Update:every_row() return chain.plain(self, where.EVERY_ROW) end

---What comes back of each row that was changed.
---@param ... string|moonpool.Expression|table
---@return moonpool.Update
function Update:returning(...) return columns.add(self, columns.RETURNING, select("#", ...), ...) end

return Update
