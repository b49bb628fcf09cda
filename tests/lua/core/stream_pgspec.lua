local database = require "database"

local refusal = database.refusal

describe("a stream", function()
  local db

  setup(function() db = database.connect { pool = { max = 2, acquire_timeout = "2s" } } end)
  teardown(function() db:close() end)

  it("gives every row once, whatever the number", function()
    for _, n in ipairs { 0, 1, 63, 64, 65, 255, 256, 257, 1024, 3500 } do
      local sum, rows = 0, 0
      for row in db:stream("select i from generate_series(1, ?) i", n):each() do
        sum, rows = sum + row.i, rows + 1
      end
      assert.equal(n, rows)
      assert.equal(n * (n + 1) / 2, sum)
    end
  end)

  it("may be left early, again and again", function()
    local function leave()
      for row in db:stream "select generate_series(1, 1000000) as i":each() do
        if row.i == 3 then break end
      end
    end
    for _ = 1, 10 do leave() end
    local left
    for _ = 1, 100 do
      left = db:query([[select count(*) from pg_stat_activity
        where state = 'active' and query like '%1000000) as i' and pid <> pg_backend_pid()]]):scalar()
      if left == 0 then break end
      db:exec "select pg_sleep(0.03)"
    end
    assert.equal(0, left)
    local one = db:stream "select generate_series(1, 5000) as i"
    one:close()
    for _ in one:each() do error "it was closed" end
  end)

  it("takes parameters, and keeps rows", function()
    local kept = {}
    for row in db:read_stream("select :a::text || i as x from generate_series(1, 3) i", { a = "n" }):each() do
      kept[#kept + 1] = row
    end
    collectgarbage()
    assert.equal("n1 n3", kept[1].x .. " " .. kept[3].x)
  end)

  it("is part of the transaction it is opened in", function()
    db:transaction(function(tx)
      tx:exec "create temporary table streamed on commit drop as select generate_series(1, 2500) as i"
      local n = 0
      for row in tx:stream "select * from streamed order by i":each() do
        n = n + 1
        if row.i == 10 then tx:exec "insert into streamed values (9999)" end
      end
      assert.equal(2500, n)
      for row in tx:stream "select * from streamed order by i":each() do
        if row.i == 3 then break end
      end
      assert.equal(2501, tx:query("select count(*) from streamed"):scalar())
    end)
  end)

  it("raises and gives the connection back", function()
    for _ = 1, 4 do
      assert.equal("undefined_table", refusal(db.stream, db, "select * from nowhere").kind)
      assert.equal("usage", refusal(db.stream, db, "select ?").kind)
      assert.equal("usage", refusal(db.stream, db, nil).kind)
    end
    local e = refusal(function()
      for _ in db:stream "select 1 / (1500 - i) from generate_series(1, 2000) i":each() do end -- luacheck: ignore 542
    end)
    assert.equal("division_by_zero", e.kind)
    assert.equal(1, db:query("select 1"):scalar())
  end)

  it("takes a statement that is a table, and writes", function()
    local q = { to_sql = function() return "select i from generate_series(1, $1) i", { 4 }, 1 end }
    local sum = 0
    for row in db:stream(q):each() do sum = sum + row.i end
    assert.equal(10, sum)
    db:exec "create table if not exists stream_spec (a int)"
    local n = 0
    for row in db:stream "insert into stream_spec select generate_series(1, 600) returning a":each() do
      n = n + 1
      assert.equal(n, row.a)
    end
    assert.equal(600, n)
    assert.equal(600, db:query("select count(*) from stream_spec"):scalar())
    db:exec "drop table stream_spec"
    assert.equal("read_only_sql_transaction",
      refusal(function() db:read_stream("create table stream_spec (a int)"):each()() end).kind)
  end)

  it("gives its connection back when it is closed", function()
    for _ = 1, 8 do
      local one = db:stream "select generate_series(1, 100000000) as i"
      assert.equal(1, one:each()(one).i)
      one:close()
    end
    assert.equal(1, db:query("select 1"):scalar())
  end)

  it("stays small", function()
    if os.getenv "MOONPOOL_PRELOAD" then return pending "a sanitizer keeps what was freed" end
    local function resident()
      return tonumber(assert(io.open "/proc/self/status"):read "*a":match "VmRSS:%s+(%d+)")
    end
    local before, most = nil, 0
    for row in db:stream "select i, repeat('x', 500) as pad from generate_series(1, 200000) i":each() do
      if row.i == 20000 then before = resident() end
      if row.i % 20000 == 0 then most = math.max(most, resident()) end
    end
    assert.is_true(most - before < 32 * 1024, ("grew by %d KiB"):format(most - before))
  end)
end)
