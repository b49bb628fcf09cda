--- Rows and inserts from Lua: seconds for each job, the best of five. Peers do the same jobs (bench/peers).

local moonpool = require "moonpool"
local native = require "moonpool.core.ffi"

local db = moonpool.connect { primary = os.getenv "MOONPOOL_PRIMARY" }
local SCAN = os.getenv "BENCH_SCAN"
local ROWS = tonumber(os.getenv "BENCH_ROWS")

local function best(name, n, work)
  local least = math.huge
  for _ = 1, 5 do
    collectgarbage()
    local begun = native.C.mp_clock()
    work(n)
    least = math.min(least, native.C.mp_clock() - begun)
  end
  print(("  %-16s %-44s %9.2f ms"):format("moonpool", name, least * 1e3))
end

best("scan, every column read", 1, function()
  local sum = 0
  for row in db:query(SCAN):each() do sum = sum + row.id + #row.name + row.age end
  assert(sum > 0)
end)

best("scan into tables", 1, function() assert(#db:query(SCAN):all() == ROWS) end)

best("2,000 selects by key, one after the other", 2000, function(n)
  for i = 1, n do assert(db:query_row("select id, name, age from bench_rows where id = ?", i).id == i) end
end)

best("the same, built", 2000, function(n)
  for i = 1, n do
    assert(db:from "bench_rows":use_primary():select("id", "name", "age"):where { id = i }:first().id == i)
  end
end)

best("1,000 rows inserted by one statement", 1000, function(n)
  local rows = {}
  for i = 1, n do rows[i] = { id = i, name = "name " .. i, age = i % 90 } end
  assert(db:insert_into "bench_sink":values(rows):exec() == n)
end)

best("1,000 rows inserted one by one, in a transaction", 1000, function(n)
  db:transaction(function(tx)
    for i = 1, n do tx:exec("insert into bench_sink (id, name, age) values (?, ?, ?)", i, "name " .. i, i % 90) end
  end)
end)

db:close()
