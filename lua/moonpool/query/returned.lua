--- The ends of a chain that gives rows: what is done with them.

local chain = require "moonpool.query.chain"
local limit = require "moonpool.query.limit"
local misuse = require "moonpool.sql.misuse"
local run = require "moonpool.query.run"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

---@class moonpool.Rows: moonpool.Builder
local Rows = {}

-- A statement that changes rows gives some back only where it was told to.
local function prepared(query, method, most)
  local at = chain.open(query, method).tree
  if at.kind ~= "select" and not at.returning then
    misuse.raise("%s() has nothing to give: this %s returns no rows; say :returning(\"*\"), or :exec()",
      method, at.kind)
  end
  if most and at.kind == "select" then query = limit.at_most(query, most) end
  return query
end

local function answer(query, method, most) return run.run(prepared(query, method, most)) end

---Every row, as a table.
---@async
---@return table[]
function Rows:all() return answer(self, "all"):all() end

---The first row; nil when there is none.
---@async
---@param ... nil nothing
---@return table|nil
function Rows:first(...)
  if select("#", ...) > 0 then misuse.raise "first takes nothing; several rows are :limit(n):all()" end
  return run.first(prepared(self, "first", 1))
end

---The one row there is. None, or more than one, is an error (`no_data_found`, `too_many_rows`).
---@async
---@return table
function Rows:one() return answer(self, "one", 2):one() end

---The first column of the first row.
---@async
---@return any
function Rows:scalar() return answer(self, "scalar", 1):scalar() end

---Walks over the rows without copying them: `for user in query:each() do`.
---@async
---@return fun(result: any, row: any): moonpool.Row
---@return any
function Rows:each() return answer(self, "each"):each() end

---The rows as a JSON array of objects, columns in their order, every digit of every number kept.
---@async
---@return string
function Rows:to_json() return answer(self, "to_json"):to_json() end

---A list of what f makes of each row; a nil takes no place in it.
---@async
---@generic T
---@param f fun(row: moonpool.Row, i: integer): T
---@return T[]
function Rows:map(f)
  if type(f) ~= "function" then misuse.raise("map needs a function, got %s", misuse.show(f)) end
  return answer(self, "map"):map(f)
end

---The result itself, which knows its columns, its node and its tag.
---@async
---@return moonpool.Result
function Rows:result() return answer(self, "result") end

---Runs the statement and gives the number of rows that it touched.
---@async
---@return integer
local function exec(self)
  chain.open(self, "exec")
  return run.run(self).affected
end

---Gives a class these ends.
---@param class table
---@param writes boolean|nil it changes rows
function M.mix_into(class, writes)
  for name, method in pairs(Rows) do class[name] = method end -- order-free: a table of functions
  if writes then class.exec = exec end
end

return M
