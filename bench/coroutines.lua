--- 64 tasks on 4 connections: microseconds a point query, the best of five. One after the other beside it.

local moonpool = require "moonpool"
local native = require "moonpool.core.ffi"

local clock = native.C.mp_clock
local TASKS, EACH = 64, 200

local db = moonpool.connect { primary = os.getenv "MOONPOOL_PRIMARY", pool = { max = 4 } }

local function ask()
  for _ = 1, EACH do db:read_query("select 1"):scalar() end
end

local function best(name, n, work)
  local least = math.huge
  for _ = 1, 5 do
    local begun = clock()
    work()
    least = math.min(least, (clock() - begun) / n)
  end
  print(("  %-44s %8.2f us"):format(name, least * 1e6))
end

local tasks = {}
for i = 1, TASKS do tasks[i] = ask end

best("point query from Lua, one after the other", EACH * 10, function() for _ = 1, 10 do ask() end end)
best("the same, 64 tasks on 4 connections", EACH * TASKS, function() moonpool.gather(unpack(tasks)) end)

db:close()
