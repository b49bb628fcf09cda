local database = require "database"
local moonpool = require "moonpool"

local refusal = database.refusal

describe("a handle", function()
  local db

  setup(function()
    db = database.connect()
    db:script [[drop table if exists core_users; create table core_users (
      id bigint generated always as identity primary key, email text not null unique, name text, age int)]]
  end)

  teardown(function()
    db:exec "drop table core_users"
    db:close()
  end)

  before_each(function() db:exec "truncate core_users restart identity" end)

  it("pings", function() assert.is_true(db:ping()) end)

  it("tells how many rows a statement touched", function()
    assert.equal(1, db:exec("insert into core_users (email) values (?)", "a@x.io"))
    assert.equal(2, db:exec("insert into core_users (email) values (?), (?)", "b@x.io", "c@x.io"))
    assert.equal(3, db:exec "update core_users set age = 1")
    assert.equal(0, db:exec "delete from core_users where false")
    assert.equal(0, db:exec "set application_name = 'core'")
  end)

  it("gives a row, or nil", function()
    db:exec("insert into core_users (email, name) values (:email, :name)", { email = "a@x.io", name = moonpool.null })
    local row = db:query_row("select id, email, name from core_users where email = :e", { e = "a@x.io" })
    assert.equal(1, row.id)
    assert.equal("a@x.io", row.email)
    assert.is_nil(row.name)
    assert.is_nil(db:query_row "select 1 where false")
    assert.is_nil(db:read_query_row "select 1 where false")
  end)

  it("reads on the replica and writes on the primary", function()
    assert.is_false(db:query("select pg_is_in_recovery()"):scalar())
    local answer = db:read_query "select pg_is_in_recovery() as r"
    assert.equal(os.getenv "MOONPOOL_REPLICA" ~= nil, answer:scalar())
    assert.is_string(answer.node)
    assert.equal(answer:scalar(), db:read_query_row("select pg_is_in_recovery() as r").r)
  end)

  it("counts trailing nils", function()
    local row = db:query_row("select ?::int as a, ?::text as b", 1, nil)
    assert.equal(1, row.a)
    assert.is_nil(row.b)
    assert.equal("usage", refusal(db.query_row, db, "select ?::int, ?::text", 1).kind)
  end)

  it("keeps jsonb's question mark", function()
    assert.is_true(db:query([[select '{"a":1}'::jsonb ?? ?]], "a"):scalar())
  end)

  it("raises the server's error with its fields and the caret", function()
    db:exec "insert into core_users (email) values ('a@x.io')"
    local e = refusal(function() db:exec("insert into core_users (email) values (?)", "a@x.io") end)
    assert.equal("unique_violation", e.kind)
    assert.equal("server", e.family)
    assert.equal("23505", e.sqlstate)
    assert.equal("core_users_email_key", e.constraint)
    assert.equal("core_users", e.table)
    assert.equal("public", e.schema)
    assert.equal("ERROR", e.severity)
    assert.equal("rejected", e.outcome)
    assert.matches("Key %(email%)", e.detail)
    assert.is_true(e:is "unique_violation" and e:is "23505" and e:is "23")
    assert.is_false(e.in_doubt)
    assert.is_false(e.retryable)
    assert.is_string(e.node)
    assert.equal("insert into core_users (email) values ($1)", e.query)
    assert.is_nil(tostring(e):find("a@x.io", 1, true), "a parameter is in the text of the error")
    assert.matches("handle_pgspec%.lua:%d+", e.where)

    e = refusal(db.query, db, "select nmae\nfrom core_users")
    assert.equal("undefined_column", e.kind)
    assert.equal(8, e.position)
    assert.matches("LINE 1: select nmae\n               %^", tostring(e))

    e = refusal(db.exec, db, "insert into core_users (name) values (?)", "x")
    assert.equal("not_null_violation", e.kind)
    assert.equal("email", e.column)
  end)

  it("refuses wrong parameters before anything is sent", function()
    local e = refusal(db.query, db, "select ?::int", 1, 2)
    assert.equal("usage", e.kind)
    assert.equal("not_sent", e.outcome)
    assert.matches("takes 1 parameter, got 2", e.message)
    e = refusal(db.query, db, "select :a::text", { a = "x\0y" })
    assert.matches('parameter "a" holds a zero byte', e.message)
  end)

  it("is called with a colon", function()
    assert.matches("called with a colon", refusal(db.query, "select 1").message)
    assert.matches("called with a colon", refusal(db.exec, {}, "select 1").message)
  end)

  it("runs a script of several statements", function()
    local results = db:script "select 1 as a; create temporary table script_t (x int); select 2 as b, 3 as c"
    assert.equal(3, #results)
    assert.equal(1, results[1]:scalar())
    assert.equal(3, results[3]:one().c)
    assert.equal("syntax_error", refusal(db.script, db, "select 1; selec 2").kind)
    assert.has_error(function() db:script(nil) end)
  end)

  it("takes anything that brings its text and parameters", function()
    local built = { to_sql = function() return "select $1::int + $2::int as n", { 1, 2, n = 2 } end }
    assert.equal(3, db:query(built):scalar())
    assert.equal(1, db:exec(built))
    assert.equal("usage", refusal(db.query, db, built, 1).kind)
  end)

  it("runs what builders number themselves", function()
    local answer = db:_run { sql = [[select '{"a":1}'::jsonb ? $1 as has]], params = { "a" }, n = 1 }
    assert.is_true(answer:scalar())
    assert.equal(1, db:_run { sql = "select 1" }:scalar())
    assert.is_nil(db:_run { sql = "select $1::int", params = { nil }, n = 1 }:scalar())
    if os.getenv "MOONPOOL_REPLICA" then
      assert.is_true(db:_run { sql = "select pg_is_in_recovery()", route = "read" }:scalar())
    end
    assert.equal("timeout", refusal(db._run, db, { sql = "select pg_sleep(5)", timeout = "100ms" }).kind)
  end)

  it("has handles with other habits", function()
    local quick = db:with { timeout = "1s" }
    local e = refusal(quick.exec, quick, "select pg_sleep(30)")
    assert.equal("timeout", e.kind)
    assert.is_true(e.in_doubt)
    assert.equal(1, quick:with({ timeout = "20s" }):query("select 1"):scalar())
    assert.equal("config", refusal(db.with, db, { timeuot = "1s" }).kind)
    assert.equal("usage", refusal(db.with, db, nil).kind)
    local own = db:session()
    assert.equal(1, own:query("select 1"):scalar())
  end)

  it("keeps one connection where that was asked for", function()
    local pinned = db:session { pinned = true }
    local pid = pinned:query("select pg_backend_pid()"):scalar()
    pinned:exec "create temporary table kept (x int)"
    for _ = 1, 5 do assert.equal(pid, pinned:query("select pg_backend_pid()"):scalar()) end
    pinned:transaction(function(tx) assert.equal(pid, tx:query("select pg_backend_pid()"):scalar()) end)
    assert.equal(0, pinned:query("select count(*) from kept"):scalar())
    pinned:release()
    assert.matches("was released", refusal(pinned.query, pinned, "select 1").message)
  end)

  it("tells its nodes", function()
    local stats = db:stats()
    assert.is_true(#stats.nodes >= 1)
    assert.equal("primary", stats.nodes[1].role)
    assert.equal("database", tostring(db))
  end)

  it("reads int8 as the connection wishes", function()
    local other = database.connect { types = { int8 = "string" } }
    assert.equal("7", other:query("select 7::int8"):scalar())
    assert.equal(7, db:query("select 7::int8"):scalar())
    assert.equal("usage", refusal(database.connect, { types = { int8 = "x" } }).kind)
    other:close()
  end)

  it("answers nothing once it is closed", function()
    local other = database.connect()
    other:ping()
    other:close "1s"
    other:close()
    local e = refusal(other.query, other, "select 1")
    assert.equal("cluster_closed", e.kind)
    assert.equal("database (closed)", tostring(other))
  end)

  it("raises when there is no server, and never shows the password", function()
    local nobody = moonpool.connect {
      primary = "host=/nonexistent user=u password=tops3cret",
      pool = { acquire_timeout = "300ms", connect_timeout = "200ms" }, timeout = "500ms",
    }
    local e = refusal(nobody.ping, nobody)
    assert.is_true(e.kind == "connection" or e.kind == "no_primary" or e.kind == "retry_exhausted"
      or e.kind == "pool_timeout" or e.kind == "timeout", e.kind)
    assert.equal("not_sent", e.outcome)
    assert.is_nil(tostring(e):find("tops3cret", 1, true))
  end)
end)
