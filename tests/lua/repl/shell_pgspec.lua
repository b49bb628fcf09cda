local folders = require "folder"
local program = require "program"

local function shell(input, arguments)
  return program.run(arguments or {}, { input = input, env = { MOONPOOL_DSN = false, DATABASE_URL = false } })
end

local function out(input, arguments)
  local ran = shell(input, arguments)
  assert.equal("", ran.err)
  assert.equal(0, ran.code)
  return ran.out
end

describe("Ctrl-C", function()
  it("ends a migration's loop, and what it did is undone", function()
    local folder = folders.new {
      ["1_loop.lua"] = [[return { up = function(m) m:exec "create table interrupted (a int)" while true do end end }]],
    }
    local said, pid = os.tmpname(), os.tmpname()
    -- The interruption comes when the server has nothing more to do for it, so that it loops.
    local looping = "select 'it ' || 'loops' from pg_stat_activity where state = 'idle in transaction' "
      .. "and query like 'create table interrupted%'"
    os.execute(([[(for i in $(seq 100); do %s --no-env-file --json -c "%s" | grep -q 'it loops' && break; done
      sleep 0.5; kill -INT $(cat %s)) >/dev/null 2>&1 &
      sh -c 'echo $$ >%s; exec %s --no-env-file migrate up --dir %s' >/dev/null 2>%s]]):format(
      program.path(), looping, pid, pid, program.path(), folder.path, said))
    os.remove(pid)
    local file = io.open(said)
    local text = file:read "*a"
    file:close()
    os.remove(said)
    folder:delete()
    assert.matches("1_loop failed: interrupted\nHINT: nothing of it was kept", text)
    assert.equal(" n\n───\n 0\n(1 row)\n", out "select count(*) as n from pg_class where relname = 'interrupted';")
    out "drop table schema_migrations;"
  end)
end)

