-- What the doctor makes of what it was told.

local cluster = require "moonpool.cli.doctor.cluster"
local json = require "moonpool.core.json"
local migrations = require "moonpool.cli.doctor.migrations"
local null = require "moonpool.core.null"
local primary = require "moonpool.cli.doctor.primary"
local report = require "moonpool.cli.doctor.report"
local server = require "moonpool.cli.doctor.server"
local surroundings = require "moonpool.cli.doctor.surroundings"

local function around(more)
  local made = { env = {}, tools = { folder = "/pg/bin", version = "15.1" }, versions = { luajit = "LuaJIT" } }
  for key, value in pairs(more or {}) do made[key] = value end
  made.getenv = function(name) return made.env[name] end
  return made
end

local function answers(more, settings)
  local made = {
    basics = { database = "shop", user = "app", may_see = true, connections = 3, waiting_for_standbys = 0 },
    settings = { max_connections = "100", superuser_reserved_connections = "3", synchronous_commit = "on" }, skew = 0,
  }
  for key, value in pairs(more or {}) do
    if key == "basics" then
      for name, one in pairs(value) do made.basics[name] = one end
    else
      made[key] = value
    end
  end
  for key, value in pairs(settings or {}) do made.settings[key] = value end
  return made
end

local function is(level, pattern, one)
  assert.equal(level, one.level, one.says)
  assert.matches(pattern, one.says)
  if level ~= "ok" and level ~= "note" then assert.is_string(one.advice) end
end

describe("the surroundings", function()
  it("tell which DSN is used and where from, never what is in it", function()
    is("ok", "embedded", surroundings.source(around()))
    is("ok", "^from %-%-dsn$", surroundings.source(around { dsn = "host=a user=b" }))
    for _, dsn in ipairs { "postgres://u:tops3cret@h/d", "host=h password=tops3cret" } do
      local one = surroundings.source(around { dsn = dsn })
      is("warning", "password", one)
      assert.is_nil((one.says .. one.advice):find "tops3cret")
    end
    is("ok", "MOONPOOL_DSN in the environment", surroundings.source(around { env = { MOONPOOL_DSN = "tops3cret" } }))
    local both = around { env = { MOONPOOL_DSN = "a", DATABASE_URL = "b", PGHOST = "c" } }
    is("note", "from MOONPOOL_DSN.*DATABASE_URL, PGHOST are set too", surroundings.source(both))
    is("ok", "^from PGSERVICE", surroundings.source(around { env = { PGSERVICE = "a", PGHOST = "c" } }))
  end)

  it("tell whether .env gave it", function()
    local env = { DATABASE_URL = "postgres://h/d" }
    for _, line in ipairs { "DATABASE_URL=postgres://h/d", "export DATABASE_URL = 'postgres://h/d'",
      'X=1\r\nDATABASE_URL="postgres://h/d"' } do
      is("ok", "in the file .env here", surroundings.source(around { env = env, env_file = line }))
    end
    is("ok", "another value, which is not used", surroundings.source(around { env = env, env_file = "DATABASE_URL=x" }))
  end)

  it("look at who may read what is secret", function()
    assert.is_nil(surroundings.env_file(around()))
    local secret = "DATABASE_URL=postgres://u:p@h/d"
    is("warning", "others may read it", surroundings.env_file(
      around { env_file = secret, env_file_mode = "-rw-r--r--" }))
    is("warning", "others may read it", surroundings.env_file(
      around { env_file = "PGPASSWORD=x", env_file_mode = "-rw-r-----" }))
    is("note", "no password", surroundings.env_file(around { env_file = "A=1", env_file_mode = "-rw-r--r--" }))
    is("ok", "yours alone", surroundings.env_file(around { env_file = secret, env_file_mode = "-rw-------" }))
    is("failure", "libpq does not use it", surroundings.password_file(around { pgpass_mode = "-rw-r--r--" }))
    is("ok", "", surroundings.password_file(around { pgpass_mode = "-rw-------" }))
  end)

  it("miss PostgreSQL's programs only where they are what is connected to", function()
    is("failure", "not here", surroundings.tools(around { tools = {} }))
    is("note", "not here", surroundings.tools(around { tools = {}, env = { DATABASE_URL = "x" } }))
    is("ok", "15.1", surroundings.tools(around()))
  end)
end)

