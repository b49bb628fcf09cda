local database = require "database"
local moonpool = require "moonpool"

local refusal = database.refusal

describe("a transaction", function()
  local db, other

  local function count() return db:query("select count(*) from core_tx"):scalar() end
  local function add(handle, id) return handle:exec("insert into core_tx values (?)", id) end

  setup(function()
    db, other = database.connect(), database.connect()
    db:script "drop table if exists core_tx; create table core_tx (id int primary key, n int default 0)"
  end)
  teardown(function()
    db:exec "drop table core_tx"
    db:close()
    other:close()
  end)
  before_each(function() db:exec "truncate core_tx" end)

  it("is not begun by a statement, which would end it at once", function()
    for _, sql in ipairs { "begin", " BEGIN;", "start transaction", "Begin isolation level serializable" } do
      local e = refusal(db.exec, db, sql)
      assert.equal("transaction", e.kind)
      assert.matches("db:transaction", e.hint, 1, true)
    end
    local pinned = db:session { pinned = true }
    pinned:exec "begin"
    add(pinned, 1)
    pinned:exec "rollback"
    pinned:release()
    assert.equal(0, count())
  end)

  it("refuses options that are none", function()
    assert.matches("plain table", refusal(db.transaction, db, type, "serializable").message)
    assert.matches("read_only of a transaction is a boolean", refusal(db.begin, db, { read_only = "no" }).message)
  end)

  it("commits what its function did and returns what it returned", function()
    local values = { db:transaction(function(tx)
      add(tx, 1)
      assert.is_true(tx:in_transaction())
      assert.equal("transaction (open)", tostring(tx))
      return 1, nil, "three"
    end) }
    assert.equal(1, values[1])
    assert.equal("three", values[3])
    assert.equal(1, count())
    assert.is_false(db:in_transaction())
  end)

  it("rolls back and raises the very same error", function()
    for _, raised in ipairs { { some = "table" }, "text" } do
      local ok, e = pcall(db.transaction, db, function(tx)
        add(tx, 1)
        error(raised, 0)
      end)
      assert.is_false(ok)
      assert.equal(raised, e)
      assert.equal(0, count())
    end
    local e = refusal(db.transaction, db, function(tx)
      add(tx, 1)
      add(tx, 1)
    end)
    assert.equal("unique_violation", e.kind)
    assert.equal(0, count())
  end)

  it("has savepoints inside", function()
    db:transaction(function(tx)
      add(tx, 1)
      local _, e = moonpool.try(tx.transaction, tx, function(sp)
        add(sp, 2)
        add(sp, 1)
      end)
      assert.equal("unique_violation", e.kind)
      tx:transaction(function(sp)
        add(sp, 3)
        local _, inner = moonpool.try(sp.transaction, sp, function(deep)
          add(deep, 4)
          error "no"
        end)
        assert.is_truthy(inner)
      end)
    end)
    assert.same({ 1, 3 }, (db:query("select id from core_tx order by id"):column()))
  end)

  it("refuses options for a savepoint, and options that there are not", function()
    db:transaction(function(tx)
      assert.matches("takes no options, got retries", refusal(tx.transaction, tx, print, { retries = 1 }).message)
    end)
    assert.matches('no option isolaton %(did you mean "isolation"%?%)',
      refusal(db.transaction, db, print, { isolaton = "serializable" }).message)
    assert.matches("isolation takes", refusal(db.transaction, db, print, { isolation = "dirty" }).message)
    assert.matches("retries takes", refusal(db.transaction, db, print, { retries = -1 }).message)
    assert.matches("takes a function, got a nil", refusal(db.transaction, db).message)
  end)

  it("passes its options to the server", function()
    local function show(name, options)
      return db:transaction(function(tx) return tx:query("select current_setting(?)", name):scalar() end, options)
    end
    assert.equal("serializable", show("transaction_isolation", { isolation = "serializable" }))
    assert.equal("repeatable read", show("transaction_isolation", { isolation = "repeatable_read" }))
    assert.equal("on", show("transaction_read_only", { read_only = true }))
    local all = { isolation = "serializable", read_only = true, deferrable = true }
    assert.equal("on", show("transaction_deferrable", all))
    assert.equal("read committed", show("transaction_isolation"))
    local e = refusal(db.transaction, db, function(tx) add(tx, 1) end, { read_only = true })
    assert.equal("read_only_sql_transaction", e.kind)
  end)

  it("is over when its function has returned", function()
    local kept
    db:transaction(function(tx) kept = tx end)
    local e = refusal(kept.query, kept, "select 1")
    assert.equal("transaction", e.kind)
    assert.matches("this transaction is over %(committed%)", e.message)
    pcall(db.transaction, db, function(tx) kept = tx; error "x" end)
    assert.matches("rolled back", refusal(kept.exec, kept, "select 1").message)
    assert.matches("over", refusal(kept.transaction, kept, print).message)
    db:transaction(function(tx) kept = tx:with { timeout = "1s" } end)
    assert.matches("over", refusal(kept.query, kept, "select 1").message)
  end)

  it("does not let the outer handle in while a savepoint is open", function()
    db:transaction(function(tx)
      tx:transaction(function(sp)
        assert.equal("transaction", refusal(tx.query, tx, "select 1").kind)
        assert.equal(1, sp:query("select 1"):scalar())
      end)
      assert.equal(1, tx:query("select 1"):scalar())
    end)
  end)

  it("is run again after a serialization failure", function()
    add(db, 1)
    local runs = 0
    db:transaction(function(tx)
      runs = runs + 1
      local n = tx:query("select n from core_tx where id = 1"):scalar()
      if runs < 3 then other:exec "update core_tx set n = n + 1 where id = 1" end
      tx:exec("update core_tx set n = ? where id = 1", n + 10)
    end, { isolation = "repeatable read" })
    assert.equal(3, runs)
    assert.equal(12, db:query("select n from core_tx"):scalar())
  end)

  it("is run again only so often", function()
    add(db, 1)
    for retries = 0, 2 do
      local runs = 0
      local e = refusal(db.transaction, db, function(tx)
        runs = runs + 1
        tx:query "select n from core_tx where id = 1"
        other:exec "update core_tx set n = n + 1 where id = 1"
        tx:exec "update core_tx set n = 0 where id = 1"
      end, { isolation = "repeatable read", retries = retries })
      assert.equal("serialization_failure", e.kind)
      assert.equal(retries + 1, runs)
      assert.equal(retries, #e.causes)
      assert.equal(retries + 1, e.attempt)
    end
  end)

  it("is not run again for other errors", function()
    local runs = 0
    pcall(db.transaction, db, function(tx)
      runs = runs + 1
      tx:exec "select 1 / 0"
    end)
    assert.equal(1, runs)
  end)

  it("does not call a failed transaction committed", function()
    local e = refusal(db.transaction, db, function(tx)
      add(tx, 1)
      moonpool.try(tx.exec, tx, "select 1 / 0")
    end)
    assert.is_string(e.kind)
    assert.equal(0, count())
  end)

  it("raises what only COMMIT finds out", function()
    db:script [[drop table if exists core_late;
      create table core_late (id int primary key deferrable initially deferred)]]
    local e = refusal(db.transaction, db, function(tx) tx:exec "insert into core_late values (1), (1)" end)
    assert.equal("unique_violation", e.kind)
    assert.equal(0, db:query("select count(*) from core_late"):scalar())
    db:exec "drop table core_late"
  end)

  it("ends with its time", function()
    local from = os.time()
    local e = refusal(db.transaction, db, function(tx) tx:exec "select pg_sleep(60)" end, { timeout = "200ms" })
    assert.equal("timeout", e.kind)
    assert.is_true(os.time() - from <= 10)
    assert.equal(1, db:query("select 1"):scalar())
  end)

  it("may be ended by hand", function()
    local tx = db:begin { isolation = "serializable" }
    add(tx, 1)
    local sp = tx:begin()
    add(sp, 2)
    sp:rollback()
    tx:commit()
    assert.same({ 1 }, (db:query("select id from core_tx"):column()))
    assert.equal("transaction", refusal(tx.commit, tx).kind)
    tx = db:begin()
    add(tx, 3)
    tx:rollback()
    assert.equal(1, count())
    tx = db:begin()
    moonpool.try(tx.exec, tx, "select 1 / 0")
    refusal(tx.commit, tx)
    assert.equal("usage", refusal(db.commit, db).kind)
    assert.equal("usage", refusal(db.rollback, db).kind)
  end)

  it("rolls back when it is abandoned", function()
    local co = coroutine.create(function()
      db:transaction(function(tx)
        add(tx, 1)
        coroutine.yield()
      end)
    end)
    assert(coroutine.resume(co))
    co = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.equal(0, count())
    add(db, 1)
  end)
end)

describe("a batch", function()
  local db

  setup(function()
    db = database.connect()
    db:script "drop table if exists core_batch; create table core_batch (id int primary key)"
  end)
  teardown(function()
    db:exec "drop table core_batch"
    db:close()
  end)
  before_each(function() db:exec "truncate core_batch" end)

  it("gives a result for each statement", function()
    local r = db:batch(function(b)
      assert.equal(1, b:add "select 1 as one")
      assert.equal(2, b:add("select ?::int + ?::int as n", 2, 3))
      assert.equal(3, b:add("select :x::text as x", { x = "y" }))
      b:add { to_sql = function() return "select $1::int", { 9, n = 1 } end }
      b:add("insert into core_batch values (?), (?)", 1, 2)
    end)
    assert.equal(1, r[1]:scalar())
    assert.equal(5, r[2]:one().n)
    assert.equal("y", r[3]:scalar())
    assert.equal(9, r[4]:scalar())
    assert.equal(2, r[5].affected)
    assert.same({}, r.errors)
    assert.same({ errors = {} }, db:batch(function() end))
  end)

  it("is all or nothing", function()
    local e = refusal(db.batch, db, function(b)
      b:add "insert into core_batch values (1)"
      b:add "insert into core_batch values (1)"
      b:add "insert into core_batch values (2)"
    end)
    assert.equal("unique_violation", e.kind)
    assert.equal(2, e.statement)
    assert.equal(0, db:query("select count(*) from core_batch"):scalar())
  end)

  it("keeps errors by number where each stands alone", function()
    local r = db:batch(function(b)
      b:add "insert into core_batch values (1)"
      b:add "insert into core_batch values (1)"
      b:add "insert into core_batch values (2)"
    end, { atomic = false })
    assert.equal(1, r[1].affected)
    assert.equal("unique_violation", r.errors[2].kind)
    assert.equal("unique_violation", refusal(function() return r[2].affected end).kind)
    assert.equal("unique_violation", refusal(function() return r[2]:scalar() end).kind)
    assert.equal(1, r[3].affected)
    assert.equal(2, db:query("select count(*) from core_batch"):scalar())
  end)

  it("works inside a transaction", function()
    db:transaction(function(tx)
      local r = tx:batch(function(b)
        b:add "insert into core_batch values (1)"
        b:add "select count(*) from core_batch"
      end)
      assert.equal(1, r[2]:scalar())
    end)
    local e = refusal(db.transaction, db, function(tx)
      tx:batch(function(b)
        b:add "insert into core_batch values (2)"
        b:add "insert into core_batch values (2)"
      end)
    end)
    assert.equal("unique_violation", e.kind)
    assert.equal(1, db:query("select count(*) from core_batch"):scalar())
  end)

  it("takes very many statements", function()
    local r = db:batch(function(b) for i = 1, 2000 do b:add("select ?::int", i) end end)
    for i = 1, 2000 do assert.equal(i, r[i]:scalar()) end
  end)

  it("refuses what is no batch", function()
    assert.equal("usage", refusal(db.batch, db).kind)
    assert.matches('no option atmic %(did you mean "atomic"%?%)',
      refusal(db.batch, db, function() end, { atmic = true }).message)
    assert.equal("usage", refusal(db.batch, db, function(b) b:add("select ?", 1, 2) end).kind)
    assert.matches("atomic of a batch is a boolean", refusal(db.batch, db, function() end, { atomic = "no" }).message)
    assert.matches("add is called with a colon", refusal(db.batch, db, function(b) b.add "select 1" end).message)
    assert.matches("no method query; say add", refusal(db.batch, db, function(b) b:query "select 1" end).message)
    assert.matches("did you mean.*add", refusal(db.batch, db, function(b) b:adds "select 1" end).message)
  end)

  it("refuses what is added when it was sent", function()
    local kept
    db:batch(function(b)
      kept = b
      b:add "select 1"
    end)
    assert.matches("this batch was sent", refusal(kept.add, kept, "select 2").message)
  end)
end)
