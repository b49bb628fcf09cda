--- Statements into a scratch database, each for itself and as often as that helps; and the SQL of a wish's author, all
--- of it or nothing at a time, when its turn has come.

local blame = require "moonpool.schema.blame"
local emitter = require "moonpool.schema.emitter"

local M = {}

--- Statements sent in one round trip; each is a transaction of its own.
M.CHUNK = 400

-- A statement that brings no parameters, whatever question marks are in it.
local Plain = {}
Plain.__index = Plain

function Plain:to_sql()
  return self.sql, {}
end

local function plain(sql)
  return setmetatable({ sql = sql }, Plain)
end

-- Whether the server looked at the statement and said no. Whatever else ends one (an interrupt, a deadline, a lost
-- connection, a server short of memory) says nothing of the statement, and running it again could only mislead.
local function is_refusal(e)
  local class = type(e) == "table" and e.sqlstate and e.sqlstate:sub(1, 2)
  return class and class ~= "57" and class ~= "53" and class ~= "08" and class ~= "58" or e.sqlstate == "58P01"
end

-- A function, a relation, another object of that name is there.
local DUPLICATE = { ["42723"] = true, ["42P07"] = true, ["42710"] = true }

--- Runs the statements of one round trip; answers with the error of each that failed. Raises what is no refusal.
---@param scratch table
---@param prelude string[]
---@param chunk { sql: string, stand_in: boolean? }[]
---@return { item: table, error: table }[]
function M.run(scratch, prelude, chunk)
  local failed = {}
  local results = scratch:batch(function(batch)
    for _, sql in ipairs(prelude) do batch:add(plain(sql)) end
    for _, item in ipairs(chunk) do batch:add(plain(item.sql)) end
  end, { atomic = false })
  for i, item in ipairs(chunk) do
    local failure = results.errors[#prelude + i]
    if failure then
      if not is_refusal(failure) then error(failure, 0) end
      -- What a thing stood in for was made without it.
      if not (item.stand_in and DUPLICATE[failure.sqlstate]) then
        failed[#failed + 1] = { item = item, error = failure }
      end
    end
  end
  return failed
end

-- What a transaction could change of the server, seen from inside it, and whether it wrote anything at all.
local SERVER = [[
select pg_catalog.pg_current_xact_id_if_assigned() is not null as wrote, pg_catalog.md5(pg_catalog.concat(
  (select pg_catalog.string_agg(r::text, ',' order by r.oid) from pg_catalog.pg_roles r),
  (select pg_catalog.string_agg(m.xmin::text, ',' order by m.ctid) from pg_catalog.pg_auth_members m),
  (select pg_catalog.string_agg(d.xmin::text, ',' order by d.oid) from pg_catalog.pg_database d),
  (select pg_catalog.string_agg(t.xmin::text, ',' order by t.oid) from pg_catalog.pg_tablespace t),
  (select pg_catalog.string_agg(s.xmin::text, ',' order by s.ctid) from pg_catalog.pg_db_role_setting s))) as server]]

local ASKS = { question = true, setting = true }

local function only_asks(statements)
  for _, item in ipairs(statements) do
    if not ASKS[item.sort] then return false end
  end
  return true
end

-- Its own transaction: what somebody else does to the server meanwhile is not seen in it.
local ALONE = { isolation = "repeatable read" }

local function said(text)
  return { message = text, sqlstate = "" }
end

-- Runs the SQL of a wish, all of it or nothing. What it sets goes with the transaction's connection, which is cleaned
-- before anybody else's statement is run on it.
local function run_block(scratch, prelude, item)
  local statements = item.fact.statements
  local problem
  local ok, failure = pcall(scratch.transaction, scratch, function(tx)
    local before = tx:query(SERVER):first()
    tx:batch(function(batch)
      for _, sql in ipairs(prelude) do batch:add(plain(sql)) end
      for _, statement in ipairs(statements) do batch:add(plain(statement.sql)) end
    end)
    local after = tx:query(SERVER):first()
    if before.server ~= after.server then
      problem = said("it changed roles, databases, tablespaces or their settings, which belong to the server; that was "
        .. "taken back: declare them by m.role, m.membership, m.tablespace and their like")
    elseif not after.wrote and only_asks(statements) then
      problem = said "it made nothing: answers and rows are no part of a schema"
    end
    if problem then error(problem, 0) end
  end, ALONE)
  if ok then return nil end
  if problem then return { item = item, error = problem, place = statements[1].place(statements[1].line) } end
  if not is_refusal(failure) then error(failure, 0) end
  local statement = statements[(failure.statement or 0) - #prelude] or statements[1]
  local line = statement.line
  if failure.position then
    line = line + select(2, statement.sql:sub(1, blame.byte_of(statement.sql, failure.position) - 1):gsub("\n", ""))
  end
  return { item = item, error = failure, place = statement.place(line) }
end

-- One item for all statements of a wish's own SQL.
local function gather(statements)
  local out = {}
  for _, item in ipairs(statements) do
    local last = out[#out]
    if not (item.waits and last and last.fact == item.fact) then out[#out + 1] = item end
  end
  return out
end

local function meets(list, undone, prefix)
  for node in pairs(list or {}) do  -- order-free: each is judged for itself
    if undone[node] and (not prefix or node:find(prefix)) then return true end
  end
  return false
end

-- Runs what is left, in order; gives what failed, and with `held` what its turn had not come for.
local function pass(scratch, prelude, left)
  local failures, undone, chunk = {}, {}, {}
  local function fail(failure)
    failures[#failures + 1] = failure
    if failure.item.node then undone[failure.item.node] = true end
  end
  local function flush()
    for _, failure in ipairs(#chunk > 0 and M.run(scratch, prelude, chunk) or {}) do fail(failure) end
    chunk = {}
  end
  for i, item in ipairs(left) do
    if item.waits then flush() end
    if meets(item.waits, undone) or meets(item.asked, undone) then
      fail { item = item, held = true }
    elseif item.waits then
      local failure = run_block(scratch, prelude, item)
      if failure then fail(failure) end
    else
      chunk[#chunk + 1] = item
      if #chunk >= M.CHUNK and (not left[i + 1] or left[i + 1].fact ~= item.fact) then flush() end
    end
  end
  flush()
  return failures, undone
end

-- What stands above some SQL may need it: where nothing else gets on, the first that can be run is run. SQL itself is
-- never run before what stands above it.
local function let_through(scratch, prelude, failures, undone)
  for i, failure in ipairs(failures) do
    if failure.held and failure.item.waits and not meets(failure.item.asked, undone)
      and not meets(failure.item.waits, undone, "^sql:") then
      local again = run_block(scratch, prelude, failure.item)
      if not again then
        table.remove(failures, i)
        return true
      end
      failures[i] = again
    end
  end
  return false
end

--- Runs statements, each for itself, and runs what failed again as long as any of it succeeds: whoever wrote them
--- need not have put them in order. Statements with the same `fact` that follow each other stay together. A wish's own
--- SQL is run whole, in a transaction, when what it comes behind is there.
---@param scratch table
---@param statements moonpool.schema.Item[]
---@param prelude? string[]  run before each round trip: settings do not outlive it
---@return { item: moonpool.schema.Item, error: table, place: string? }[] failures
function M.load(scratch, statements, prelude)
  prelude = prelude or emitter.preamble
  local left = gather(statements)
  while true do
    local failures, undone = pass(scratch, prelude, left)
    local got_on = #failures < #left
    if not got_on and #failures > 0 then got_on = let_through(scratch, prelude, failures, undone) end
    if not got_on or #failures == 0 then
      local out = {}
      for _, failure in ipairs(failures) do
        if not failure.held then out[#out + 1] = failure end
      end
      return out
    end
    left = {}
    for i, failure in ipairs(failures) do left[i] = failure.item end
  end
end

return M
