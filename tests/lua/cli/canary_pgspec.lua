-- A password, and what a statement was given, are in nothing that anybody can read.

local database = require "database"
local moonpool = require "moonpool"
local program = require "program"

local SECRET = "canary-Pa55/w:rd"
local ENCODED = "canary%2DPa55%2Fw%3Ard"
local VALUE = "canary-value"

describe("a canary", function()
  local admin, place, hba, rules
  local heard = {}

  local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read "*a"
    file:close()
    return text
  end

  local function write(path, text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    admin:query "select pg_reload_conf()"
  end

  setup(function()
    admin = database.connect()
    admin:script(("drop role if exists canary_user; create role canary_user login password '%s'"):format(SECRET))
    local row = admin:query_row [[select current_setting('unix_socket_directories') as folder,
      current_setting('port') as port, current_database() as db, current_setting('hba_file') as hba]]
    place, hba = row, row.hba
    rules = read(hba)
    write(hba, "local all canary_user scram-sha-256\n" .. rules)
  end)
  teardown(function()
    write(hba, rules)
    admin:script "drop role canary_user"
    admin:close()
  end)

  -- Everything a text or a table says, as one text.
  local function spelled(value, depth)
    if type(value) ~= "table" then return tostring(value) end
    local parts = { tostring(value) }
    for key, item in pairs(value) do
      parts[#parts + 1] = tostring(key) .. "=" .. (depth < 6 and spelled(item, depth + 1) or "…")
    end
    return table.concat(parts, "\n")
  end

  local function hear(what)
    heard[#heard + 1] = spelled(what, 0)
  end

  local function silent(about, words)
    assert.is_true(#heard > 0)
    local text = table.concat(heard, "\n")
    heard = {}
    for _, word in ipairs(words) do
      local at = text:find(word, 1, true)
      assert(not at, ("%s: %q was said: …%s…"):format(about, word, text:sub(math.max(1, (at or 1) - 200), (at or 1) + 100)))
    end
  end

  local PASSWORD = { SECRET, ENCODED, "canary%2d", "Pa55" }

  -- Connects, does what may fail, and hears everything that can be heard of it.
  local function live(settings)
    settings.log = { level = "trace", to = hear }
    settings.audit = hear
    settings.metrics = true
    settings.slow_query = settings.slow_query or "1ms"
    settings.timeout = settings.timeout or "700ms"
    settings.retry = { attempts = 2, base = "1ms" }
    local ok, db = pcall(moonpool.connect, settings)
    hear(ok and tostring(db) or db)
    if not ok then return end
    db:on({ "statement", "transaction", "acquire", "connect", "use", "recover", "probe", "retry", "role", "breaker" }, hear)
    local handle = db:with { correlation_id = "request", trace = { comment = true } }
    local function try(f, ...)
      local went, e = pcall(f, ...)
      if not went then hear(e) end
    end
    try(handle.ping, handle)
    try(handle.query, handle, "select pg_sleep(0.002)")
    try(handle.query, handle, "selct 1")
    try(handle.read_query, handle, "select 1/0")
    try(handle.transaction, handle, function(tx)
      tx:query "select 1"
      error "given up"
    end)
    try(handle.query, handle, "select pg_sleep(5)", { timeout = "10ms" })
    hear(db:stats())
    hear(db:metrics())
    hear(tostring(db))
    pcall(db.close, db, "100ms")
  end

  local function url(host, password, more)
    return ("postgresql://canary_user:%s@%s/%s?host=%s&port=%s%s"):format(password, host, place.db,
      place.folder:gsub("/", "%%2F"), place.port, more or "")
  end

  local function pairs_of(password, more)
    return ("host=%s port=%s dbname=%s user=canary_user password='%s'%s"):format(place.folder, place.port, place.db,
      password, more or "")
  end

  it("is not heard of a connection that works, however it was written", function()
    for _, dsn in ipairs { url("", ENCODED), pairs_of(SECRET) } do
      local db = moonpool.connect { dsn = dsn }
      assert.equal("canary_user", db:query("select current_user"):scalar())
      db:close()
      live { dsn = dsn }
      live { primary = dsn, replicas = { dsn } }
      silent(dsn, PASSWORD)
    end
  end)

  it("is not heard where the password is wrong", function()
    for _, dsn in ipairs { url("", ENCODED .. "x"), pairs_of(SECRET .. "x") } do
      live { dsn = dsn }
      live { nodes = { dsn, dsn } }
      silent(dsn, PASSWORD)
    end
  end)

  it("is not heard where the server is not there, or not to be found", function()
    for _, dsn in ipairs {
      "postgresql://u:" .. ENCODED .. "@nohost.invalid/db", "postgresql://u:" .. ENCODED .. "@127.0.0.1:1/db",
      "postgresql:///db?user=u&host=/nonexistent&password=" .. ENCODED,
      "host=nohost.invalid user=u password=" .. SECRET, "host=/nonexistent user=u password='" .. SECRET .. "'",
    } do
      live { dsn = dsn }
      silent(dsn, PASSWORD)
    end
  end)

  it("is not heard where the text makes no sense", function()
    for _, dsn in ipairs {
      "postgresql://u:" .. ENCODED .. "@host:port/db", "postgresql://u:" .. ENCODED .. "@[::1/db", "postgresql://u:"
      .. ENCODED .. "@h/db?nokey=1", "host=h pasword=" .. SECRET, "host=h password='" .. SECRET, "host=h port=x password="
      .. SECRET, "host=h sslmode=maybe password=" .. SECRET, "postgresql://u:" .. ENCODED .. "%@h/db", "password " .. SECRET,
    } do
      live { dsn = dsn }
      for _, key in ipairs { "timeout", "balancer", "consistency", "statement_cache", "prepare", "pasword", "trace" } do
        hear(database.refusal(moonpool.connect, { [key] = "postgresql://u:" .. SECRET .. "@h/db" }))
      end
      silent(dsn, PASSWORD)
    end
  end)

  it("is not heard of the executable", function()
    local wrong = "postgresql://u:" .. ENCODED .. "@nohost.invalid/db"
    local function run(arguments, env, input)
      env = env or {}
      for _, name in ipairs { "MOONPOOL_PRIMARY", "MOONPOOL_REPLICA", "MOONPOOL_DSN" } do env[name] = env[name] or false end
      env.MOONPOOL_LOG = "trace"
      local ran = program.run(arguments, { env = env, input = input })
      hear(ran.out .. ran.err)
      assert.is_true(#(ran.out .. ran.err) > 0)
    end
    for _, dsn in ipairs { wrong, pairs_of(SECRET .. "x"), pairs_of(SECRET), "host=h pasword=" .. SECRET } do
      run { "status", "--dsn", dsn }
      run { "status", "--dsn", dsn, "--json" }
      run { "status", dsn }
      run { "migrate", "status", "--dsn", dsn }
      run({ "--dsn", dsn }, {}, "db:query 'select 1'\nprint(db)\ndb:stats()\n")
      run({ "status" }, { MOONPOOL_DSN = dsn })
    end
    run({ "status" }, { PGHOST = "/nonexistent", PGPASSWORD = SECRET })
    run({ "status" }, { PGHOST = place.folder, PGPORT = place.port, PGUSER = "canary_user", PGPASSWORD = SECRET .. "x" })
    run { "status", "--pasword=" .. SECRET }
    run { "--dsm", wrong }
    silent("the executable", PASSWORD)
  end)

  it("is not heard of parameters and literals", function()
    admin:script "drop table if exists canary_table; create table canary_table (id int primary key, t text)"
    local db = moonpool.connect {
      primary = pairs_of(SECRET), slow_query = "1us", log = { level = "trace", to = hear }, audit = hear, metrics = true,
    }
    admin:script "grant all on canary_table to canary_user"
    db:on({ "statement", "transaction", "retry" }, hear)
    db:query("select ?::text, '" .. VALUE .. "'", VALUE)
    pcall(db.query, db, "select ?::int", VALUE)
    pcall(db.query, db, "select '" .. VALUE .. "'::int")
    pcall(db.query, db, "select '" .. VALUE)
    pcall(db.query, db, "select $$" .. VALUE .. "$$, nothing")
    db:exec("insert into canary_table values (1, ?)", VALUE)
    pcall(db.exec, db, "insert into canary_table values (1, '" .. VALUE .. "')")
    db:script("select '" .. VALUE .. "'; select 2 -- " .. VALUE)
    db:batch(function(b) b:add("select ?", VALUE) end)
    for _ in db:stream("select ?::text as t", VALUE):each() do assert(true) end
    db:copy_in("canary_table", { "id", "t" }, function(put) put(2, VALUE) end)
    pcall(db.transaction, db, function(tx)
      tx:exec("update canary_table set t = ?", VALUE)
      tx:exec("raise '" .. VALUE .. "'")
    end)
    hear(db:stats())
    hear(db:metrics())
    db:close()
    silent("parameters", { VALUE })
    admin:script "drop table canary_table"
  end)
end)
