-- SQL files of other tools' making: what is in them beside a schema, what they take to be there, what goes wrong.

local closure = require "tests.lua.schema.closure"
local schema = require "moonpool.schema"

describe("an SQL file", function()
  local function read(text)
    return schema.elaborate_sql(closure.admin(), text, "a.sql")
  end

  -- The facts, when nothing at all is to be said of the file.
  local function quietly(text)
    local facts = read(text)
    assert.same({}, facts.warnings)
    return facts
  end

  local function failure(text)
    local ok, why = pcall(read, text)
    assert.is_false(ok)
    return why
  end

  local function has(text, part)
    assert.is_truthy(text:find(part, 1, true), text)
  end

  describe("as pg_dump writes it", function()
    it("may drop what is not there before it makes anything", function()
      local clean = [[
ALTER TABLE ONLY public.t DROP CONSTRAINT t_pkey;
ALTER TABLE public.t ALTER COLUMN id DROP DEFAULT;
DROP SEQUENCE public.t_id_seq;
DROP TABLE public.t;
DROP FUNCTION shop.f();
DROP TYPE shop.mood;
DROP SCHEMA shop;
]]
      assert.truthy(quietly(clean .. "CREATE TABLE public.t (id int);"):get "table:public.t")
      has(failure(clean .. "CREATE TABLE public.t (id int);\nDROP TABLE public.s;"),
        'a.sql:9: table "s" does not exist')
    end)

    it("may make what every database has", function()
      quietly [[
CREATE SCHEMA public;
CREATE EXTENSION plpgsql WITH SCHEMA pg_catalog;
CREATE PROCEDURAL LANGUAGE plpgsql;
CREATE TABLE public.t (id int);]]
      has(failure "create schema s; create schema s;", 'schema "s" already exists')
    end)

    it("may come from a newer pg_dump, which knows more settings", function()
      quietly "SET lock_timeout = 0;\nSET nothing_like_it_timeout = 0;\nCREATE TABLE public.t (id int);"
      assert.same({ 'not loaded: a.sql:1: invalid value for parameter "default_tablespace": "fast"' },
        read "SET default_tablespace = fast; CREATE TABLE public.t (id int);".warnings)
    end)

    it("has settings that hold until they are set anew", function()
      local facts = quietly [[
create schema a; create schema b;
SET search_path = a, pg_catalog;
create table t (id int);
SELECT pg_catalog.set_config('search_path', 'b', false);
create table t (id int);
reset search_path;
create table t (id int);
set session search_path to a;
create table u (id int);
reset all;
create table u (id int);]]
      for _, name in ipairs { "a.t", "b.t", "public.t", "a.u", "public.u" } do
        assert.truthy(facts:get("table:" .. name), name)
      end
    end)

    it("is UTF-8, whatever the database was that it was dumped from", function()
      local facts = quietly "SET client_encoding = 'LATIN1';\nset names 'LATIN1';\ncreate table t (\"größe\" int);"
      assert.truthy(facts:get 'column:public.t."größe"')
    end)

    it("is of one database: what stands behind another \\connect is refused", function()
      quietly "\\connect template1\nSET row_security = off;\n\\connect shop\ncreate table t (id int);\n\\c postgres\n"
      quietly "create table t (id int);\n\\connect shop\ncreate table u (id int);\n\\c shop\ncreate table v ();"
      has(failure("\\connect shop\ncreate table t (id int);\n\\connect \"other\"\nset row_security = off;\n"
        .. "create table u (id int);"), "a.sql:5: this is of a second database (\\connect in line 3)")
    end)
  end)

  it("may load rows that do not fit, which is said and makes no other schema", function()
    local facts = read [[
create table t (id int primary key);
insert into t values (1), (1);
insert into schema_migrations values ('2020');]]
    assert.truthy(facts:get "table:public.t")
    assert.same({
      'not loaded: a.sql:2: duplicate key value violates unique constraint "t_pkey"',
      'not loaded: a.sql:3: relation "schema_migrations" does not exist',
    }, facts.warnings)
  end)

  it("has not made what it rolls back", function()
    local facts = quietly [[
begin; create table a (id int); commit;
begin; create table b (id int); rollback;
start transaction; create table c (id int); savepoint s; create table d (id int); rollback to savepoint s;
create table e (id int); end;
begin; create table f (id int); abort work;]]
    local made = {}
    for i, fact in ipairs(facts:of_kind "table") do made[i] = fact.name end
    assert.equal("a c e", table.concat(made, " "))
  end)

  it("may talk to psql, but not have it decide what is run", function()
    quietly("\\restrict a\n\\set ON_ERROR_STOP on\n\\echo 'it''s'\n\\timing\n"
      .. "create table t (id int) \\g\n\\unrestrict a")
    for _, line in ipairs { "\\i tables.sql", "\\ir tables.sql", "\\if true", "select 'create table b ()' \\gexec" } do
      has(failure("create table a (id int);\n" .. line .. "\n"), "a.sql:2: ")
    end
    has(failure "\\i tables.sql", "load the file with psql into a database, and name that instead")
    has(failure "\\set n 1\ncreate table a (x int default :n);", "variables of psql are not known here")
  end)

  it("may give things to roles that are not there, and is told which; a policy needs its role", function()
    local facts = read [[
create table t (id int);
alter table t owner to nobody_is_called_so;
grant select on t to nobody_is_called_so;]]
    assert.same({ 'not loaded: a.sql:2: role "nobody_is_called_so" does not exist',
      'not loaded: a.sql:3: role "nobody_is_called_so" does not exist' }, facts.warnings)
    has(failure "create table t (id int); create policy p on t to nobody_is_called_so using (true);",
      "make the role on this server, or give another as scratch")
  end)

  it("is told what it lacks and what to do", function()
    has(failure "create table t (g geometry(Point, 4326));",
      "the extension postgis has it: CREATE EXTENSION has to stand above")
    has(failure "create table t (id uuid default uuid_generate_v4());", "the extension uuid-ossp has it")
    has(failure "create table t (e public.vector(3));", "the extension vector has it")
    has(failure "create function f() returns int language plv8 as 'x';", "the extension plv8 has it")
    has(failure "create table t (id int) tablespace fast;", "pg_dump --no-tablespaces")
  end)
end)
