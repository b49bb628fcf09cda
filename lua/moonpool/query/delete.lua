--- Delete: which rows, what comes back.

local builder = require "moonpool.query.builder"
local chain = require "moonpool.query.chain"
local columns = require "moonpool.query.columns"
local from = require "moonpool.query.from"
local join = require "moonpool.query.join"
local record = require "moonpool.query.record"
local returned = require "moonpool.query.returned"
local where = require "moonpool.query.where"

---A statement that deletes rows.
---@class moonpool.Delete: moonpool.Rows
---@field exec fun(self: moonpool.Delete): integer
local Delete = chain.class "a delete"
builder.mix_into(Delete)
returned.mix_into(Delete, true)

---Another table that the delete reads: `using "orders o"`.
---@param table string|moonpool.Alias|moonpool.Select|moonpool.Expression
---@param alias string|nil
---@return moonpool.Delete
function Delete:using(table, alias) return from.add(self, from.USING, table, alias) end

---Joins to what `using` named.
---@param table string|moonpool.Alias
---@param on string|moonpool.Condition
---@param ... any
---@return moonpool.Delete
function Delete:join(table, on, ...) return join.behind(self, "join", "using", table, on, ...) end

---Which rows. A condition that came out empty is an error.
---@param condition table|string|moonpool.Condition|moonpool.Expression
---@param ... any
---@return moonpool.Delete
function Delete:where(condition, ...) return where.add(self, where.WHERE, condition, ...) end

---SQL with `:names` and their values.
---@param text string
---@param values table<string, any>
---@return moonpool.Delete
function Delete:where_named(text, values) return where.named(self, text, values) end

---The row with the record's key. The key is called `id`, or as said.
---@param given table
---@param key string|string[]|nil
---@return moonpool.Delete
function Delete:record(given, key) return record.delete(self, given, key) end

---Says that every row is meant.
---@return moonpool.Delete
function Delete:every_row() return chain.plain(self, where.EVERY_ROW) end

---What comes back of each row that was deleted.
---@param ... string|moonpool.Expression|table
---@return moonpool.Delete
function Delete:returning(...) return columns.add(self, columns.RETURNING, select("#", ...), ...) end

return Delete
