local database = require "database"
local moonpool = require "moonpool"

local refusal = database.refusal

describe("moonpool.testing.sandbox", function()
  local db
  local sandbox = moonpool.testing.sandbox

  setup(function()
    db = database.connect()
    db:script "drop table if exists core_sandbox; create table core_sandbox (id int primary key)"
  end)
  teardown(function()
    db:exec "drop table core_sandbox"
    db:close()
  end)

  local function count(handle) return handle:query("select count(*) from core_sandbox"):scalar() end

  it("leaves nothing behind and returns what its function returned", function()
    local a, b = sandbox(db, function(inner)
      inner:exec "insert into core_sandbox values (1)"
      inner:transaction(function(tx)
        tx:exec "insert into core_sandbox values (2)"
        tx:transaction(function(deep) deep:exec "insert into core_sandbox values (3)" end)
      end, { isolation = "serializable", retries = 3 })
      return count(inner), "two"
    end)
    assert.equal(3, a)
    assert.equal("two", b)
    assert.equal(0, count(db))
  end)

  it("undoes a failed transaction inside and goes on", function()
    sandbox(db, function(inner)
      inner:exec "insert into core_sandbox values (1)"
      local _, e = moonpool.try(inner.transaction, inner, function(tx)
        tx:exec "insert into core_sandbox values (2)"
        tx:exec "insert into core_sandbox values (1)"
      end, { exactly_once = true })
      assert.equal("unique_violation", e.kind)
      assert.equal(1, count(inner))
    end)
    assert.equal(0, count(db))
  end)

  it("raises the very same error, and is over then", function()
    local kept
    local raised = {}
    local ok, e = pcall(sandbox, db, function(inner)
      kept = inner
      inner:exec "insert into core_sandbox values (1)"
      error(raised, 0)
    end)
    assert.is_false(ok)
    assert.equal(raised, e)
    assert.equal("transaction", refusal(kept.query, kept, "select 1").kind)
    assert.equal(0, count(db))
  end)

  it("is refused inside a transaction and without a function", function()
    assert.matches("takes a function, got a nil", refusal(sandbox, db).message)
    db:transaction(function(tx)
      assert.matches("not inside a transaction", refusal(sandbox, tx, print).message)
    end)
  end)
end)
