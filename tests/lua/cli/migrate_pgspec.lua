local command = require "command"
local database = require "database"
local folders = require "folder"
local json = require "moonpool.core.json"

describe("moonpool migrate", function()
  local db, folder

  local function run(options, environment)
    options.dir = options.dir or folder.path
    options.dsn = options.dsn or database.primary_in "mig_cli"
    return command.run("migrate", options, environment)
  end

  before_each(function()
    db = database.in_schema "mig_cli"
    folder = folders.new {
      ["1_one.lua"] = [[return { up = function(m) m:exec "create table one (id int)" end,
        down = function(m) m:drop_table "one" end }]],
      ["2_two.up.sql"] = "create table two (id int)",
    }
  end)

  after_each(function()
    folder:delete()
    db:exec "drop schema mig_cli cascade"
    db:close()
  end)

  it("goes up, tells how things stand, and goes down", function()
    local code, out, err = run { action = "status" }
    assert.equal(10, code)
    assert.equal("1_one  pending\n2_two  pending\n", out)
    assert.equal(("2 pending; `moonpool migrate up --dir %s` applies them.\n"):format(folder.path), err)

    code, out, err = run { action = "up", to = "1" }
    assert.equal(0, code)
    assert.matches("^applied  1_one  %d+ ms\n$", out)
    assert.equal("", err)
    code = run { action = "status" }
    assert.equal(10, code)
    assert.equal(0, (run { action = "up" }))
    code, out, err = run { action = "status" }
    assert.equal(0, code)
    assert.matches("^1_one  applied           %d+%-%d+%-%d+ %d+:%d+:%d+\n2_two  applied", out)
    assert.matches("Nothing is pending.", err)
    code, out, err = run { action = "up" }
    assert.equal(0, code)
    assert.equal("", out)
    assert.matches("Nothing is pending.", err)

    code, out, err = run { action = "down" }
    assert.equal(4, code)
    assert.equal("", out)
    assert.matches("2_two has no way back", err)
    folder:write("2_two.down.sql", "drop table two")
    code, out = run { action = "down" }
    assert.equal(0, code)
    assert.matches("^undone  2_two  %d+ ms\n$", out)
    assert.equal(0, (run { action = "down", steps = 5 }))
  end)

  it("writes one JSON document", function()
    local _, out = run { action = "status", json = true }
    local document = json.decode(out)
    assert.equal(1, document.schema_version)
    assert.equal(2, document.pending)
    assert.equal("pending", document.migrations[1].state)
    assert.equal(1, document.migrations[1].version)
    local code
    code, out = run { action = "up", json = true }
    assert.equal(0, code)
    assert.equal("1_one", json.decode(out).applied[1].name)
    _, out = run { action = "up", json = true }
    assert.equal('{"applied":[],"schema_version":1}\n', out)
    _, out = run { action = "status", json = true }
    assert.is_string(json.decode(out).migrations[1].applied_at)
    code, out = run { action = "down", json = true }
    assert.equal(4, code)
    assert.equal("migration_refused", json.decode(out).error.kind)
  end)

  it("plans, verifies, drafts, takes as it is and does again", function()
    local code, out = run { action = "plan" }
    assert.equal(10, code)
    assert.equal("1_one\n2_two\n", out)
    code, out = run { action = "up", dry_run = true }
    assert.equal(0, code)
    assert.equal("would be applied  1_one\nwould be applied  2_two\n", out)
    code, out = run { action = "baseline", args = { "1" } }
    assert.equal(0, code)
    assert.equal("taken as applied  1_one\n", out)
    assert.equal(4, (run { action = "baseline" }))
    assert.equal(0, (run { action = "up" }))
    code, out = run { action = "plan" }
    assert.equal(0, code)
    assert.equal("", out)
    assert.equal(0, (run { action = "verify" }))
    folder:write("2_two.up.sql", "create table two (id bigint)")
    code, out = run { action = "verify" }
    assert.equal(11, code)
    assert.equal("2_two  changed since\n", out)
    assert.matches("1 not as the files say: `moonpool migrate verify %-%-dir", select(3, run { action = "status" }))
    assert.equal("changed", json.decode(select(2, run { action = "verify", json = true })).wrong[1].state)
    assert.equal(4, (run { action = "up" }))
    assert.equal(0, (run { action = "up", accept = true }))
    folder:write("2_two.down.sql", "drop table two")
    db:exec "insert into two values (1)"
    assert.matches("%-%-allow drop_table", select(3, run { action = "redo" }))
    code, out = run { action = "redo", allow = { "drop_table" }, steps = "1" }
    assert.equal(0, code)
    assert.matches("^undone  2_two  %d+ ms\napplied  2_two", out)
    code, out = run { action = "new", args = { "third one" }, sql = true, dsn = "host=/nonexistent" }
    assert.equal(0, code)
    assert.matches("_third_one%.up%.sql\n.*_third_one%.down%.sql\n$", out)
    assert.matches("third_one%.up%.sql", out)
    code, out = run { action = "new", args = { "a", "fourth", "one" } }
    assert.equal(0, code)
    assert.matches("_a_fourth_one%.lua\n$", out)
    assert.equal(2, (run { action = "new" }))
    assert.equal(2, (run { action = "up", rehearse = true }))
  end)

  it("fails with what happened and what to do", function()
    folder:write("3_three.up.sql", "create table three (id int);\nselect nothing from one;")
    local code, out, err = run { action = "up" }
    assert.equal(1, code)
    assert.matches("applied  1_one.*applied  2_two", out)
    assert.matches("3_three%.up%.sql:2: undefined_column", err)
    assert.matches("nothing of it was kept; mend it, then `moonpool migrate up %-%-dir /%S+`\n", err)
    folder:write("3_three.up.sql", "create table three (id int);")
    assert.equal(0, (run { action = "up" }))
  end)

  it("ends with the right code", function()
    folder:write("3_three.lua", "return {")
    local code, _, err = run { action = "up" }
    assert.equal(1, code)
    assert.matches("3_three%.lua:1:", err)
    folder:remove "3_three.lua"
    assert.equal(2, (run { action = "up", dir = "/nonexistent" }))
    assert.equal(2, (run { action = "sideways" }))
    assert.equal(2, (run { action = "up", to = "9" }))
    assert.equal(2, (run { action = "up", to = "soon" }))
    code, _, err = run { action = "up", dsn = "host=/nonexistent user=u password=tops3cret" }
    assert.equal(3, code)
    assert.is_nil(err:find("tops3cret", 1, true))
    code, _, err = run { action = "up", dsn = "garbage password=tops3cret" }
    assert.equal(2, code)
    assert.is_nil(err:find("tops3cret", 1, true))
    db:exec "create table schema_migrations (version bigint, dirty boolean)"
    code, _, err = run { action = "up" }
    assert.equal(4, code)
    assert.matches("golang%-migrate", err)
    assert.equal(0, (run { action = "up", table = "mine" }))
  end)

  it("finds its database in the environment", function()
    local options = { action = "status", dir = folder.path }
    local code = command.run("migrate", options, ("MOONPOOL_PRIMARY='%s'"):format(
      database.primary_in("mig_cli"):gsub("'", "'\\''")))
    assert.equal(10, code)
  end)

  it("is one of several at once: each migration runs once and all end well", function()
    for i = 3, 12 do
      folder:write(("%d_t.lua"):format(i), ([[return { up = function(m)
        m:exec "create table t%d (id int)"
        m:exec "select pg_sleep(0.01)"
        m:create_index("t%d", "id", { concurrently = true })
      end }]]):format(i, i))
    end
    local line = command.line("migrate", { action = "up", dir = folder.path, dsn = database.primary_in "mig_cli" })
    local parts = {}
    for i = 1, 4 do parts[i] = ("(%s >/dev/null 2>&1; echo $?) &"):format(line) end
    local pipe = assert(io.popen(table.concat(parts, " ") .. " wait"))
    assert.equal("0\n0\n0\n0\n", pipe:read "*a")
    pipe:close()
    assert.equal(12, db:query("select count(*) from schema_migrations where state = 'applied'"):scalar())
  end)

  it("survives being killed at any moment", function()
    folder:write("3_three.lua", [[return { up = function(m)
      m:exec "create table three (id int)"
      m:exec "select pg_sleep(0.15)"
      m:create_index("three", "id", { concurrently = true })
      m:exec "insert into three values (1)"
      m:exec "select pg_sleep(0.15)"
      m:create_index("one", "id", { concurrently = true })
      m:exec "insert into three values (2)"
    end }]])
    local line = command.line("migrate", { action = "up", dir = folder.path, dsn = database.primary_in "mig_cli" })
    for milliseconds = 60, 420, 90 do
      os.execute(("timeout -s KILL 0.%03d %s >/dev/null 2>&1"):format(milliseconds, line))
    end
    local code, _, err = run { action = "up" }
    assert.equal(0, code, err)
    assert.same({ 1, 2 }, (db:query("select id from three order by id"):column()))
    assert.equal(0, db:query([[select count(*) from pg_index join pg_class on pg_class.oid = indexrelid
      where relnamespace = 'mig_cli'::regnamespace and not indisvalid]]):scalar())
    assert.equal(3, db:query("select count(*) from schema_migrations where state = 'applied'"):scalar())
  end)
end)
