--- The jobs of bench/rows by LuaDBI.

package.cpath = package.cpath .. ";/usr/lib/x86_64-linux-gnu/lua/5.1/?.so"
local job = require "bench.peers.job" "LuaDBI"
local DBI = require "DBI"
local dsn = os.getenv "MOONPOOL_PRIMARY"
local function part(name) return dsn:match(name .. "=(%S+)") end
local con = assert(DBI.Connect("PostgreSQL", part "dbname", part "user", "", part "host", tonumber(part "port")))
local SCAN, ROWS = os.getenv "BENCH_SCAN", tonumber(os.getenv "BENCH_ROWS")
con:autocommit(true)

job("scan", function()
  local statement, sum = assert(con:prepare(SCAN)), 0
  assert(statement:execute())
  for row in statement:rows(true) do sum = sum + row.id + #row.name + row.age end
  statement:close()
  assert(sum > 0)
end)

job("numbers", function()
  local statement, sum = assert(con:prepare(os.getenv "BENCH_NUMBERS")), 0
  assert(statement:execute())
  for row in statement:rows(true) do sum = sum + row.id + row.age end
  statement:close()
  assert(sum > 0)
end)

job("tables", function()
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

job("point", function()
  local statement = assert(con:prepare "select id, name, age from bench_rows where id = $1")
  for i = 1, 2000 do
    assert(statement:execute(i))
    assert(statement:fetch(true).id == i)
  end
  statement:close()
end)

job("inserts", function()
  con:autocommit(false)
  local statement = assert(con:prepare "insert into bench_sink (id, name, age) values ($1, $2, $3)")
  for i = 1, 1000 do assert(statement:execute(i, "name " .. i, i % 90)) end
  con:commit()
  con:autocommit(true)
end)
