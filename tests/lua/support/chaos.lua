--- Values that no call expects, and what an answer to them must look like: a result, or an error that says in a
--- sentence what is wrong, at the line that called. Never an error of Lua's from inside the library.

local errors = require "moonpool.core.error"
local ffi = require "ffi"
local moonpool = require "moonpool"

local M = {}

-- A table whose every habit raises. What it raises is its own affair.
local OWN = "raised by the value itself"
local function raise() error(OWN, 0) end
local evil = setmetatable({}, {
  __index = raise, __len = raise, __pairs = raise, __tostring = raise, __newindex = raise, __call = raise, __concat = raise,
  __eq = raise, __lt = raise, __unm = raise,
})

-- Tables that say yes to every question.
local liars = {
  setmetatable({}, { __index = function() return function() return "lie" end end }),
  setmetatable({}, { __index = function() return "lie" end, __metatable = "locked" }),
  setmetatable({ a = 1 }, { __metatable = false }),
}

local cycle, deep = {}, {}
cycle[1], cycle.self = cycle, nil
do
  local at = deep
  for _ = 1, 5000 do
    at[1] = {}
    at = at[1]
  end
end
local map_cycle = {}
map_cycle.a = map_cycle

---Functions that make a value each; `db` is a handle, `table_name` a table that is there.
---@param db moonpool.Handle
---@param table_name string
---@return (fun(): any)[]
function M.makers(db, table_name)
  local c, null = moonpool.cond, moonpool.null
  local closed = moonpool.connect(os.getenv "MOONPOOL_PRIMARY")
  closed:close()
  local over, released = nil, db:session()
  db:transaction(function(tx) over = tx end)
  released:release()
  local result = db:query "select 1 as a, null as b, 'x' as c"
  local fixed = {
    true, false, 0, -1, 1, 1.5, 0 / 0, math.huge, -math.huge, 2 ^ 53, 2 ^ 63, 1e308, "", "id", table_name, "name desc",
    "select 1", "a\0b", "\xff\xfe", "?", ":a", "'", "id = ?", ("x"):rep(70), ("x"):rep(100000), "1s", null, evil,
    liars[1], liars[2], liars[3], cycle, deep, map_cycle, db, closed, over, released, result, result[1], result:first(),
    os.clock, coroutine.create(os.clock), ffi.new "int[4]", 123456789012345LL, 18446744073709551615ULL, 1i, io.stdout, math,
    function() error("thrown", 0) end, function() return nil end, function(...) return ... end,
    function() error(setmetatable({}, {})) end, function() error() end,
  }
  local made = {
    function() return nil end, function() return {} end, function() return { 1, 2, 3 } end,
    function() return { a = 1 } end, function() return { id = 1 } end, function() return { "id", "name" } end,
    function() return { 1, nil, 3 } end, function() return { [1.5] = 2 } end, function() return { [true] = 1 } end,
    function() return { [{}] = 1 } end, function() return { { id = 1 }, { id = 2 } } end,
    function() return { id = {} } end, function() return { name = null } end, function() return { id = 0 / 0 } end,
    function() return { evil } end, function() return { id = evil } end, function() return { [evil] = 1 } end,
    function() return { "id", 5 } end, function() return { os.clock } end, function() return { id = os.clock } end,
    function() return moonpool.array {} end, function() return moonpool.object {} end,
    function() return moonpool.json(1) end, function() return moonpool.bytea "\0\1" end,
    function() return moonpool.raw "1" end, function() return moonpool.raw("?", 1) end,
    function() return moonpool.decimal "1.5" end, function() return moonpool.time() end,
    function() return moonpool.range(1, 5) end, function() return c.eq("id", 1) end, function() return c.col "id" end,
    function() return c.any {} end, function() return db:from(table_name) end,
    function() return db:from(table_name):select "id" end, function() return db:from(table_name):as "t" end,
    function() return db:insert_into(table_name) end, function() return db:delete_from(table_name) end,
    function() return db:from(table_name):limit(1):order_by "id" end,
    function() return { timeout = "1s" } end, function() return { timeout = -1 } end,
    function() return { materialized = true } end, function() return { using = "id" } end,
    function() return { size = 1 } end, function() return { columns = { "id" } } end,
    function() return { retries = -1 } end, function() return { isolation = 5 } end, function() return { cursor = 5 } end,
  }
  for _, value in ipairs(fixed) do made[#made + 1] = function() return value end end
  made[#made + 1] = function() return over end
  return made
end

local function is_here(where, here)
  return where ~= nil and where:find(here, 1, true) ~= nil
end

---What is wrong with an error; nil when it is as it should be.
---@param e any what was raised
---@param here string the file that called: "misuse_pgspec.lua"
---@return string|nil
function M.complaint(e, here)
  if e == OWN or e == "thrown" then return nil end
  if errors.is_error(e) then
    local said = e.message
    if type(said) ~= "string" or said == "" then return "an error without a sentence" end
    if said:find "attempt to" or said:find "bad argument" or e.kind == "internal" then return said end
    if not is_here(e.where, here) then return "no line of the caller: " .. tostring(e.where) .. ": " .. said end
    return nil
  end
  -- Lua's own error at the line that was written by hand is nobody's fault here.
  return type(e) == "string" and not is_here(e:match "^(.-):%d+:", here) and e or nil
end

---Calls f with the values of a list that may hold nils.
---@param f function
---@param list { n: integer, [integer]: any }
---@param here string
---@return boolean ok
---@return any value or what is wrong
function M.call(f, list, here)
  local trace = ""
  local ok, value = xpcall(function() return f(unpack(list, 1, list.n)) end, function(e)
    if type(e) == "string" then trace = debug.traceback("", 2):sub(1, 400) end
    return e
  end)
  if ok then return true, value end
  local wrong = M.complaint(value, here)
  return false, wrong and wrong .. trace or nil
end

-- A name for a value in a report; it is not asked for one.
local function name_of(value)
  local kind = type(value)
  if kind == "string" then return #value > 40 and "a long string" or ("%q"):format(value) end
  if kind == "function" or kind == "userdata" or kind == "thread" then return kind end
  if kind ~= "table" then return tostring(value) end
  local parts = {}
  for key, item in next, value do
    if #parts == 4 then break end
    local shown = type(key) == "string" and key or type(key) == "number" and tostring(key) or "<" .. type(key) .. ">"
    parts[#parts + 1] = shown .. "=" .. (type(item) == "table" and "{…}" or type(item))
  end
  return (debug.getmetatable(value) and "object" or "") .. "{" .. table.concat(parts, ",") .. "}"
end

---@param list { n: integer, [integer]: any }
---@return string
function M.named(list)
  local parts = {}
  for i = 1, list.n do parts[i] = name_of(list[i]) end
  return table.concat(parts, ", ")
end

return M