describe("a server", function()
  it("has room for the pools, or not", function()
    is("ok", "3 of 97 .* up to 20, so 4 such processes fill it", server.connections(answers(), 20))
    is("ok", "so 1 such process fills it", server.connections(answers(), 97))
    is("warning", "90 of 97", server.connections(answers { basics = { connections = 90 } }, 20))
    is("failure", "up to 98", server.connections(answers(), 98))
  end)

  it("keeps time", function()
    is("ok", "", server.clock(answers { skew = 2 }))
    is("warning", "3 s ahead", server.clock(answers { skew = 3 }))
    is("warning", "5 h behind", server.clock(answers { skew = -18000 }))
  end)

  it("uses up its transaction ids", function()
    local function at(age) return server.wraparound(answers { ages = { { name = "shop", age = age } } }) end
    is("ok", "^9 %%", at(2e8))
    is("warning", "^42 %%", at(9e8))
    is("failure", "^93 %%", at(2e9))
    assert.is_nil(server.wraparound(answers()))
  end)

  it("is encrypted, safe, cleaned up", function()
    is("ok", "socket", server.encryption(answers()))
    is("ok", "encrypted", server.encryption(answers { basics = { by_network = true, tls = true } }))
    is("warning", "in the clear", server.encryption(answers { basics = { by_network = true } }))
    is("warning", "md5", server.passwords(answers(nil, { password_encryption = "md5" })))
    assert.is_nil(server.passwords(answers(nil, { password_encryption = "scram-sha-256" })))
    is("warning", "crash", server.safety(answers(nil, { fsync = "off" })))
    is("warning", "tables grow", server.autovacuum(answers(nil, { autovacuum = "off" })))
    is("ok", "5 min", server.idle_timeout(answers(nil, { idle_in_transaction_session_timeout = "300000" })))
    is("note", "for ever", server.idle_timeout(answers(nil, { idle_in_transaction_session_timeout = "0" })))
    is("warning", "no longer mend", server.version(answers(nil, { server_version_num = "120004" })))
  end)

  it("has transactions open", function()
    is("ok", "none", server.long_open(answers { long_open = {} }))
    local one = { pid = 7, user = "app", application = "", state = "idle in transaction", seconds = 7200 }
    is("warning", "one is open .* 2 h: process 7 of app, idle in", server.long_open(answers { long_open = { one } }))
    is("warning", "'x' has waited .* 5 h", server.prepared(answers { prepared = { { gid = "x", seconds = 18000 } } }))
    assert.is_nil(server.prepared(answers { prepared = {} }))
  end)
end)

describe("a primary", function()
  it("waits for standbys that are there, or for ever", function()
    local names = { synchronous_standby_names = "alpha" }
    assert.is_nil(primary.synchronous(answers(nil, { synchronous_standby_names = "" })))
    is("ok", "1 connected", primary.synchronous(answers({ standbys = { { sync_state = "sync" } } }, names)))
    is("failure", "none of them is connected: every COMMIT waits",
      primary.synchronous(answers({ standbys = { { sync_state = "async" } } }, names)))
    is("note", "hidden", primary.synchronous(answers({ basics = { may_see = false } }, names)))
    names.synchronous_commit = "local"
    is("warning", "ask for them", primary.synchronous(answers(nil, names)))
  end)

  it("has slots that hold back WAL", function()
    local function with(slot)
      slot.name, slot.wal_status, slot.bytes = "s", slot.wal_status or "reserved", slot.bytes or 0
      return primary.slots(answers({ slots = { slot } }, { max_slot_wal_keep_size = "-1" }))[1]
    end
    is("ok", "1 slot", with { active = true })
    is("warning", "used by nobody and holds back 3 MB of WAL, without a limit", with { active = false, bytes = 3e6 })
    is("warning", "consumer is behind", with { active = true, bytes = 3e9 })
    is("failure", "has lost WAL", with { active = false, wal_status = "lost" })
    assert.same({}, primary.slots(answers()))
  end)

  it("has sequences near their end, also downwards", function()
    local function at(last, stop, start)
      local one = { name = "a.s", last = last, ["end"] = stop, start = start }
      return primary.sequences(answers { sequences = { one } })[1]
    end
    is("ok", "none", at(79, 101, 1))
    is("warning", "81 of 101 %(80 %%%)", at(81, 101, 1))
    is("failure", "at its end inserts fail", at(2147483600, 2147483647, 1))
    is("failure", "", at(-100, -101, -1))
  end)
end)

