local database = require "database"
local moonpool = require "moonpool"

-- Misuse is a plain string, raised at the caller's line.
local function misuse(pattern, f)
  local ok, why = pcall(f)
  assert.is_false(ok)
  assert.is_truthy(tostring(why):find(pattern), tostring(why))
end

-- Collects what comes, and finds in it.
local function collector()
  local seen = {}
  return seen, function(event) seen[#seen + 1] = event end
end

local function find(seen, wanted)
  local found = {}
  for _, event in ipairs(seen) do
    local all = true
    for key, value in pairs(wanted) do all = all and event[key] == value end
    if all then found[#found + 1] = event end
  end
  return found
end

describe("db:on", function()
  local db

  setup(function()
    db = database.connect()
    db:script "drop table if exists core_observe; create table core_observe (id int primary key, t text)"
  end)
  teardown(function()
    db:exec "drop table core_observe"
    db:close()
  end)

  it("tells each statement once, after the call, without its values", function()
    local seen, f = collector()
    local subscription = db:on("statement", f)
    db:exec("insert into core_observe values (?, 'canary')", 1)
    assert.equal(1, #seen)
    local event = seen[1]
    assert.equal("statement", event.kind)
    assert.equal("insert into core_observe values (?)", event.statement)
    assert.equal("INSERT", event.operation)
    assert.equal(1, event.rows)
    assert.equal(1, event.attempt)
    assert.equal("ok", event.outcome)
    assert.is_true(event.writes)
    assert.is_true(event.seconds > 0)
    assert.equal(16, #event.fingerprint)
    assert.is_not_nil(event.node)
    subscription:stop()
    db:query "select 1"
    assert.equal(1, #seen)
  end)

  it("tells what failed, and how", function()
    local seen, f = collector()
    local subscription = db:on("statement", f)
    pcall(db.query, db, "select 'canary'::int")
    subscription:stop()
    assert.equal("invalid_text_representation", seen[1].error)
    assert.equal("22P02", seen[1].sqlstate)
    assert.equal("rejected", seen[1].outcome)
    for _, value in pairs(seen[1]) do assert.is_nil(tostring(value):find "canary") end
  end)

  it("tells of transactions, batches, scripts, streams and COPY", function()
    local seen, f = collector()
    local subscription = db:on({ "statement", "transaction" }, f)
    db:transaction(function(tx)
      tx:exec "update core_observe set t = 'x' where id = 1"
      tx:exec "update core_observe set t = 'y' where id = 1"
    end)
    pcall(db.transaction, db, function() error "no" end)
    db:batch(function(b)
      b:add "select 1"
      b:add "select 2"
    end)
    db:script "select 1; select 2"
    for _ in db:stream("select generate_series(1, 3)"):each() do assert(true) end
    db:copy_in("core_observe", { "id", "t" }, function(put) put(10, "ten") end)
    subscription:stop()
    assert.equal(2, #find(seen, { operation = "UPDATE" }))
    assert.equal(1, #find(seen, { kind = "transaction", to = "committed" }))
    assert.equal(1, #find(seen, { kind = "transaction", to = "rolled_back" }))
    assert.equal(2, find(seen, { operation = "BATCH" })[1].statements)
    assert.equal(1, #find(seen, { operation = "SCRIPT" }))
    assert.equal(3, find(seen, { statement = "select generate_series (?)" })[1].rows)
    assert.equal(1, find(seen, { operation = "COPY", writes = true })[1].rows)
  end)

  it("audits a COPY that was given up as one that stored nothing", function()
    local seen, f = collector()
    local subscription = db:on("audit", f)
    pcall(db.copy_in, db, "core_observe", { "id", "t" }, function(put)
      put(77, "x")
      error "no"
    end)
    subscription:stop()
    assert.equal(1, #seen)
    assert.equal("COPY", seen[1].operation)
    assert.equal(0, seen[1].rows)
    assert.not_equal("ok", seen[1].outcome)
    assert.equal(0, db:query("select count(*) from core_observe where id = 77"):scalar())
  end)

  it("carries the caller's tags into events and lines", function()
    local seen, f = collector()
    local traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    local subscription = db:on({ "statement", "log" }, f, { level = "debug" })
    db:with { correlation_id = "request-7", traceparent = traceparent }:query "select 1"
    db:with { correlation_id = "request-8" }:transaction(function(tx) tx:query "select 2" end)
    subscription:stop()
    local event = find(seen, { kind = "statement", correlation_id = "request-7" })[1]
    assert.equal(traceparent, event.traceparent)
    local line = find(seen, { kind = "log", event = "statement" })[1]
    assert.equal("request-7", line.fields.correlation_id)
    assert.equal("debug", line.level)
    assert.equal(1, #find(seen, { kind = "statement", correlation_id = "request-8" }))
  end)

  it("says them in a comment where that was asked for", function()
    local own = "select query from pg_stat_activity where pid = pg_backend_pid()"
    local trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
    local traced = db:with { trace = { comment = true } }
    local function text_of(handle, sql) return handle:query(sql or own):scalar():sub(#own + 1) end
    assert.equal(" /*action='show',route='%2Fa%2A%2F'*/", text_of(db:tagged { route = "/a*/", action = "show" }))
    assert.equal(" /*a='2',b='1'*/", text_of(db:tagged { a = 1, b = 1 }:tagged { a = 2 }))
    assert.equal(" /*correlation_id='r%207',traceparent='" .. trace .. "1'*/",
      text_of(traced:with { correlation_id = "r 7", traceparent = trace .. "1" }))
    assert.equal(" /*correlation_id='r'*/", text_of(traced:with { correlation_id = "r" }))
    assert.equal("", text_of(traced:with { correlation_id = "r 7", traceparent = trace .. "0" }))
    assert.equal("", text_of(db:with { correlation_id = "r 7" }))
    assert.equal(" -- mine", text_of(db:tagged { a = 1 }, own .. " -- mine"))
    -- In a transaction too, and in a stream.
    db:tagged { a = 1 }:transaction(function(tx) assert.equal(" /*a='1'*/", text_of(tx)) end)
    for row in db:tagged { a = 1 }:stream(own):each() do assert.equal(" /*a='1'*/", row.query:sub(#own + 1)) end
    -- A traced statement is not prepared; a tagged one is.
    local pinned = db:session { pinned = true }
    local function prepared(handle, sql)
      for _ = 1, 3 do handle:query(sql) end
      return pinned:query("select count(*) from pg_prepared_statements where statement like ?", sql .. "%"):scalar()
    end
    assert.equal(0, prepared(pinned:with { trace = { comment = true }, correlation_id = "r" }, "select 4711"))
    assert.equal(1, prepared(pinned:tagged { a = 1 }, "select 4712"))
    pinned:release()
  end)

  it("audits what may write, with who did it", function()
    local seen, f = collector()
    local subscription = db:on("audit", f)
    db:as { ["app.user_id"] = "7" }:exec "update core_observe set t = 'z'"
    db:query "select 1"
    db:transaction(function(tx) tx:exec "delete from core_observe where id = 99" end)
    subscription:stop()
    assert.equal(3, #seen)
    assert.equal("app.user_id=7", seen[1].who)
    assert.equal("UPDATE", seen[1].operation)
    assert.equal("DELETE", seen[2].operation)
    assert.equal(0, seen[2].rows)
    assert.equal("committed", seen[3].to)
  end)

  it("is not disturbed by a function that raises, nor by one that asks the database itself", function()
    local asked, depth = 0, 0
    local first = db:on("statement", function() error "no good" end)
    local second = db:on("statement", function()
      depth = depth + 1
      assert(depth == 1)
      asked = asked + 1
      if asked < 3 then db:query "select 'from inside'" end
      depth = depth - 1
    end)
    local stderr = io.stderr
    io.stderr = { write = function() end } -- luacheck: ignore 122
    db:query "select 1"
    io.stderr = stderr -- luacheck: ignore 122
    assert.equal(1, db:query("select 1"):scalar())
    first:stop()
    second:stop()
    assert.is_true(asked >= 2)
  end)

  it("works inside tasks", function()
    local seen, f = collector()
    local subscription = db:on("statement", f)
    moonpool.gather(
      function() db:query "select 1" end,
      function() db:query "select 2" end)
    subscription:stop()
    assert.equal(2, #seen)
  end)

  it("tells who only sleeps what happens meanwhile", function()
    local other = database.connect { health = { interval = "50ms" } }
    local looks = 0
    local watching = other:on("probe", function() looks = looks + 1 end)
    for _ = 1, 400 do
      if looks > 0 then break end
      moonpool.sleep "50ms"
    end
    local told = looks
    watching:stop()
    other:close()
    assert.is_true(told > 0)
  end)

  it("drops the oldest when too much comes at once, and says so", function()
    local seen, f = collector()
    local subscription = db:on({ "statement", "acquire", "use" }, f, { capacity = 1 })
    db:query "select 1"
    assert.equal(1, #seen)
    assert.is_true(subscription:lost() >= 1)
    subscription:stop()
    assert.equal(0, subscription:lost())
  end)

  it("says what it takes", function()
    misuse("no events of kind statment %(did you mean", function() db:on("statment", print) end)
    misuse("takes a function", function() db:on("statement") end)
    misuse("a level is", function() db:on("log", print, { level = "loud" }) end)
    misuse("an empty list", function() db:on({}, print) end)
  end)
end)

describe("db:metrics", function()
  it("counts what happens, under OpenTelemetry's names", function()
    local db = database.connect { metrics = true }
    local function value(name, labels)
      for line in db:metrics():gmatch "[^\n]+" do
        if line:find(name .. "{", 1, true) == 1 then
          local all = true
          for _, label in ipairs(labels) do all = all and line:find(label, 1, true) ~= nil end
          if all then return tonumber(line:match "(%S+)$") end
        end
      end
    end
    db:query "select 1"
    db:query "select generate_series(1, 7)"
    pcall(db.query, db, "select 1/0")
    db:transaction(function(tx) tx:query "select 1" end)
    pcall(db.transaction, db, function() error "no" end)
    local select = 'db_operation_name="SELECT"'
    assert.equal(3, value("db_client_operation_duration_seconds_count",
      { '{db_operation_name="SELECT",db_system_name="postgresql",node="primary"}' }))
    assert.equal(1, value("db_client_operation_duration_seconds_count", { select, 'error_type="22012"' }))
    assert.equal(9, value("db_client_response_returned_rows_sum", { select }))
    assert.equal(1, value("db_client_connection_count", { '="primary/write"', 'state="idle"' }))
    assert.equal(0, value("db_client_connection_count", { '="primary/write"', 'state="used"' }))
    assert.equal(0, value("db_client_connection_pending_requests", { '="primary/write"' }))
    assert.equal(0, value("db_client_connection_timeouts_total", { '="primary/write"' }))
    assert.equal(1, value("db_client_connection_create_time_seconds_count", { '="primary/write"' }))
    assert.is_true(value("db_client_connection_wait_time_seconds_count", { '="primary/write"' }) >= 4)
    assert.is_true(value("db_client_connection_use_time_seconds_count", { '="primary/write"' }) >= 4)
    assert.equal(0, value("moonpool_breaker_state", { 'node="primary"', 'route="write"' }))
    assert.equal(1, value("moonpool_node_up", { 'node="primary"' }))
    assert.equal(1, value("moonpool_transactions_total", { 'outcome="committed"' }))
    db:close()
  end)

  it("is what Prometheus reads: each family once, with its type, then its values", function()
    local db = database.connect()
    db:metrics()
    db:query "select 1"
    local family, seen = nil, {}
    for line in db:metrics():gmatch "[^\n]+" do
      local typed = line:match "^# TYPE (%S+) %l+$"
      if typed then
        assert.is_nil(seen[typed])
        family, seen[typed] = typed, true
      elseif not line:find "^# HELP " then
        assert.equal(1, line:find(family, 1, true))
        assert.is_truthy(line:find '^[%w_]+{[^}]*} %S+$', line)
      end
    end
    assert.is_true(seen.db_client_operation_duration_seconds and seen.moonpool_node_info)
    db:close()
  end)

  it("does not count by words that anybody can make up", function()
    local db = database.connect { metrics = true }
    for i = 1, 20 do pcall(db.query, db, "word" .. i .. " 'x'") end
    assert.is_nil(db:metrics():find "WORD")
    assert.is_truthy(db:metrics():find('db_operation_name="OTHER"', 1, true))
    db:close()
  end)
end)

describe("connect", function()
  it("takes a function for the log, and one for the audit", function()
    local lines, hear = collector()
    local audited, f = collector()
    local db = database.connect { log = hear, audit = f, slow_query = "1ms" }
    db:query("select pg_sleep(0.02), ?", "canary")
    db:exec "create temp table t (a int)"
    local slow = find(lines, { event = "statement.slow" })
    assert.is_true(#slow >= 1)
    assert.equal("warning", slow[1].level)
    assert.equal("$1=6 bytes", slow[1].fields.params)
    assert.is_nil(slow[1].message:find "canary")
    assert.equal("CREATE", audited[1].operation)
    db:close()
  end)

  it("tells what the server says beside its answers", function()
    local seen, hear = collector()
    local loud = database.connect { log = { level = "info", to = hear } }
    local function said(...)
      local out = {}
      for _, line in ipairs(find(seen, { event = "server.notice" })) do
        out[#out + 1] = line.level .. " " .. line.fields.severity .. " " .. line.message
      end
      for i = #seen, 1, -1 do seen[i] = nil end
      assert.same({ ... }, out)
    end
    loud:exec "do $$ begin raise notice 'first'; raise warning 'second'; raise debug 'third'; end $$"
    said("info NOTICE first", "warning WARNING second")
    loud:query "select 1"
    said()
    loud:script "do $$ begin raise notice 'one'; end $$; do $$ begin raise notice 'two'; end $$"
    said("info NOTICE one", "info NOTICE two")
    loud:script "select 1; select 2"
    said()
    loud:transaction(function(tx)
      tx:exec "create temporary table if not exists noticed (a int) on commit drop"
      tx:exec "create temporary table if not exists noticed (a int) on commit drop"
    end)
    said 'info NOTICE relation "noticed" already exists, skipping'
    loud:close()
  end)

  it("tells who observes them of notices, and makes no lines of those", function()
    local lines, hear = collector()
    local db = database.connect { log = { level = "info", to = hear } }
    local seen, see = collector()
    local watching = db:on("notice", see)
    db:exec "do $$ begin raise warning 'w' using detail = 'd', hint = 'h', errcode = 'P0007'; end $$"
    assert.equal(1, #seen)
    local e = seen[1]
    assert.same({ "notice", "WARNING", "w", "d", "h", "P0007", "primary" },
      { e.kind, e.severity, e.message, e.detail, e.hint, e.sqlstate, e.node })
    assert.is_nil(e.outcome)
    db:exec "do $$ begin for i in 1..150 loop raise notice '%', i; end loop; end $$"
    assert.equal(151, #seen)
    assert.equal("150", seen[151].message)
    -- Those of a COMMIT, of a COPY.
    db:transaction(function(tx)
      tx:script [[create temp table late (a int) on commit drop;
        create function pg_temp.tell() returns trigger language plpgsql as
          $f$ begin raise notice 'row %', new.a; return null; end $f$;
        create constraint trigger tell after insert on late deferrable initially deferred
          for each row execute function pg_temp.tell()]]
      tx:copy_in("late", { "a" }, function(put) put(1) end)
      assert.equal(151, #seen)
    end)
    assert.equal("row 1", seen[152].message)
    assert.same({}, find(lines, { event = "server.notice" }))
    watching:stop()
    db:exec "do $$ begin raise warning 'a line again'; end $$"
    assert.equal(152, #seen)
    assert.equal(1, #find(lines, { event = "server.notice" }))
    db:close()
  end)

  it("takes a level and refuses another", function()
    local lines, hear = collector()
    local db = database.connect { log = { level = "trace", to = hear } }
    db:query "select 1"
    assert.is_true(#find(lines, { event = "acquire" }) >= 1)
    db:close()
    misuse("log%.to takes a function", function() database.connect { log = { to = "stderr" } } end)
    misuse("a level is", function() database.connect { log = { to = print, level = "loud" } } end)
    local e = database.refusal(database.connect, { log = { level = "loud" } })
    assert.equal("config", e.kind)
    assert.is_truthy(tostring(e):find("log.level takes trace", 1, true))
  end)

  it("refuses tags that would break a line", function()
    local db = database.connect()
    assert.equal("config", database.refusal(db.with, db, { correlation_id = "a\nb" }).kind)
    assert.equal("config", database.refusal(db.with, db, { traceparent = "00-abc" }).kind)
    db:close()
  end)
end)
