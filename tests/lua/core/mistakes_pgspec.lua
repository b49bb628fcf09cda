-- What people write by mistake, and what they are told.

local database = require "database"
local moonpool = require "moonpool"

local refusal = database.refusal

describe("a mistake", function()
  local db

  setup(function() db = database.connect() end)
  teardown(function() db:close() end)

  local function refused(pattern, f, ...)
    local e = refusal(f, ...)
    assert.equal("usage", e.kind)
    assert.matches(pattern, e.message)
    return e
  end

  it("in a transaction's function: it is not ended there", function()
    for _, method in ipairs { "commit", "rollback" } do
      local e = refused("ends with its function", db.transaction, db, function(tx)
        tx:exec "create table never_made (a int)"
        tx[method](tx)
      end)
      assert.is_truthy(e.where)
      refused("ends with its function", db.transaction, db, function(tx)
        tx:transaction(function(inner) inner[method](inner) end)
      end)
    end
    assert.is_nil(db:query("select to_regclass('never_made')"):scalar())
    -- What was begun by hand ends by hand, also in there.
    assert.equal(1, db:transaction(function(tx)
      local inner = tx:begin()
      local one = inner:query("select 1"):scalar()
      inner:commit()
      return one
    end))
  end)

  it("in a loop over what is walked by each()", function()
    for _, walked in ipairs { db:query "select 1", db:stream "select 1", db:from "t", db:update "t" } do
      refused("is walked by each%(%)", function() for _ in walked do end end) -- luacheck: ignore 542
    end
  end)

  it("with a method of a row on a result", function()
    local rows = db:query "select 1 as a"
    for _, method in ipairs { "to_json", "copy", "pairs" } do
      refused("is called with a colon on a row", function() return rows[1][method](rows) end)
    end
  end)

  it("with a stream that is taken for a result", function()
    for _, name in ipairs { "all", "first", "scalar", "map" } do
      refused("a stream has no " .. name .. "; say db:query", function()
        local stream = db:stream "select 1"
        return stream[name](stream)
      end)
    end
    assert.is_nil(db:stream("select 1").something)
  end)

  it("with gather: functions, one by one", function()
    refused("has run already", moonpool.gather, db:query "select 1")
    for _, one in ipairs { db:stream "select 1", db:from "t" } do
      refused("gather takes functions, got a s", moonpool.gather, one)
      refused("spawn takes functions, got a s", moonpool.spawn, one)
    end
    refused("unpack%(list%)", moonpool.gather, { function() end })
    refused("got a number", moonpool.gather, 5)
    assert.equal(7, (moonpool.gather({ timeout = "30s" }, function() return 7 end)))
  end)

  it("with a statement that the server explains too little", function()
    local e = refusal(db.query, db, "select 1; select 2")
    assert.matches("db:script", e.hint)
    assert.matches("\nHINT: several statements", tostring(e))
    e = refusal(db.transaction, db, function(tx)
      pcall(tx.exec, tx, "select 1/0")
      tx:query "select 1"
    end)
    assert.equal("in_failed_sql_transaction", e.kind)
    assert.matches("savepoint", e.hint)
  end)

  it("with COPY, which takes no parameters, though it may hold a ?", function()
    local e = refusal(db.copy_out, db, "select 1 where 1 = ?")
    assert.matches("no parameters in COPY", e.hint)
    local out = db:copy_out [[select '{"a":1}'::jsonb ? 'a' as there]]
    assert.is_true(out:each()().there)
    assert.is_nil(refusal(db.copy_out, db, "select from from").hint)
  end)

  it("in the name of a method that is called otherwise here", function()
    refused("tx:transaction", function() db:savepoint "a" end)
    refused("exactly_once = true", function() db:exactly_once(print) end)
    refused("db:query_row", function() db:fetchone "select 1" end)
  end)
end)
