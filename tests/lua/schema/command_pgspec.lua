-- `moonpool schema dump | diff | check | diagram` as a user runs them: the executable, its exit codes, what it prints.

local closure = require "tests.lua.schema.closure"
local folders = require "folder"
local json = require "moonpool.core.json"
local program = require "program"

local A, B = "command_a", "command_b"

local SQL = [[
CREATE SCHEMA shop;
CREATE TABLE shop.users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE shop.orders (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES shop.users, state text
  CHECK (state IN ('new', 'paid')));
CREATE TABLE public.notes (body text);
COMMENT ON TABLE shop.users IS 'people';
]]

describe("moonpool schema", function()
  local folder, dsn_a, dsn_b

  local function run(...)
    return program.run({ "schema", ... }, { env = { MOONPOOL_DSN = false, MOONPOOL_PRIMARY = false,
      MOONPOOL_REPLICA = false, DATABASE_URL = false }, folder = folder.path })
  end

  local function ok(...)
    local ran = run(...)
    assert.equal("", ran.err)
    assert.equal(0, ran.code)
    return ran.out
  end

  -- What did not work, on stderr, and nothing on stdout.
  local function refused(code, text, ...)
    local ran = run(...)
    assert.equal(code, ran.code, ran.err)
    assert.equal("", ran.out)
    assert.is_truthy(ran.err:find(text, 1, true), ran.err)
    return ran.err
  end

  local function read(name)
    local file = assert(io.open(folder.path .. "/" .. name, "rb"))
    local text = file:read "*a"
    file:close()
    return text
  end

  setup(function()
    for _, database in ipairs { A, B } do
      local db = closure.fresh(database)
      closure.run_text(db, SQL)
      db:close "1s"
    end
    dsn_a, dsn_b = closure.conninfo(A), closure.conninfo(B)
  end)

  teardown(function()
    closure.drop(A)
    closure.drop(B)
  end)

  before_each(function() folder = folders.new { ["a.sql"] = SQL } end)
  after_each(function() folder:delete() end)

  describe("dump", function()
    it("writes SQL that makes the same schema", function()
      local sql = ok("dump", "--dsn", dsn_a)
      closure.fresh "command_made":close "1s"
      closure.psql("command_made", sql)
      if closure.can_dump() then assert.equal(closure.dump(A), closure.dump "command_made") end
      assert.equal(closure.facts(A):hash(), closure.facts "command_made":hash())
      closure.drop "command_made"
      assert.equal(sql, ok("dump", dsn_a))
    end)

    it("writes schema files and snapshots that are no different from the database", function()
      for _, format in ipairs { "sql", "lua", "json" } do
        local name = "whole." .. format
        assert.equal("", ok("dump", "--dsn", dsn_a, "--format", format, "--output", name))
        assert.equal("no difference\n", ok("diff", dsn_a, name))
        assert.equal("no difference\n", ok("diff", name, dsn_a))
      end
      assert.equal(read "whole.json", ok("dump", "--json", "--dsn", dsn_a))
      assert.equal(read "whole.json", ok("dump", "whole.json", "--format", "json"))
      assert.equal("no difference\n", ok("diff", "whole.sql", "whole.lua", "--scratch", dsn_a))
    end)

    it("keeps to the schemas asked for, and leaves out what is not wanted", function()
      local sql = ok("dump", dsn_a, "--schema", "shop", "--no-owners", "--no-comments", "--no-privileges")
      assert.is_truthy(sql:find("CREATE TABLE shop.users", 1, true))
      for _, word in ipairs { "notes", "OWNER", "COMMENT", "EXTENSION" } do assert.is_nil(sql:find(word, 1, true)) end
      sql = ok("dump", dsn_a, "--exclude-schema", "shop")
      assert.is_truthy(sql:find("CREATE TABLE public.notes", 1, true))
      assert.is_nil(sql:find("shop.", 1, true))
      local lua = ok("dump", dsn_a, "--format", "lua", "--no-owners", "--no-comments", "--schema", "shop")
      assert.is_nil(lua:find("owner", 1, true))
      assert.is_nil(lua:find("comment", 1, true))
    end)

    it("leaves a file alone that it cannot fill", function()
      folder:write("kept.sql", "kept")
      refused(3, "", "dump", "--dsn", "host=/nonexistent", "--output", "kept.sql")
      assert.equal("kept", read "kept.sql")
      refused(2, "cannot write", "dump", "--dsn", dsn_a, "--output", "no/such/folder.sql")
    end)

    it("refuses what it does not know, and says what was meant", function()
      refused(2, 'not \'lau\' (did you mean "lua"?)', "dump", "--dsn", dsn_a, "--format", "lau")
      refused(2, "there is no schema 'shpo' (did you mean \"shop\"?)", "dump", "--dsn", dsn_a, "--schema", "shpo")
      refused(2, "did you mean '--format'?", "dump", "--fromat", "sql")
      refused(2, "did you mean 'diagram'?", "diagam")
      refused(2, "takes one source, got 2", "dump", "a.sql", "b.sql")
      refused(2, "cannot read nothing.sql", "dump", "nothing.sql", "--scratch", dsn_a)
      os.execute(("mkdir %s/dumped && touch %s/dumped/toc.dat"):format(folder.path, folder.path))
      refused(2, "pg_restore -f - dumped writes the SQL in it", "dump", "dumped", "--scratch", dsn_a)
      folder:write("a.dump", "PGDMP\1\14\0\4")
      refused(1, "pg_restore -f - a.dump writes the SQL in it", "dump", "a.dump", "--scratch", dsn_a)
    end)
  end)

  describe("diff", function()
    local changed = SQL:gsub("email text NOT NULL UNIQUE", "email text, age int") .. "CREATE VIEW v AS SELECT 1 AS a;"

    it("tells what has to happen, and ends with 11", function()
      folder:write("b.sql", changed)
      local ran = run("diff", dsn_a, "b.sql")
      assert.equal(11, ran.code, ran.err)
      assert.equal(table.concat({
        "+ column:shop.users.age", "~ column:shop.users.email  not_null", "    - true", "    + (none)",
        "- constraint:shop.users.users_email_key", "+ view:public.v", "",
      }, "\n"), ran.out)
      assert.equal(11, run("diff", "a.sql", "b.sql", "--scratch", dsn_a).code)
    end)

    it("writes one JSON document", function()
      folder:write("b.sql", changed)
      local document = json.decode(run("diff", dsn_a, "b.sql", "--json").out)
      assert.equal(1, document.schema_version)
      assert.is_false(document.equal)
      assert.equal("add", document.changes[1].op)
      assert.equal("column:public.v.a", document.changes[1].id)
      assert.equal("column:shop.users.age", document.changes[2].id)
      document = json.decode(ok("diff", dsn_a, dsn_b, "--json"))
      assert.is_true(document.equal)
      assert.equal(0, #document.changes)
      local ran = run("diff", dsn_a, "nothing.sql", "--json")
      assert.equal(2, ran.code)
      assert.equal("usage", json.decode(ran.out).error.kind)
    end)

    it("does not take another spelling for another meaning", function()
      folder:write("b.sql", (SQL:gsub("state IN %('new', 'paid'%)", "(state = ANY (ARRAY['new', 'paid'::text]))")
        :gsub("bigint", "int8")))
      assert.equal("no difference\n", ok("diff", dsn_a, "b.sql"))
      -- PostgreSQL prints this one in another way when it has read what it printed.
      folder:write("v.sql", "CREATE TABLE v (s varchar(9) CHECK (s IN ('a', 'b')));")
      folder:write("again.sql", (ok("dump", "v.sql", "--scratch", dsn_a)))
      folder:write("v.json", (ok("dump", "v.sql", "--scratch", dsn_a, "--json")))
      folder:write("again.json", (ok("dump", "again.sql", "--scratch", dsn_a, "--json")))
      assert.not_equal(read "v.json", read "again.json")
      assert.equal("no difference\n", ok("diff", "v.sql", "again.sql", "--scratch", dsn_a))
      assert.equal(11, run("diff", "v.json", "again.json").code)
    end)

    it("looks only at the schemas asked for", function()
      folder:write("b.sql", (SQL:gsub("public.notes %(body text%)", "public.notes (body int)")))
      assert.equal("no difference\n", ok("diff", dsn_a, "b.sql", "--schema", "shop"))
      assert.equal(11, run("diff", dsn_a, "b.sql", "--schema", "public").code)
    end)

    it("tells of columns in another order, and calls it no difference", function()
      folder:write("b.sql", (SQL:gsub("%(id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES shop.users, ",
        "(user_id bigint NOT NULL REFERENCES shop.users, id bigint PRIMARY KEY, ")))
      local ran = run("diff", dsn_a, "b.sql")
      assert.equal(0, ran.code)
      assert.is_truthy(ran.err:find("the columns stand in another order: table:shop.orders", 1, true))
    end)

    it("reads a dump from stdin", function()
      local ran = program.run({ "schema", "diff", "-", dsn_a }, { input = SQL })
      assert.equal("no difference\n", ran.out, ran.err)
    end)

    it("points at the line of a file that the server refuses", function()
      folder:write("b.sql", "CREATE TABLE t (a int);\n\nCREATE TABLE u (\n  a nothing\n);\n")
      refused(1, 'b.sql:3: type "nothing" does not exist', "diff", dsn_a, "b.sql")
      folder:write("b.lua", "local m = require 'moonpool.schema'\nreturn {\n  m.table 't' {\n    m.bigin 'id',\n  },\n}\n")
      refused(1, 'b.lua:4', "diff", dsn_a, "b.lua")
      folder:write("c.lua", "local m = require 'moonpool.schema'\nreturn {\n  m.table 't' {\n    m.column('a', 'bigit'),\n  },\n}\n")
      refused(1, 'c.lua:4: type "bigit" does not exist (did you mean "bigint"?) (column:public.t.a)', "diff", dsn_a,
        "c.lua")
    end)

    it("takes in the SQL files of a schema file's folder", function()
      folder:write("db.lua", "local m = require 'moonpool.schema'\nreturn { m.sql_file 'a.sql' }\n")
      assert.equal("no difference\n", ok("diff", dsn_a, "db.lua"))
      folder:write("db.lua", "local m = require 'moonpool.schema'\nreturn { m.sql_file 'b.sql' }\n")
      refused(1, "db.lua:2: cannot read b.sql", "diff", dsn_a, "db.lua")
      folder:write("b.sql", "create table t (a int);\n\ncreate view v as\n  select b from t;\n")
      refused(1, 'b.sql:4: column "b" does not exist', "diff", dsn_a, "db.lua")
    end)

    it("leaves the server alone, whatever a file says", function()
      folder:write("b.sql", SQL .. "CREATE ROLE command_spec_role;\nGRANT sink_alice TO sink_bob;\nCREATE DATABASE x;")
      local ran = run("diff", dsn_a, "b.sql")
      assert.equal(0, ran.code, ran.err)
      assert.is_truthy(ran.err:find("b.sql:7: CREATE ROLE is about the server and is not read from files", 1, true),
        ran.err)
      assert.equal(0, closure.admin():query("select count(*) from pg_roles where rolname = 'command_spec_role'"):scalar())
    end)

    it("wants two sources it can read", function()
      refused(2, "takes two sources, got 1", "diff", "a.sql")
      refused(2, "cannot read nothing.lua", "diff", dsn_a, "nothing.lua")
      folder:write("x.json", "{}")
      refused(2, "x.json is no snapshot", "diff", dsn_a, "x.json")
      refused(3, "", "diff", "host=/nonexistent", dsn_a)
    end)
  end)

  describe("diagram", function()
    it("draws tables, keys and references", function()
      local dot = ok("diagram", "--dsn", dsn_a)
      assert.is_truthy(dot:find('"table:shop.orders" -> "table:shop.users"', 1, true))
      local mermaid = ok("diagram", dsn_a, "--format", "mermaid")
      assert.is_truthy(mermaid:find("^erDiagram\n"))
      assert.is_truthy(mermaid:find('"shop.users" ||--o{ "shop.orders" : "user_id"', 1, true))
      assert.is_nil(ok("diagram", dsn_a, "--schema", "shop"):find("notes", 1, true))
      assert.is_truthy(ok("diagram", "a.sql", "--scratch", dsn_a):find("shop.orders", 1, true))
    end)

    it("draws by dot where it is", function()
      if os.execute "command -v dot >/dev/null 2>&1" ~= 0 then pending "Graphviz is not installed" end
      local svg = ok("diagram", dsn_a, "--format", "svg")
      assert.is_truthy(svg:find("<svg", 1, true))
      assert.is_truthy(svg:find("shop.orders", 1, true))
      assert.is_truthy(svg:find("user_id", 1, true))
    end)

    it("says what is missing where there is no dot", function()
      os.execute(("mkdir -p '%s/bin' && ln -sf \"$(command -v timeout)\" '%s/bin/timeout'"):format(folder.path,
        folder.path))
      local ran = program.run({ "schema", "diagram", dsn_a, "--format", "svg" }, { env = { PATH = folder.path .. "/bin" } })
      assert.equal(1, ran.code)
      assert.equal("", ran.out)
      assert.is_truthy(ran.err:find("install graphviz, or take --format dot or mermaid", 1, true), ran.err)
    end)

    it("knows its formats", function()
      refused(2, "did you mean", "diagram", dsn_a, "--format", "mermiad")
      assert.equal(2, run("diagram", dsn_a, "--json").code)
    end)
  end)

  describe("check", function()
    it("makes the schema again in every form", function()
      assert.equal("33 facts\nas a script: the same\nas a schema file: the same\nas a snapshot: the same\n",
        (ok("check", dsn_a):gsub("^%d+", "33")))
      local document = json.decode(ok("check", "a.sql", "--scratch", dsn_a, "--json"))
      assert.is_true(document.same)
      assert.equal(3, #document.forms)
    end)

    it("tells what cannot be made again, and ends with 11", function()
      -- The function's library is gone: what stands on it is still there, and cannot be made any more.
      local db = closure.fresh "command_broken"
      db:script "create function gone(int) returns int language sql as 'select 1'"
      db:script "create table t (a int check (gone(a) > 0)); create view v as select gone(a) from t"
      db:script "update pg_proc set probin = 'nowhere', prosrc = 'nothing', prolang = 13 where proname = 'gone'"
      db:close "1s"
      local ran = run("check", closure.conninfo "command_broken")
      closure.drop "command_broken"
      assert.equal(11, ran.code, ran.err)
      assert.is_truthy(ran.out:find('as a script: cannot be made again\n  script:%d+: could not access file "nowhere"'),
        ran.out)
      assert.is_truthy(ran.out:find("as a snapshot: the same", 1, true), ran.out)
    end)

    it("needs a server", function()
      ok("dump", dsn_a, "--json", "--output", "check.json")
      refused(2, "check makes the schema again on a server", "check", "check.json")
    end)
  end)
end)
