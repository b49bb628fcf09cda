local database = require "database"
local moonpool = require "moonpool"

local refusal = database.refusal
local testing = moonpool.testing

describe("moonpool.testing.watch", function()
  local db

  setup(function()
    db = database.connect { slow_query = "50ms" }
    db:script "drop table if exists core_watch; create table core_watch (id int primary key)"
  end)
  teardown(function()
    db:exec "drop table core_watch"
    db:close()
  end)
  before_each(function() db:exec "truncate core_watch" end)

  it("counts what ran, on whichever handle", function()
    local seen = testing.watch(db)
    db:exec("insert into core_watch values (?)", 1)
    db:transaction(function(tx)
      tx:exec("insert into core_watch values (?)", 2)
      tx:query "select count(*) from core_watch"
    end)
    assert.equal(2, seen:count "^insert into core_watch")
    assert.equal(1, seen:count "^select count")
    assert.equal(0, seen:count "delete")
    local first = seen:statements()[1]
    assert.equal("insert into core_watch values (?)", first.statement)
    assert.equal("ok", first.outcome)
    seen:clear()
    assert.equal(0, seen:count())
    db:batch(function(b)
      b:add "select 1"
      b:add "select 2"
    end)
    assert.equal(2, seen:count())
    seen:stop()
    seen:stop()
    db:query "select 1"
    assert.equal(2, seen:count())
  end)

  it("sees what failed", function()
    local seen = testing.watch(db)
    pcall(db.exec, db, "insert into core_watch values (1), (1)")
    seen:stop()
    assert.equal("unique_violation", seen:statements()[1].error)
  end)

  it("counts what a function runs, gives what it returned, raises what it raised", function()
    local n, a, b = testing.count(db, function()
      for id = 1, 10 do db:query_row("select * from core_watch where id = ?", id) end
      return "a", "b"
    end)
    assert.equal(10, n)
    assert.same({ "a", "b" }, { a, b })
    local raised = {}
    local ok, e = pcall(testing.count, db, function() error(raised, 0) end)
    assert.is_false(ok)
    assert.equal(raised, e)
  end)

  it("has the lines of the log", function()
    local seen = testing.watch(db)
    db:query "select pg_sleep(0.1)"
    local lines = seen:lines "statement.slow"
    seen:stop()
    assert.equal(1, #lines)
    assert.equal("warning", lines[1].level)
    assert.is_true(tonumber(lines[1].fields.ms) >= 50)
    assert.equal(0, #seen:lines "pool.leak")
    assert.is_true(#seen:lines() >= 1)
  end)

  it("refuses what is no handle and no function", function()
    assert.matches("takes a database handle", refusal(testing.watch, {}).message)
    assert.matches("takes a function", refusal(testing.count, db).message)
  end)
end)