describe("SQL", function()
  setup(function()
    out [[
      set client_min_messages = warning;
      drop schema if exists shell_spec cascade;
      create schema shell_spec;
      create table shell_spec.users (
        id bigint generated always as identity primary key,
        email text not null unique, age int check (age > 0), tags text[] not null default '{}');
      create table shell_spec.orders (id int primary key, user_id bigint references shell_spec.users);
      comment on table shell_spec.users is 'people; and more';
    ]]
  end)
  before_each(function() out "truncate shell_spec.users, shell_spec.orders restart identity;" end)
  teardown(function() out "set client_min_messages = warning; drop schema shell_spec cascade;" end)

  it("prints tables, NULL marked, numbers to the right", function()
    assert.equal([[
INSERT 0 2
 id │ email  │ age
────┼────────┼─────
  1 │ 日本@x │  31
  2 │ b@x    │   ∅
(2 rows)
]], out [[
insert into shell_spec.users (email, age) values ('日本@x', 31), ('b@x', null)
select id, email, age
from shell_spec.users
order by id;
]])
  end)

  it("never lets data act on the terminal", function()
    local text = out "select E'a\\x1b[31m\\r\\n\\u202E' as x;"
    assert.is_nil(text:find "[%z\1-\9\11-\31\127]")
    assert.is_truthy(text:find("a\\x1b[31m\\r↵\\u{202e}", 1, true))
  end)

  it("takes ? for what it is", function()
    assert.is_truthy(out([[select '{"a":1}'::jsonb ? 'a' as x;]]):find "\n t\n")
  end)

  it("keeps what belongs to a connection", function()
    local text = out [[
      set search_path = shell_spec;
      create temp table mine (a int);
      insert into mine values (7);
      select a from mine, current_schemas(false) s where 'shell_spec' = any (s);
    ]]
    assert.is_truthy(text:find("(1 row)", 1, true))
  end)

  it("points at the place of an error, on stderr, and ends with 1", function()
    local ran = shell "select 1;\nselect 2 frm x y;\nselect 3;\n"
    assert.equal(1, ran.code)
    assert.is_truthy(ran.err:find("LINE 1: select 2 frm x y", 1, true))
    assert.is_truthy(ran.err:find("\n%s+%^\n"))
    assert.is_nil(ran.out:find("3", 1, true))
    assert.is_truthy(ran.out:find("(1 row)", 1, true))
  end)

  it("commits and rolls back what was begun", function()
    assert.is_truthy(out([[
      begin isolation level serializable;
      insert into shell_spec.users (email) values ('a');
      savepoint s;
      insert into shell_spec.users (email) values ('b');
      rollback to savepoint s;
      commit;
      select count(*) as n, min(email) as who from shell_spec.users;
    ]]):find "\n 1 │ a\n")
    out "begin;\ndelete from shell_spec.users;\nrollback;\n"
    assert.is_truthy(out("select count(*) from shell_spec.users;"):find "\n     1\n")
  end)

  it("gives Lua the open transaction", function()
    assert.equal("BEGIN\n1\n0\nROLLBACK\n", out [[
begin
db:exec "insert into shell_spec.users (email) values ('a')"
moonpool.connect():query "select count(*) from shell_spec.users":scalar()
rollback
]])
  end)

  it("makes a rollback of the commit of what had failed", function()
    local ran = program.run({ "-c", [[\i /dev/stdin]] }, { input = [[
begin;
moonpool.try(db.exec, db, "select 1/0")
select 1;
]] })
    assert.is_truthy(ran.err:find("in_failed_sql_transaction", 1, true))
    assert.is_truthy(ran.err:find("The open transaction was rolled back", 1, true))
  end)

  it("says that an open transaction is rolled back at the end", function()
    local ran = shell "begin;\ninsert into shell_spec.users (email) values ('a');\n"
    assert.equal(0, ran.code)
    assert.is_truthy(ran.err:find("The open transaction was rolled back", 1, true))
    assert.is_truthy(out("select count(*) from shell_spec.users;"):find "\n     0\n")
  end)

  it("describes what there is", function()
    local text = out "\\d shell_spec.users\n"
    for _, line in ipairs {
      'Table "shell_spec.users"', "id     │ bigint  │ not null │ generated always as identity",
      '"users_pkey" primary key, btree (id)', '"users_email_key" unique, btree (email)',
      '"users_age_check" CHECK ((age > 0))',
      'shell_spec.orders "orders_user_id_fkey" FOREIGN KEY (user_id) REFERENCES shell_spec.users(id)',
    } do
      assert.is_truthy(text:find(line, 1, true), line .. "\n" .. text)
    end
    assert.is_truthy(out("\\dt shell_spec.*\n"):find("orders", 1, true))
    assert.is_truthy(out("\\di shell_spec.users_e*\n"):find("(1 row)", 1, true))
    assert.is_truthy(out("\\dn shell_*\n"):find("shell_spec", 1, true))
    for _, command in ipairs { "\\d", "\\dt", "\\dv", "\\dm", "\\ds", "\\di", "\\df", "\\dn", "\\du", "\\l", "\\?",
      "\\conninfo", "\\df pg_catalog.now", "\\sf pg_catalog.now", "\\sv pg_tables", "?db:query" } do
      local ran = shell(command .. "\n")
      assert.equal(0, ran.code, command .. ran.err)
      assert.is_true(#ran.out > 0, command)
    end
  end)

  it("takes what hands that know psql type", function()
    local plain, more = out "\\dt shell_spec.*", out "\\dt+ shell_spec.*"
    assert.equal(plain, more)
    assert.is_truthy(out("\\d+ shell_spec.users"):find('"users_pkey" primary key', 1, true))
    assert.is_truthy(out("select 1 as a, 2 as b \\gx"):find "a │ 1\nb │ 2")
    assert.equal(out "select 1;\nselect 1;", out "select 1;\n\\g")
    assert.is_truthy(out("\\dx plpgsql"):find "plpgsql")
    assert.is_truthy(out("create type shell_spec.mood as enum ('sad', 'fine');\n\\dT shell_spec.*"):find "sad, fine")
    assert.is_truthy(out("grant select on shell_spec.users to public;\n\\dp shell_spec.users"):find("=r/", 1, true))
    assert.is_truthy(out("help"):find("\\watch", 1, true))
    assert.equal("1\n", out "=1\nexit\n=2")
    assert.is_truthy(shell("\\copy x to y").err:find "db:copy_in")
  end)

  it("goes to another database of the same server", function()
    assert.is_truthy(out("\\c postgres\nselect current_database();"):find "\n postgres\n")
  end)

  it("connects again after db:close()", function()
    assert.is_truthy(out("db:close(0.1)\nselect 7 as n;\ndb:query('select 8 as n'):scalar()"):find "\n 7\n.*\n8\n")
  end)

  it("leaves a transaction whose connection the server ended", function()
    local ran = shell [[
begin;
pid = db:query("select pg_backend_pid()"):scalar()
pcall(moonpool.connect().query, moonpool.connect(), "select pg_terminate_backend(?)", pid)
select 1;
]]
    assert.is_truthy(ran.err:find "The transaction is gone with its connection")
    assert.is_nil(ran.err:find "rolled back at the end")
  end)

  it("suggests a table that is there", function()
    out "create table public.shell_spec_near (a int);"
    local ran = shell "\\d shell_spec_naer\n"
    assert.equal(1, ran.code)
    assert.is_truthy(ran.err:find('did you mean "shell_spec_near"?', 1, true))
    out "drop table public.shell_spec_near;"
  end)

  it("changes its looks", function()
    local two = "select 1 as a, null as b;\n"
    assert.equal("a,b\n1,\n", out("\\format csv\n" .. two))
    assert.equal("| a | b |\n| ---: | --- |\n| 1 |  |\n", out("\\format markdown\n" .. two))
    assert.equal('[{"a":1,"b":null}]\n', out("\\format json\n" .. two))
    assert.is_truthy(out("\\null (none)\n" .. two):find("(none)", 1, true))
    assert.is_truthy(out("\\x\n" .. two):find("\na │ 1\nb │ ∅\n", 1, true))
    assert.is_truthy(out("\\timing\n" .. two):find "%(1 row, [%d.]+ m?s, primary%)")
  end)

  it("runs files of SQL and of Lua", function()
    local sql, lua = os.tmpname(), os.tmpname() .. ".lua"
    local file = io.open(sql, "w")
    file:write "select 1 as\n  from_file;\nprint 'and Lua'\n"
    file:close()
    file = io.open(lua, "w")
    file:write "local x = 2\nprint(x, db:query 'select 3':scalar())\n"
    file:close()
    local text = out("\\i " .. sql .. "\n\\i " .. lua .. "\n")
    os.remove(sql)
    os.remove(lua)
    assert.is_truthy(text:find("from_file", 1, true))
    assert.is_truthy(text:find("and Lua\n2\t3\n", 1, true))
  end)
end)

describe("Lua", function()
  it("shows a query that is not whole yet with what it lacks", function()
    assert.matches("^an update %(this update has no condition", (out "db:update 'users'\n"))
  end)

  it("prints results, rows and lists of rows as tables", function()
    local one = " a │ b\n───┼───\n 1 │ x\n"
    assert.equal(one .. "(1 row)\n", out "db:query \"select 1 as a, 'x' as b\"\n")
    assert.equal(one, out "db:query_row \"select 1 as a, 'x' as b\"\n")
    assert.equal(one .. "(1 row)\n", out "db:query(\"select 1 as a, 'x' as b\"):all()\n")
  end)

  it("keeps the last value and the last error", function()
    assert.equal("41\n42\n", out "40 + 1\n_ + 1\n")
    local ran = shell("db:query 'select nope'\n")
    assert.is_truthy(ran.err:find("undefined_column", 1, true))
    assert.is_truthy(ran.err:find("LINE 1: select nope", 1, true))
  end)

  it("draws the plan of SQL and of what a query builds", function()
    assert.is_truthy(out(".explain select * from pg_class\n"):find("Seq Scan on pg_class", 1, true))
    local ran = shell ".explain analyze { to_sql = function() return 'select $1::int', { 1 } end }\n"
    assert.is_truthy(ran.out:find("execution", 1, true), ran.err)
  end)

  it("undoes what .explain analyze had to run", function()
    out "set client_min_messages = warning;\ndrop table if exists explain_spec;\ncreate table explain_spec (a int);"
    out ".explain analyze insert into explain_spec values (1)\n"
    assert.is_truthy(out("select count(*) from explain_spec;"):find "\n     0\n")
    out "drop table explain_spec;"
  end)
end)

describe("--json", function()
  it("is one document with rows and errors", function()
    local json = require "moonpool.core.json"
    local ran = program.run { "--json", "-c", "select 1 as a, null as b; select 'x' as c", "-c", "select nope" }
    assert.equal(1, ran.code)
    local document = json.decode(ran.out)
    assert.equal(1, document.schema_version)
    assert.equal(3, #document.results)
    assert.equal(1, document.results[1].rows[1].a)
    assert.equal("SELECT 1", document.results[2].tag)
    assert.equal("undefined_column", document.results[3].error.kind)
    ran = program.run { "--json", "-c", "print 'a'; db:query 'select 1 as x'" }
    document = json.decode(ran.out)
    assert.same({ { text = "a\n" } }, document.results)
  end)
end)

describe("--read-only", function()
  it("refuses a connection that it cannot be laid on", function()
    local dsn = os.getenv "MOONPOOL_PRIMARY" .. " options='-c statement_timeout=5s'"
    local ran = program.run({ "--read-only", "--dsn", dsn, "-c", "create table never (a int)" })
    assert.equal(1, ran.code)
    assert.is_truthy(ran.err:find("--read-only could not be laid on", 1, true))
  end)
end)

describe("a read-only standby", function()
  it("is told as such", function()
    local replica = os.getenv "MOONPOOL_REPLICA"
    if not replica then pending "needs a replica" return end
    local ran = program.run({ "-c", "\\conninfo" }, { env = { MOONPOOL_PRIMARY = false, MOONPOOL_DSN = replica } })
    assert.equal(0, ran.code, ran.err)
    assert.is_truthy(ran.out:find("read-only", 1, true), ran.out)
  end)
end)
