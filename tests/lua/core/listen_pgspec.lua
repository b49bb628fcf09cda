local database = require "database"
local moonpool = require "moonpool"

local refusal = database.refusal

describe("listening", function()
  local db

  setup(function() db = database.connect() end)
  teardown(function() db:close() end)

  it("gives notes as they were sent", function()
    local ear = db:listen { "lua spec", "Other" }
    assert.is_nil(ear:next(0))
    assert.is_nil(ear:next "20ms")
    db:exec "notify \"lua spec\", 'one'"
    db:exec "select pg_notify('Other', '')"
    local note = ear:next "10s"
    assert.same({ "lua spec", "one", "number" }, { note.channel, note.payload, type(note.pid) })
    assert.equal("Other", ear:next("10s").channel)
    ear:close()
    ear:close()
    assert.is_nil(ear:next(0))
  end)

  it("is a loop", function()
    local ear, sum = db:listen("numbers", { timeout = "10s" }), 0
    db:exec "select pg_notify('numbers', i::text) from generate_series(1, 100) i"
    for note in ear:each() do
      sum = sum + tonumber(note.payload)
      if note.payload == "100" then ear:close() end
    end
    assert.equal(5050, sum)
    local silent = db:listen("silent", { timeout = "20ms" })
    for _ in silent:each() do error "nobody said anything" end
    silent:close()
  end)

  it("tells a gap after its connection was lost, and is there for what follows", function()
    local ear = db:listen("lost", { timeout = "10s" })
    local listeners = "from pg_stat_activity where query like 'SELECT clock_timestamp()%' and pid <> pg_backend_pid()"
    -- Those that were closed may still be on their way out.
    for _ = 1, 200 do
      if db:query("select count(*) " .. listeners):scalar() == 1 then break end
      moonpool.sleep "50ms"
    end
    assert.equal(1, db:query("select count(pg_terminate_backend(pid)) " .. listeners):scalar())
    local gap = ear:next()
    assert.is_true(gap.gap)
    assert.is_nil(gap.channel)
    assert.is_true(db:query("select ?::timestamptz < clock_timestamp()", gap.since):scalar())
    db:exec "notify lost, 'after'"
    assert.equal("after", ear:next().payload)
    ear:close()
  end)

  it("is refused where it is called wrongly", function()
    assert.equal("usage", refusal(db.listen, db).kind)
    assert.equal("usage", refusal(db.listen, db, {}).kind)
    assert.equal("usage", refusal(db.listen, db, { 1 }).kind)
    assert.equal("usage", refusal(db.listen, db, "").kind)
    assert.equal("usage", refusal(db.listen, db, ("x"):rep(64)).kind)
    assert.equal("usage", refusal(db.listen, db, "a", { tmeout = 1 }).kind)
    db:transaction(function(tx) assert.equal("usage", refusal(tx.listen, tx, "a").kind) end)
  end)
end)
