--- Loads what a migration's file holds, as data: what to do up, what to do down, and how.

local environment = require "moonpool.migrate.environment"
local failure = require "moonpool.migrate.failure"
local ffi = require "ffi"
local jit = require "jit"
local native = require "moonpool.core.ffi"
local suggest = require "moonpool.core.suggest"

local C = native.C

local M = {}

---@class moonpool.migrate.Script
---@field up function|table[] a function, or statements { sql, line }
---@field down function|table[]|nil
---@field transaction boolean

local known = { "down", "transaction", "up" }

local function check(file, given)
  if type(given) ~= "table" then
    failure.file(("%s returns a %s; a migration returns { up = function(m) … end, down = … }")
      :format(file.path, type(given)))
  end
  for key in pairs(given) do
    if key ~= "up" and key ~= "down" and key ~= "transaction" then
      failure.file(("%s has a field %s%s; a migration has up, down and transaction")
        :format(file.path, tostring(key), suggest.hint(key, known)))
    end
  end
  if type(given.up) ~= "function" then failure.file(("%s has no function up"):format(file.path)) end
  if given.down ~= nil and type(given.down) ~= "function" then
    failure.file(("down of %s is a %s, not a function"):format(file.path, type(given.down)))
  end
end

local function load_lua(file, talk, trusted)
  local source = file.content:gsub("^\239\187\191", "")
  if source:byte() == 27 then failure.file(("%s is bytecode; a migration is source"):format(file.path)) end
  local chunk, reason = loadstring(source, "@" .. file.path)
  if not chunk then failure.file(reason) end
  -- Compiled code does not see the hook that Ctrl-C sets.
  jit.off(chunk, true)
  local env = environment.new(talk)
  setfenv(chunk, trusted and setmetatable(env, { __index = _G }) or env)
  local ok, given = pcall(chunk)
  if not ok then
    local why = tostring(given)
    local walled = not trusted and why:find "%(a nil value%)"
    failure.file(why:find(file.path, 1, true) and why or file.path .. ": " .. why,
      walled and "a migration sees the language and m, not the machine; --trusted lifts that" or nil)
  end
  check(file, given)
  return { up = given.up, down = given.down, transaction = given.transaction ~= false }
end

-- COMMIT in a file would end the transaction that the ledger's row is written in.
local control = {
  begin = true, commit = true, rollback = true, start = true, ["end"] = true, abort = true, prepare = "transaction",
}

local function first_words(sql)
  while true do
    local rest = sql:match "^%s*%-%-[^\n]*\n?(.*)$" or sql:match "^%s*/%*.-%*/(.*)$"
    if not rest then break end
    sql = rest
  end
  local first, second = sql:match "^%s*(%a+)%s*(%a*)"
  return first and first:lower() or "", second and second:lower() or ""
end

---Cuts SQL into statements. Raises where one would end the transaction itself.
---@param path string
---@param content string
---@return { sql: string, line: integer, path: string }[]
function M.split(path, content)
  content = content:gsub("^\239\187\191", "")
  local handle = ffi.gc(C.mp_script_split(content, #content), C.mp_script_free)
  local list = {}
  for i = 0, tonumber(C.mp_script_count(handle)) - 1 do
    local text = C.mp_script_statement(handle, i, native.length)
    local one = {
      sql = ffi.string(text, native.length[0]), line = tonumber(C.mp_script_line(handle, i)), path = path,
    }
    local word, second = first_words(one.sql)
    local forbidden = control[word]
    if word == "rollback" and second == "to" then forbidden = false end
    if forbidden == true or (forbidden and forbidden == second) then
      failure.file(("%s:%d: %s is left to Moonpool: each migration is a transaction of its own")
        :format(path, one.line, word:upper()),
        "what cannot run in a transaction goes into a file that begins with `-- moonpool: transaction = false`")
    end
    list[#list + 1] = one
  end
  return list
end

-- `-- moonpool: transaction = false` on one of the first lines, before any statement.
local function wants_transaction(content)
  for line in content:gmatch "[^\r\n]*" do
    if line:find "^%s*%-%-%s*moonpool:%s*transaction%s*=%s*false%s*$" then return false end
    if line:find "%S" and not line:find "^%s*%-%-" and not line:find "^\239\187\191%s*%-%-" then return true end
  end
  return true
end

local function load_sql(file)
  return {
    up = M.split(file.path, file.content),
    down = file.down_content and M.split(file.down_path, file.down_content),
    transaction = wants_transaction(file.content),
    down_transaction = file.down_content and wants_transaction(file.down_content),
  }
end

---@param file moonpool.migrate.File
---@param talk fun(line: string)
---@param trusted boolean|nil it may reach the machine
---@return moonpool.migrate.Script
function M.load(file, talk, trusted)
  if file.kind == "lua" then return load_lua(file, talk, trusted) end
  return load_sql(file)
end

return M
