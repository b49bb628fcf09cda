--- What a shell holds of a database: the handle that Lua sees as `db`, one connection that bare SQL runs on (so
--- that SET and temporary tables last), and the transaction that was begun at the prompt.

local errors = require "moonpool.core.error"
local native = require "moonpool.core.ffi"
local run = require "moonpool.core.run"
local sql_text = require "moonpool.console.sql_text"

local C = native.C

local M = {}

---@class moonpool.console.Session
---@field db moonpool.Handle what Lua code is given: the transaction while one is open
---@field private base moonpool.Handle
---@field private line moonpool.Handle pinned to a connection
---@field private route "read"|nil read: there is no primary to pin one on
---@field private tx moonpool.Handle|nil
---@field private lost boolean|nil
---@field private undone boolean|nil a transaction was rolled back when it was let go
---@field failed boolean the server refuses further statements until the transaction ends
---@field facts table database, user, version, standby
---@field node string|nil which node answered last
local Session = {}
Session.__index = Session

local FACTS = [[select current_database() as database, current_user as "user",
  current_setting('server_version') as version, pg_is_in_recovery() as standby,
  current_setting('default_transaction_read_only')::bool as read_only]]

-- Nobody who answers takes writes: a shell opened in the middle of an outage does not wait for who will.
local function only_standbys(db)
  run.finish(C.mp_cluster_look(db.root.cluster, 5))
  local standbys = 0
  for _, node in ipairs(db:stats().nodes) do
    if node.alive and node.role ~= "replica" then return false end
    if node.alive then standbys = standbys + 1 end
  end
  return standbys > 0
end

local function first_answer(db)
  if only_standbys(db) then return db, "read", db:_run { sql = FACTS, route = "read" } end
  local line = db:session { pinned = true }
  local ok, result = pcall(line._run, line, { sql = FACTS })
  if ok then return line, nil, result end
  line:release()
  if not errors.is_error(result) or result.kind ~= "no_primary" then error(result, 0) end
  return db, "read", db:_run { sql = FACTS, route = "read" }
end

---Takes a handle and finds out where it leads. Where there are standbys only, SQL is read there. Raises where
---no server answers.
---@param db moonpool.Handle
---@param read_only boolean|nil what could change anything is refused
---@return moonpool.console.Session
function M.new(db, read_only)
  local line, route, result = first_answer(db)
  if read_only and not result:first().read_only then
    error("--read-only could not be laid on this connection: its DSN has options of its own. "
      .. "Add to them: -c default_transaction_read_only=on", 0)
  end
  local self = setmetatable({
    db = db, base = db, line = line, route = route, failed = false, facts = result:first(), node = result.node,
  }, Session)
  -- `db:close()` was typed: it would wait for the shell's own line.
  db.root.before_close = function() self:let_go() end
  return self
end

---@class moonpool.console.Answer
---@field result moonpool.Result|nil
---@field tag string
---@field seconds number
---@field node string|nil

---The transaction's state as a prompt shows it: "" none, "*" open, "!" failed.
---@return string
function Session:mark()
  if not self.tx then return "" end
  return self.failed and "!" or "*"
end

function Session:begin(options)
  if self.tx then
    return { tag = "BEGIN", seconds = 0, warning = "there is already a transaction in progress" }
  end
  local from = C.mp_clock()
  self.tx, self.failed = self.line:begin(options), false
  self.db = self.tx
  return { tag = "BEGIN", seconds = C.mp_clock() - from }
end

function Session:leave()
  local tx = self.tx
  self.tx, self.failed, self.db = nil, false, self.base
  return tx
end

function Session:finish(how)
  local tag = how == "commit" and "COMMIT" or "ROLLBACK"
  if not self.tx then
    return { tag = tag, seconds = 0, warning = "there is no transaction in progress" }
  end
  local from = C.mp_clock()
  -- What had failed can only be rolled back, which is what the server makes of its COMMIT.
  if self.failed then tag = "ROLLBACK" end
  local tx = self:leave()
  if tag == "COMMIT" then tx:commit() else tx:rollback() end
  return { tag = tag, seconds = C.mp_clock() - from }
end

