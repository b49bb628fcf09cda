--- Point queries and rows from Lua: microseconds each, the best of five.

local moonpool = require "moonpool"
local native = require "moonpool.core.ffi"

local db = moonpool.connect { primary = os.getenv "MOONPOOL_PRIMARY" }

local function best(name, n, unit, work)
  local least = math.huge
  for _ = 1, 5 do
    local begun = native.C.mp_clock()
    work(n)
    least = math.min(least, (native.C.mp_clock() - begun) / n)
  end
  print(("  %-44s %8.2f %s"):format(name, least * 1e6, unit))
end

best("point query from Lua, prepared", 4000, "us", function(n)
  for _ = 1, n do db:query("select 1"):scalar() end
end)

best("a row of 200,000, fetched, three columns read", 200000, "us", function(n)
  local sum = 0
  for row in db:query("select g as a, g * 2 as b, g::text as c from generate_series(1, ?) g", n):each() do
    sum = sum + row.a + row.b + #row.c
  end
  assert(sum > 0)
end)

db:close()
