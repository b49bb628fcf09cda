--- The jobs of bench/rows by LuaSQL, which has no parameters: values are escaped into the text.

package.cpath = package.cpath .. ";/usr/lib/x86_64-linux-gnu/lua/5.1/?.so"
local job = require "bench.peers.job" "LuaSQL"
local env = require("luasql.postgres").postgres()
local con = assert(env:connect(os.getenv "MOONPOOL_PRIMARY"))
local SCAN, ROWS = os.getenv "BENCH_SCAN", tonumber(os.getenv "BENCH_ROWS")

local function run(sql) return assert(con:execute(sql)) end

job("scan", function()
  local cursor, sum, row = run(SCAN), 0, {}
  while cursor:fetch(row, "a") do sum = sum + tonumber(row.id) + #row.name + tonumber(row.age) end
  assert(sum > 0)
end)

job("numbers", function()
  local cursor, sum, row = run(os.getenv "BENCH_NUMBERS"), 0, {}
  while cursor:fetch(row, "a") do sum = sum + tonumber(row.id) + tonumber(row.age) end
  assert(sum > 0)
end)

job("tables", function()
  local cursor, list = run(SCAN), {}
  local row = cursor:fetch({}, "a")
  while row do
    row.id, row.age = tonumber(row.id), tonumber(row.age)
    list[#list + 1] = row
    row = cursor:fetch({}, "a")
  end
  assert(#list == ROWS)
end)

job("point", function()
  for i = 1, 2000 do
    local cursor = run("select id, name, age from bench_rows where id = " .. i)
    assert(tonumber(cursor:fetch({}, "a").id) == i)
    cursor:close()
  end
end)

job("insert", function()
  local list = {}
  for i = 1, 1000 do list[i] = ("(%d, '%s', %d)"):format(i, con:escape("name " .. i), i % 90) end
  run("insert into bench_sink (id, name, age) values " .. table.concat(list, ", "))
end)

job("inserts", function()
  con:setautocommit(false)
  for i = 1, 1000 do
    run(("insert into bench_sink (id, name, age) values (%d, '%s', %d)"):format(i, con:escape("name " .. i), i % 90))
  end
  con:commit()
  con:setautocommit(true)
end)
