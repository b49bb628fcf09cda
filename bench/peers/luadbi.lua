--- The jobs of bench/rows.lua by LuaDBI.

package.cpath = package.cpath .. ";/usr/lib/x86_64-linux-gnu/lua/5.1/?.so"
local clock = require("moonpool.core.ffi").C.mp_clock
local DBI = require "DBI"
local dsn = os.getenv "MOONPOOL_PRIMARY"
local function part(name) return dsn:match(name .. "=(%S+)") end
local con = assert(DBI.Connect("PostgreSQL", part "dbname", part "user", "", part "host", tonumber(part "port")))
local SCAN, ROWS = os.getenv "BENCH_SCAN", tonumber(os.getenv "BENCH_ROWS")
con:autocommit(true)

local function best(name, work)
  local least = math.huge
  for _ = 1, 5 do
    collectgarbage()
    local begun = clock()
    work()
    least = math.min(least, clock() - begun)
  end
  print(("  %-16s %-44s %9.2f ms"):format("LuaDBI", name, least * 1e3))
end

best("scan, every column read", function()
  local statement, sum = assert(con:prepare(SCAN)), 0
  assert(statement:execute())
  for row in statement:rows(true) do sum = sum + row.id + #row.name + row.age end
  statement:close()
  assert(sum > 0)
end)

best("scan into tables", function()
  local statement, list = assert(con:prepare(SCAN)), {}
  assert(statement:execute())
  local row = statement:fetch(true)
  while row do
    list[#list + 1] = row
    row = statement:fetch(true)
  end
  statement:close()
  assert(#list == ROWS)
end)

best("2,000 selects by key, one after the other", function()
  local statement = assert(con:prepare "select id, name, age from bench_rows where id = $1")
  for i = 1, 2000 do
    assert(statement:execute(i))
    assert(statement:fetch(true).id == i)
  end
  statement:close()
end)

best("1,000 rows inserted one by one, in a transaction", function()
  con:autocommit(false)
  local statement = assert(con:prepare "insert into bench_sink (id, name, age) values ($1, $2, $3)")
  for i = 1, 1000 do assert(statement:execute(i, "name " .. i, i % 90)) end
  con:commit()
  con:autocommit(true)
end)
