local database = require "database"

local refusal = database.refusal

describe("exactly_once", function()
  local db

  setup(function()
    db = database.connect()
    db:script [[drop table if exists moonpool.commits; drop table if exists core_once;
      create table core_once (id int)]]
  end)
  teardown(function()
    db:exec "drop table core_once"
    db:close()
  end)
  before_each(function() db:exec "truncate core_once" end)

  local function count() return db:query("select count(*) from core_once"):scalar() end

  it("makes its table, and commits what its function did", function()
    assert.equal("kept", db:transaction(function(tx)
      tx:exec "insert into core_once values (1)"
      return "kept"
    end, { exactly_once = true, isolation = "serializable" }))
    assert.equal(1, count())
    assert.equal(1, db:query("select count(*) from moonpool.commits where not fenced"):scalar())
  end)

  it("raises what its function raises", function()
    local e = refusal(db.transaction, db, function(tx) tx:exec "select 1 / 0" end, { exactly_once = true })
    assert.equal("22012", e.sqlstate)
  end)

  it("takes its token as who logged in, whatever role is laid on", function()
    db:exec "do $$ begin create role core_once_role; exception when duplicate_object then null; end $$"
    db:exec "grant insert on core_once to core_once_role"
    local role = db:as { role = "core_once_role" }:transaction(function(tx)
      tx:exec "insert into core_once values (1)"
      return tx:query("select current_user"):scalar()
    end, { exactly_once = true })
    assert.equal("core_once_role", role)
    assert.equal(1, count())
    db:exec "revoke insert on core_once from core_once_role"
  end)

  it("runs the function again when its COMMIT was lost and never happened", function()
    db:script [[create or replace function core_once_die() returns trigger language plpgsql as
      $$ begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); return null; end $$;
      create constraint trigger core_once_die after insert on core_once deferrable initially deferred
      for each row when (new.id < 0) execute function core_once_die()]]
    local runs = 0
    db:transaction(function(tx)
      runs = runs + 1
      tx:exec("insert into core_once values (?)", runs <= 2 and -1 or 1)
    end, { exactly_once = true })
    assert.equal(3, runs)
    assert.equal(1, count())

    local e = refusal(db.transaction, db, function(tx) tx:exec "insert into core_once values (-1)" end,
      { exactly_once = true, retries = 0 })
    assert.equal("connection", e.kind)
    assert.equal("rejected", e.outcome)
    assert.is_false(e.in_doubt)
    assert.is_true(e.retryable)
    assert.matches("proven that nothing was committed", e.message)
    local unproven = refusal(db.transaction, db, function(tx) tx:exec "insert into core_once values (-1)" end)
    assert.equal("commit_unknown", unproven.kind)
    assert.is_true(unproven.in_doubt)
    db:exec "drop function core_once_die cascade"
  end)

  it("refuses what cannot be proven", function()
    assert.matches("has nothing to prove",
      refusal(db.transaction, db, print, { exactly_once = true, read_only = true }).message)
    assert.matches("exactly_once is for db:transaction", refusal(db.begin, db, { exactly_once = true }).message)
  end)
end)