local function words_of(text)
  local words = {}
  for token in sql_text.tokens(text) do
    if token.kind == "word" then
      words[#words + 1] = token.text:lower()
    elseif token.kind ~= "space" and token.kind ~= "comment" and token.text ~= "," and token.text ~= ";" then
      return words, token.text
    end
  end
  return words, nil
end

-- BEGIN's modes as options of a transaction; nil where there is something else among them.
local function modes(words, from)
  local rest = " " .. table.concat(words, " ", from) .. " "
  local options = {}
  rest = rest:gsub("^ work ", " "):gsub("^ transaction ", " ")
  rest = rest:gsub(" isolation level (%a+ ?%a*) ", function(level)
    local name = level:match "^serializable" or level:match "^repeatable read" or level:match "^read committed"
      or (level:match "^read uncommitted" and "read committed")
    options.isolation = name
    return name and " " .. level:sub(#name + 1) .. " "
  end)
  for name, value in pairs { ["read only"] = { "read_only", true }, ["read write"] = { "read_only", nil },
    ["not deferrable"] = { "deferrable", nil } } do
    rest = rest:gsub(" " .. name .. " ", function() options[value[1]] = value[2] return " " end)
  end
  rest = rest:gsub(" deferrable ", function() options.deferrable = true return " " end)
  return rest:match "^%s*$" and options or nil
end

-- The statements that the engine must be told of, because it keeps the transaction.
local function control(self, text)
  local words, foreign = words_of(text)
  local first, second = words[1], words[2]
  if foreign then return nil end
  if first == "begin" or (first == "start" and second == "transaction") then
    local options = modes(words, first == "start" and 3 or 2)
    if options then return function() return self:begin(options) end end
  end
  local plain = #words == 1 or ((second == "work" or second == "transaction") and #words == 2)
  if plain and (first == "commit" or first == "end") then return function() return self:finish "commit" end end
  if plain and (first == "rollback" or first == "abort") then return function() return self:finish "rollback" end end
  return nil
end

-- The server's last words to a connection.
local function is_fatal(e)
  return e.severity == "FATAL" or e.severity == "PANIC"
end

---Looks whether the server still takes statements in the open transaction. One that is over is left.
---@return boolean gone it was there and is over
function Session:probe()
  if not self.tx then return false end
  local ok, e = pcall(self.tx._run, self.tx, { sql = "select 1" })
  if ok then
    self.failed = false
  elseif errors.is_error(e) and e.family == "server" and not is_fatal(e) then
    self.failed = true
  else
    self:leave()
    return true
  end
  return false
end

-- A statement that failed may have failed the transaction, or lost it.
local function after_failure(self, e)
  if errors.is_error(e) and e.family == "server" and e.outcome == "rejected" and not is_fatal(e) then
    self.failed = self.tx ~= nil
  else
    self.lost = self:probe()
  end
end

---After Lua code failed: the statement that failed, if any did, may have stood behind a savepoint.
function Session:after_lua_failure()
  self.lost = self:probe()
end

---Whether the transaction got lost since this was last asked.
---@return boolean
function Session:take_loss()
  local lost = self.lost == true
  self.lost = false
  return lost
end

---Runs one statement as it was typed: nothing in it is a parameter.
---@param text string
---@return moonpool.console.Answer
function Session:run(text)
  text = text:gsub(";%s*$", "")
  local own = control(self, text)
  if own then return own() end
  local from = C.mp_clock()
  local handle = self.tx or self.line
  local ok, result = pcall(handle._run, handle, { sql = text, route = self.route })
  if not ok then
    after_failure(self, result)
    error(result, 0)
  end
  local answer = { result = result, tag = result.tag, node = result.node, seconds = C.mp_clock() - from }
  self.node = result.node
  if self.failed and answer.tag == "ROLLBACK" then self.failed = false end
  return answer
end

---What a statement runs on now: the open transaction, else the shell's own connection.
---@return moonpool.Handle
function Session:handle()
  return self.tx or self.line
end

---Runs a query about the database itself, beside whatever transaction is open.
---@param sql string
---@param ... any
---@return moonpool.Result
function Session:ask(sql, ...)
  if self.route == "read" then return self.base:read_query(sql, ...) end
  if self.failed then return self.base:query(sql, ...) end
  return (self.tx or self.line):query(sql, ...)
end

---Whether somebody closed the database that this stands on.
---@return boolean
function Session:is_over()
  return self.base.root.closed == true
end

-- Gives its connection back to the pool, so that there is nothing that closing would wait for.
function Session:let_go()
  local tx = self.tx and self:leave()
  if tx then
    pcall(tx.rollback, tx)
    self.undone = true
  end
  if self.line ~= self.base then pcall(self.line.release, self.line) end
end

---Closes it all; an open transaction is rolled back. True when there was one.
---@return boolean
function Session:close()
  self:let_go()
  pcall(self.base.close, self.base, 1)
  return self.undone == true
end

return M