describe("the cluster", function()
  local function node(more)
    local made = { name = "a", role = "primary", alive = true, refused = null, timeline = 1, lag_ms = null,
      lag_bytes = null, round_trip_ms = 0.5, problem = null }
    for key, value in pairs(more) do made[key] = value end
    return made
  end
  local function of(...) return { nodes = { ... }, primary = "a", timeline = 1, split_brain = false } end

  it("answers, or says why not and what to do", function()
    is("ok", "0.5 ms", cluster.reachable(of(node {}))[1])
    for problem, advice in pairs { ["connection refused\nIs it?"] = "log", ["Connection refused"] = "start it",
      ['FATAL: password authentication failed for user "x"'] = "password", ["timeout expired"] = "firewall" } do
      local one = cluster.reachable(of(node { alive = false, problem = problem }))[1]
      is("failure", problem:match "^[^\n]+", one)
      assert.matches(advice, one.advice)
    end
    is("failure", "no answer", cluster.reachable(of(node { alive = false }))[1])
  end)

  it("has one primary", function()
    is("ok", "a", cluster.primary(of(node {}))[1])
    local none = of(node { role = "replica" })
    none.primary = null
    is("failure", "only reads", cluster.primary(none)[1])
    none.split_brain = true
    is("failure", "several", cluster.primary(none)[1])
  end)

  it("has replicas that follow", function()
    local function replica(more)
      more.role = "replica"
      return cluster.replication(of(node(more)))[1]
    end
    is("ok", "0 s behind", replica { lag_ms = 0, lag_bytes = 0 })
    is("ok", "", replica { lag_ms = 1e7, lag_bytes = 0 })
    is("warning", "20 s behind", replica { lag_ms = 20000, lag_bytes = 10 })
    is("failure", "10 min behind", replica { lag_ms = 600000, lag_bytes = 10 })
    is("warning", "100.0 MB", replica { lag_ms = 0, lag_bytes = 104857600 })
    is("failure", "timeline 1, the primary on 2", (function()
      local document = of(node { role = "replica" })
      document.timeline = 2
      return cluster.replication(document)[1]
    end)())
    is("note", "not known", replica {})
  end)

  it("is what its servers were named as", function()
    is("warning", "is a replica and was named as a primary", cluster.roles(of(node { name = "primary",
      role = "replica" }))[1])
    is("ok", "primary", cluster.roles(of(node { name = "db1:5432" }))[1])
    is("warning", "PgBouncer", cluster.pooler(true))
    assert.is_nil(cluster.pooler(false))
  end)
end)

describe("migrations", function()
  local function with(...)
    local list = {}
    for i, state in ipairs { ... } do list[i] = { state = state, title = i .. "_x" } end
    return migrations.check(list)
  end

  it("stand as they should, or as they do", function()
    is("ok", "all applied: 2", with("applied", "applied")[1])
    is("ok", "none", with()[1])
    is("warning", "pending: 1_x, 2_x, 3_x and 2 more", with("pending", "pending", "pending", "pending", "pending")[1])
    is("warning", "pending: 2_x$", with("applied", "pending")[1])
    is("failure", "half applied: 1_x", with("running", "pending")[1])
    is("failure", "changed", with("changed")[1])
    is("failure", "why not", migrations.check(nil, "why not")[1])
    assert.same({}, migrations.check(nil))
    assert.equal("`moonpool migrate up --dir a/b`",
      migrations.check({ { state = "pending", title = "1_x" } }, nil, "a/b")[1].advice)
    assert.equal("`moonpool migrate status --dir 'it'\\''s'` says more", migrations.check(nil, "x", "it's")[1].advice)
  end)
end)

describe("a report", function()
  local findings = {
    { level = "ok", check = "versions", says = "1" },
    { level = "failure", check = "slots", node = "a", says = "bad\27[2J", advice = "mend it" },
  }

  it("is text, section by section", function()
    assert.equal("ok       versions: 1\na:\nFAILURE  slots: bad?[2J\n         → mend it\n1 failure.",
      report.text(findings, true))
    assert.matches("Everything is as it should be%.$", report.text({ findings[1] }, true))
    assert.matches("No server was reached%.$", report.text(findings, false))
    assert.matches("\27%[31mFAILURE\27%[0m", report.text(findings, true, true))
  end)

  it("is one document", function()
    local document = json.decode(report.document(findings, true))
    assert.equal(1, document.schema_version)
    assert.is_true(document.reached)
    assert.equal(1, document.failures)
    assert.equal("mend it", document.findings[2].advice)
    assert.equal(null, document.findings[1].node)
  end)
end)
