--- The jobs of bench/rows by Moonpool from Lua. The others in this folder do the same.

local moonpool = require "moonpool"
local job = require "bench.peers.job" "Moonpool"

local db = moonpool.connect { primary = os.getenv "MOONPOOL_PRIMARY" }
local SCAN, NUMBERS = os.getenv "BENCH_SCAN", os.getenv "BENCH_NUMBERS"
local ROWS = tonumber(os.getenv "BENCH_ROWS")

job("scan", function()
  local sum = 0
  for row in db:query(SCAN):each() do sum = sum + row.id + #row.name + row.age end
  assert(sum > 0)
end)

job("numbers", function()
  local sum = 0
  for row in db:query(NUMBERS):each() do sum = sum + row.id + row.age end
  assert(sum > 0)
end)

job("tables", function() assert(#db:query(SCAN):all() == ROWS) end)

job("point", function()
  for i = 1, 2000 do assert(db:query_row("select id, name, age from bench_rows where id = ?", i).id == i) end
end)

job("point, built", function()
  for i = 1, 2000 do
    assert(db:from "bench_rows":use_primary():select("id", "name", "age"):where { id = i }:first().id == i)
  end
end)

job("insert", function()
  local rows = {}
  for i = 1, 1000 do rows[i] = { id = i, name = "name " .. i, age = i % 90 } end
  assert(db:insert_into "bench_sink":values(rows):exec() == 1000)
end)

job("inserts", function()
  db:transaction(function(tx)
    for i = 1, 1000 do tx:exec("insert into bench_sink (id, name, age) values (?, ?, ?)", i, "name " .. i, i % 90) end
  end)
end)

job("build", function()
  for i = 1, 20000 do
    db:from "users":select("id", "name", "age"):where { name = "Ann" }:order_by("age desc", "id"):limit(i % 50 + 1)
      :to_sql()
  end
end, 20000)

db:close()
