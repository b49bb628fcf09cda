local database = require "database"

local refusal = database.refusal

describe("what a handle says of its nodes", function()
  local db

  setup(function()
    db = database.connect()
    db:script [[drop table if exists core_tokens; create table core_tokens (n int);
      create or replace function core_fails(code text) returns int language plpgsql as
      $$ begin raise exception 'not now' using errcode = code; end $$]]
  end)

  teardown(function()
    db:script "drop table core_tokens; drop function core_fails(text)"
    db:close()
  end)

  it("carries what was seen into another session by a token", function()
    local writer = db:session()
    assert.equal("", writer:token())
    for i = 1, 30 do
      writer:exec("insert into core_tokens values (?)", i)
      local token = writer:token()
      if os.getenv "MOONPOOL_REPLICA" then assert.matches("^%d+/%d+/%x+/%x+$", token) end
      local reader = db:session():after(token)
      assert.equal(i, reader:read_query("select max(n) from core_tokens"):scalar())
      assert.equal(token, reader:token())
    end
  end)

  it("says so when nobody knows where a write was committed", function()
    if not os.getenv "MOONPOOL_REPLICA" then return end
    local writer = db:session()
    local kept = writer:stream "insert into core_tokens values (0) returning n"
    for _ in kept:each() do end -- luacheck: ignore
    assert.equal("primary", writer:token())
    local reader = db:session():after(writer:token())
    assert.is_false(reader:read_query("select pg_is_in_recovery()"):scalar())
  end)

  it("refuses what is no token", function()
    assert.matches("no token", refusal(db.after, db, "nonsense").message)
    assert.matches("takes the text", refusal(db.after, db, 7).message)
  end)

  it("lets an operator open and close a node's breakers", function()
    local other = database.connect { retry = { attempts = 1 }, failover_wait = 0 }
    other:ping()
    local node = other:query("select 1").node
    other:breaker(node, "open")
    local e = refusal(other.ping, other)
    assert.equal("circuit_open", e.kind)
    assert.equal("not_sent", e.outcome)
    local seen
    for _, one in ipairs(other:breakers()) do
      if one.node == node then seen = one end
    end
    assert.same({ node = node, write = "open", read = "open", forced = "open" }, seen)
    other:breaker(node, "closed")
    other:ping()
    other:breaker(node, "automatic")
    for _, one in ipairs(other:breakers()) do assert.is_nil(one.forced) end
    assert.matches("no node called 'x'", refusal(other.breaker, other, "x", "open").message)
    assert.matches("did you mean", refusal(other.breaker, other, node, "opne").message)
    other:close()
  end)

  it("lists every attempt with its cause and its node when it gives up", function()
    local other = database.connect { retry = { attempts = 3, base = "1ms" } }
    local e = refusal(other.query, other, "select core_fails('40001')")
    assert.equal("retry_exhausted", e.kind)
    assert.equal("40001", e.sqlstate)
    assert.equal(3, e.attempt)
    assert.equal(3, #e.causes)
    for i, cause in ipairs(e.causes) do
      assert.equal("serialization_failure", cause.kind)
      assert.equal(e.node, cause.node)
      assert.equal(i, cause.attempt)
    end
    assert.matches("gave up after 3 attempts; the last one: not now", e.message)
    other:close()
  end)

  it("stops repeating when the cluster's budget is spent", function()
    local other = database.connect { retry = { attempts = 4, base = "1ms", budget = 12 } }
    local e = refusal(other.query, other, "select core_fails('57P05')")
    assert.equal("retry_exhausted", e.kind)
    assert.equal(3, e.attempt)
    assert.matches("too many calls of this cluster are repeated", e.message)
    e = refusal(other.query, other, "select core_fails('57P05')")
    assert.equal("idle_session_timeout", e.kind)
    assert.equal(1, e.attempt)
    assert.matches("it was not repeated", tostring(e))
    local retry = other:stats().retry
    assert.equal(2, retry.repeated)
    assert.equal(2, retry.refused)
    assert.equal(2, retry.tokens)
    -- A transaction is repeated out of the same budget, but not where the server asks for it.
    local runs = 0
    local function work(code)
      return function(tx)
        runs = runs + 1
        tx:query("select core_fails(?)", code)
      end
    end
    refusal(other.transaction, other, work "57P05")
    assert.equal(1, runs)
    refusal(other.transaction, other, work "40001", { retries = 2 })
    assert.equal(4, runs)
    other:close()
  end)
end)
