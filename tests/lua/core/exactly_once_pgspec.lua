local database = require "database"
local exactly_once = require "moonpool.core.exactly_once"
local moonpool = require "moonpool"

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

  local function token_of(options)
    local token
    pcall(db.transaction, db, function(tx)
      tx:exec "insert into core_once values (1)"
      token = tx:query("select token::text from moonpool.commits where xmin = pg_current_xact_id()::xid"):scalar()
      if options.fail then error "no" end
    end, { exactly_once = true })
    return assert(token)
  end

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

  it("knows what committed from what did not, however often it is asked", function()
    local done, undone = token_of {}, token_of { fail = true }
    for _ = 1, 3 do
      assert.is_true(exactly_once.prove(db, done))
      assert.is_false(exactly_once.prove(db, undone))
    end
    local late = refusal(db.exec, db, "insert into moonpool.commits (token) values (?::text::uuid)", undone)
    assert.equal("unique_violation", late.kind)
  end)

  it("waits for a transaction that is still open", function()
    for _, committed in ipairs { true, false } do
      local open = db:begin()
      local token = exactly_once.take(open)
      local verdict = "none"
      moonpool.gather(function() verdict = exactly_once.prove(db, token) end, function()
        moonpool.sleep "100ms"
        assert.equal("none", verdict)
        if committed then open:commit() else open:rollback() end
      end)
      assert.equal(committed, verdict)
    end
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
    db:exec "drop function core_once_die cascade"
  end)

  it("refuses what cannot be proven", function()
    assert.matches("has nothing to prove",
      refusal(db.transaction, db, print, { exactly_once = true, read_only = true }).message)
    assert.matches("exactly_once is for db:transaction", refusal(db.begin, db, { exactly_once = true }).message)
  end)
end)
