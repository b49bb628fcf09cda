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

describe("moonpool.testing.rerun", function()
  local db

  setup(function()
    db = database.connect()
    db:script "drop table if exists core_rerun; create table core_rerun (id int primary key)"
  end)
  teardown(function()
    db:exec "drop table core_rerun"
    db:close()
  end)

  it("runs every transaction twice, and keeps what the second run did", function()
    local runs = 0
    local twice = moonpool.testing.rerun(db)
    for i = 1, 3 do
      assert.equal(i, twice:transaction(function(tx)
        runs = runs + 1
        tx:exec("insert into core_rerun values (?)", i)
        return i
      end))
    end
    assert.equal(6, runs)
    assert.equal(3, db:query("select count(*) from core_rerun"):scalar())
  end)

  it("finds a function that may not be run twice", function()
    local sent = {}
    moonpool.testing.rerun(db):transaction(function(tx)
      tx:exec "select 1"
      sent[#sent + 1] = "a letter"
    end)
    assert.equal(2, #sent)
  end)

  it("leaves alone what is never run again, nested transactions, and what raises", function()
    local runs = 0
    local twice = moonpool.testing.rerun(db)
    twice:transaction(function() runs = runs + 1 end, { retries = 0 })
    assert.equal(1, runs)
    local inner = 0
    twice:transaction(function(tx) tx:transaction(function() inner = inner + 1 end) end)
    assert.equal(2, inner)
    runs = 0
    local raised = {}
    local ok, e = pcall(twice.transaction, twice, function()
      runs = runs + 1
      error(raised, 0)
    end)
    assert.is_false(ok)
    assert.equal(raised, e)
    assert.equal(1, runs)
    local tx = twice:begin()
    tx:exec "select 1"
    tx:commit()
  end)

  it("counts as one of the runs", function()
    local e = refusal(function()
      moonpool.testing.rerun(db):transaction(function(tx)
        tx:exec "do $$ begin raise exception 'again' using errcode = '40001'; end $$"
      end, { retries = 1 })
    end)
    assert.equal("40001", e.sqlstate)
    assert.equal(2, e.attempt)
    assert.matches("takes a database handle", refusal(moonpool.testing.rerun, {}).message)
  end)
end)

describe("moonpool.testing.servers", function()
  local testing = moonpool.testing

  it("starts a cluster of its own, which ends when it is closed", function()
    local servers = assert(testing.servers { replicas = 1 })
    local db = servers:connect()
    assert.equal(1, #servers.replicas)
    assert.not_equal(os.getenv "MOONPOOL_PRIMARY", servers.primary)
    db:exec "create table here (id int)"
    local folder = db:query("show data_directory"):scalar()
    assert.is_true(db:read_query("select 1 = 1"):scalar())
    servers:close()
    servers:close()
    assert.is_nil(io.open(folder .. "/PG_VERSION"))
    assert.matches("servers were closed", refusal(servers.connect, servers).message)
  end)

  it("ends when nobody has it any more", function()
    local servers = assert(testing.servers())
    local db = servers:connect()
    local folder = db:query("show data_directory"):scalar()
    servers = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.equal(1, db:query("select 1"):scalar())
    db:close()
    db = nil -- luacheck: ignore
    for _ = 1, 4 do collectgarbage() end
    assert.is_nil(io.open(folder .. "/PG_VERSION"))
  end)

  local function in_a_process_with(environment, code)
    local file = os.tmpname()
    local out = assert(io.open(file, "w"))
    out:write(code)
    out:close()
    local pipe = assert(io.popen(environment .. " luajit " .. file .. " 2>&1"))
    local said = pipe:read "*a"
    pipe:close()
    os.remove(file)
    return said
  end
  local ASK = [[local servers, why = require("moonpool").testing.servers() print(servers, why)]]

  it("says clearly that there is none", function()
    local said = in_a_process_with("MOONPOOL_PG_BIN=/nowhere", ASK)
    assert.matches("^nil\t.*was not found on this machine", said)
  end)

  it("raises where nothing may be skipped", function()
    local said = in_a_process_with("MOONPOOL_PG_BIN=/nowhere MOONPOOL_TEST_REQUIRED=1", ASK)
    assert.matches("environment", said)
    assert.not_matches("^nil", said)
  end)

  it("takes the servers that are named", function()
    local said = in_a_process_with("MOONPOOL_TEST_DSN='" .. os.getenv "MOONPOOL_PRIMARY" .. "'", [[
      local servers = require("moonpool").testing.servers()
      local db = servers:connect { pool = { max = 1 } }
      print(db:query("select 6 * 7"):scalar(), #servers.replicas)
      servers:close()]])
    assert.matches("^42\t0", said)
  end)

  it("refuses what it does not know", function()
    assert.matches("did you mean.*replicas", refusal(testing.servers, { replica = 1 }).message)
    assert.matches("whole number from 0", refusal(testing.servers, { replicas = -1 }).message)
  end)
end)
