-- `moonpool doctor`: what it finds on servers that have it.

local doctor = require "moonpool.cli.doctor"
local folders = require "folder"
local json = require "moonpool.core.json"
local moonpool = require "moonpool"
local program = require "program"

local function pick(findings, check, level)
  local out = {}
  for _, one in ipairs(findings) do
    if one.check == check and (not level or one.level == level) then out[#out + 1] = one end
  end
  return out
end

describe("moonpool doctor finds", function()
  local servers, db

  setup(function()
    servers = assert(moonpool.testing.servers())
    db = servers:connect()
  end)
  teardown(function() servers:close() end)

  -- What it says of one check; all of it where nothing is named.
  local function examine(check, level, opts)
    opts = opts or {}
    opts.dsn = opts.dsn or servers.primary
    local findings, reached = doctor.examine(opts)
    assert.is_true(reached)
    return check and pick(findings, check, level) or findings
  end

  local function says(pattern, found)
    assert.equal(1, #found)
    assert.matches(pattern, found[1].says)
    return found[1]
  end

  it("nothing that fails on a server that is well", function()
    local findings = examine()
    assert.same({}, pick(findings, "questions"))
    for _, one in ipairs(findings) do
      assert(one.level ~= "failure", one.says)
    end
    for _, check in ipairs { "versions", "reachable", "server", "clock", "connections", "privileges", "indexes",
      "transaction ids", "open transactions", "sequences" } do
      assert.equal("ok", (pick(findings, check)[1] or {}).level, check)
    end
  end)

  it("an index that is invalid, and the command that mends it", function()
    db:script "create table twice (a int); insert into twice values (1), (1)"
    assert.is_false(pcall(db.exec, db, "create unique index concurrently twice_a on twice (a)"))
    local one = says("public%.twice_a on public%.twice is invalid.*unique", examine("indexes", "warning"))
    db:exec "delete from twice"
    db:exec((one.advice:match "^(reindex index concurrently [%w_.]+)"))
    says("all are valid", examine("indexes", "ok"))
    db:exec "drop table twice"
  end)

  it("a sequence near its end", function()
    db:script "create sequence short maxvalue 100; select setval('short', 97)"
    says("public%.short is at 97 of 100 %(96 %%%)", examine("sequences", "failure"))
    db:script "drop sequence short"
  end)

  it("a slot that nobody uses", function()
    db:query "select pg_create_physical_replication_slot('left_behind', true)"
    local one = says("left_behind is used by nobody", examine("replication slots", "warning"))
    db:query(one.advice:match "(select .*)$")
    assert.same({}, examine("replication slots", "warning"))
  end)

  it("a transaction that has been open for long", function()
    local tx = db:begin()
    tx:query "select 1"
    says("open for long.*process %d+ of .*idle in transaction", examine("open transactions", "warning", { long = 0 }))
    assert.same({}, examine("open transactions", "warning"))
    tx:rollback()
  end)

  it("synchronous standbys of which none is there", function()
    local function settle(sql, wanted)
      db:exec(sql)
      db:query "select pg_reload_conf()"
      local deadline = os.time() + 20
      repeat
        local own = moonpool.connect(servers.primary)
        local value = own:query("show synchronous_standby_names"):scalar()
        own:close()
      until value == wanted or os.time() > deadline
    end
    settle("alter system set synchronous_standby_names = 'nobody'", "nobody")
    local found = examine("synchronous standbys")
    settle("alter system reset synchronous_standby_names", "")
    assert.equal("failure", says("nobody, and none of them is connected: every COMMIT waits", found).level)
    assert.same({}, examine "synchronous standbys")
  end)

  it("what a user without pg_monitor does not see", function()
    db:script "create role seer login"
    local dsn = servers.primary .. " user=seer"
    says("hidden from seer", examine("privileges", "note", { dsn = dsn }))
    db:exec "grant pg_monitor to seer"
    says("pg_monitor", examine("privileges", "ok", { dsn = dsn }))
    db:exec "drop role seer"
  end)

  it("migrations that are pending, and those that were changed", function()
    local folder = folders.new { ["1_one.up.sql"] = "create table one (a int)" }
    says("pending: 1_one", examine("migrations", "warning", { dir = folder.path }))
    moonpool.migrator(db, { dir = folder.path }):up()
    says("all applied: 1", examine("migrations", "ok", { dir = folder.path }))
    local file = assert(io.open(folder.path .. "/1_one.up.sql", "wb"))
    file:write "create table one (a bigint)"
    file:close()
    says("changed after it was applied: 1_one", examine("migrations", "failure", { dir = folder.path }))
    folder:delete()
    db:script "drop table one; drop table schema_migrations"
  end)
end)

describe("moonpool doctor", function()
  it("asks every server, and says the same as one document", function()
    local ran = program.run { "doctor" }
    assert.equal("", ran.err)
    assert.equal(0, ran.code, ran.out)
    assert.matches("\nprimary:\nok +reachable", ran.out)
    assert.matches("\nreplica%-1:\nok +reachable", ran.out)
    assert.matches("ok +replication: ", ran.out)
    assert.matches("ok +versions: moonpool %d.*libpq %d+%.%d+.*libpqxx %d.*LuaJIT", ran.out)
    local document = json.decode(program.run({ "doctor", "--json" }).out)
    assert.equal(1, document.schema_version)
    assert.equal(0, document.failures)
  end)

  it("ends with 3 where no server answers, and shows no password", function()
    local dsn = "host=/nonexistent user=postgres password=tops3cret"
    local ran = program.run({ "doctor" }, { env = { MOONPOOL_DSN = dsn, MOONPOOL_PRIMARY = false } })
    assert.equal(3, ran.code)
    assert.matches("FAILURE +reachable: ", ran.out)
    assert.matches("DSN: from MOONPOOL_DSN in the environment", ran.out)
    assert.is_nil((ran.out .. ran.err):find "tops3cret")
  end)

  it("ends with 1 where the DSN cannot be read", function()
    local ran = program.run { "doctor", "--dsn", "host=a passwort=tops3cret" }
    assert.equal(1, ran.code)
    assert.matches("FAILURE +DSN", ran.out)
    assert.is_nil((ran.out .. ran.err):find "tops3cret")
  end)

  it("tells whose servers were swapped", function()
    local ran = program.run({ "doctor" }, { env = {
      MOONPOOL_PRIMARY = os.getenv "MOONPOOL_REPLICA", MOONPOOL_REPLICA = os.getenv "MOONPOOL_PRIMARY" } })
    assert.equal(0, ran.code)
    assert.matches("primary:\n.-warning  role: is a replica and was named as a primary", ran.out)
  end)
end)
