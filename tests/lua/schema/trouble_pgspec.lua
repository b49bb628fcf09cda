-- Where reading and making go wrong: rights that are missing, a schema that changes while it is read, views that cannot
-- be printed, extensions and databases that cannot be had.

local closure = require "tests.lua.schema.closure"
local moonpool = require "moonpool"
local schema = require "moonpool.schema"

local DATABASE = "trouble"

describe("a database that cannot be read in full", function()
  local db

  setup(function()
    closure.make_roles()
    closure.admin():script [[
do $$ begin
  if not exists (select from pg_roles where rolname = 'sink_plain') then create role sink_plain login; end if;
end $$]]
  end)

  before_each(function() db = closure.fresh(DATABASE) end)
  after_each(function()
    db:close "1s"
    closure.drop(DATABASE)
  end)

  local function as(role)
    return moonpool.connect { primary = closure.conninfo(DATABASE) .. " options='-c role=" .. role .. "'",
      pool = { max = 2 } }
  end

  local function with(role, f)
    local other = as(role)
    local ok, result = pcall(f, other)
    other:close "1s"
    if not ok then error(result, 0) end
    return result
  end

  it("names what a role without rights could not read, and reads the rest", function()
    closure.run_text(db, [[
create schema hidden; create table hidden.t (id int primary key, n text default 'x'); revoke all on schema hidden from public;
create view hidden.v as select id from hidden.t;
create function hidden.f() returns int language sql as 'select 1';
create foreign data wrapper w; create server s foreign data wrapper w;
create user mapping for sink_bob server s options (password 'p');
create subscription sub connection 'host=nowhere' publication p with (connect = false);]])
    local whole = schema.introspect(db, { secrets = true })
    local plain = with("sink_plain", function(other) return schema.introspect(other, { secrets = true }) end)
    local named = table.concat(plain.warnings, "\n")
    assert.matches("subscription sub: its connection string", named)
    assert.matches("user mapping sink_bob on server s: its options", named)
    for _, id in ipairs { "table:hidden.t", "view:hidden.v", "function:hidden.f()", "default:hidden.t.n" } do
      assert.same(whole:get(id).attrs.definition, plain:get(id).attrs.definition)
      assert.is_not_nil(plain:get(id), id)
    end
    -- Nothing but what is named is missing.
    for change in schema.diff(whole, plain):each() do
      assert.is_truthy(change.kind == "subscription" or change.kind == "user_mapping", change.id)
    end
  end)

  it("names what it does not know, and fails for it when it has to be strict", function()
    -- Members of the system's own families are somebody's, and no fact tells them; nor what lies in the system's schema.
    db:script [[
create type grade as enum ('a', 'b');
create function grade_cmp(int, grade) returns int language sql immutable as 'select 0';
alter operator family integer_ops using btree add function 1 (int, grade) grade_cmp(int, grade);
create function pg_catalog.hidden_helper() returns int language sql as 'select 1';
create table plain (a grade)]]
    local facts = schema.introspect(db)
    assert.same({
      "not modelled: function 1 (integer, public.grade) of operator family integer_ops for access method btree: "
        .. "public.grade_cmp(integer,public.grade)",
      "not modelled: function hidden_helper()",
    }, facts.warnings)
    assert.is_truthy(facts:get "table:public.plain")
    assert.is_truthy(facts:to_sql():find("-- Warning: not modelled: function hidden_helper()", 1, true))
    local ok, failure = pcall(schema.introspect, db, { strict = true })
    assert.is_false(ok)
    assert.matches("2 objects of the database are not modelled: .*hidden_helper%(%)", tostring(failure))
    -- Without them strictness has nothing to say.
    db:script [[
alter operator family integer_ops using btree drop function 1 (int, grade); drop function pg_catalog.hidden_helper()]]
    assert.same({}, schema.introspect(db, { strict = true }).warnings)
  end)

  it("names a view whose definition is broken, and reads the rest", function()
    closure.run_text(db, [[
create table t (id int); create view sound as select id from t;
create function helper(int) returns int language sql as 'select 1';
create view broken as select helper(id) as n from t;
delete from pg_proc where proname = 'helper';]])
    local facts = schema.introspect(db)
    assert.matches("view:public.broken", table.concat(facts.warnings, "\n"))
    assert.is_truthy(facts:get("view:public.sound").attrs.definition)
    assert.is_truthy(facts:get("table:public.t"))
    local made = facts:to_sql()
    assert.is_truthy(made:find("view:public.broken is left out", 1, true), made)
    assert.is_nil(made:find("CREATE VIEW public.broken", 1, true))
  end)

  it("tells one state of a schema that changes all the while", function()
    closure.run_text(db, [[
create table flips (one int, two int); create view seen as select one from flips; create index flip on flips ((one + two));]])
    local states = {}
    local function state() return schema.introspect(db):to_json() end
    local there = "alter table flips rename column one to uno; create table more (a int);"
    local back = "drop table more; alter table flips rename column uno to one;"
    states[state()] = true
    db:script(there)
    states[state()] = true
    db:script(back)
    local stop = os.tmpname()
    local writer = io.popen(("while [ -e %s ]; do echo \"%s\"; echo \"%s\"; done | LD_PRELOAD= psql -X -q -d '%s' 2>&1 | head -c 2000"):format(
      stop, "begin; " .. there .. " commit;", "begin; " .. back .. " commit;", closure.conninfo(DATABASE)))
    local clean, warned = 0, 0
    for _ = 1, 25 do
      local facts = schema.introspect(db)
      if #facts.warnings == 0 then
        clean = clean + 1
        local text = facts:to_json()
        if not states[text] then
          os.remove(stop)
          writer:close()
          assert.is_nil(text)
        end
      else
        warned = warned + 1
        assert.matches("changed again and again", table.concat(facts.warnings, "\n"))
      end
    end
    os.remove(stop)
    assert.equal("", writer:read "*a")
    writer:close()
    assert.equal(25, clean + warned)
  end)
end)

describe("a wish the server cannot grant", function()
  local function refusal(db, text, options)
    local ok, failure = pcall(function() return schema.elaborate(db, schema.load(text, "s.lua"), options) end)
    assert.is_false(ok)
    return tostring(failure)
  end

  it("names the extension that is missing, and what to do", function()
    local db = closure.admin()
    local text = refusal(db, 'local m = require "moonpool.schema"\nreturn {\n  m.extension "postgos" {},\n}')
    assert.matches("^s.lua:3: .*postgos", text)
    assert.matches("install the package that has the extension postgos on this server", text)
    local ok, failure = pcall(schema.elaborate_sql, db, "select 1;\n\ncreate extension postgos;", "a.sql")
    assert.is_false(ok)
    assert.matches("^a.sql:3: .*postgos", failure)
    assert.matches("install the package that has the extension postgos", failure)
  end)

  it("names everything that was refused, each with its line and the nearest name", function()
    local text = refusal(closure.admin(), [[
local m = require "moonpool.schema"
return {
  m.table "orders" {
    m.bigint "id" :primary_key(),
    m.bigint "customer" :references("custommers", "id"),
    m.column("state", "orderstate"),
  },
  m.enum "order_state" { "new" },
  m.table "customers" {
    m.bigint "id" :primary_key(),
    m.text "name" :check "length(nmae) > 0",
  },
  m.view "open" "select id from orderz",
  m.func "f(integer)" { language = "sql", returns = "integer", sql_body = "RETURN nothing($1)" },
}]])
    assert.equal(1, (text:find("s.lua:6:", 1, true)))
    assert.is_truthy(text:find('s.lua:6: type "orderstate" does not exist (did you mean "order_state"?)', 1, true), text)
    assert.is_truthy(text:find('s.lua:11: column "nmae" does not exist (did you mean "name"?)', 1, true), text)
    assert.is_truthy(text:find('s.lua:13: relation "orderz" does not exist (did you mean "orders"?)', 1, true), text)
    assert.is_truthy(text:find("s.lua:14: there is no parameter $1", 1, true), text)
  end)

  it("needs a scratch database, and says how else one is had", function()
    closure.fresh(DATABASE):close "1s"
    local plain = moonpool.connect { primary = closure.conninfo(DATABASE) .. " options='-c role=sink_plain'",
      pool = { max = 2 } }
    local text = refusal(plain, 'local m = require "moonpool.schema" return { m.table "t" { m.int "a" } }')
    assert.matches("no scratch database could be made: permission denied to create database", text)
    assert.matches("scratch = ", text)
    -- Another server does.
    local facts = schema.elaborate(plain, schema.load('return { require "moonpool.schema".table "t" {} }', "s.lua"),
      { scratch = closure.conninfo "postgres" })
    assert.is_truthy(facts:get "table:public.t")
    plain:close "1s"
    closure.drop(DATABASE)
  end)

  it("compares texts without a scratch database where it must", function()
    local db = closure.fresh(DATABASE)
    db:script "create table t (s varchar(9), constraint c check (s in ('a', 'b')))"
    local first = schema.introspect(db)
    closure.run_text(db, "alter table t drop constraint c; alter table t add constraint c check ((s)::text = ANY "
      .. "(ARRAY[('a'::character varying)::text, ('b'::character varying)::text]))")
    local second = schema.introspect(db)
    assert.is_false(schema.diff(first, second):is_empty())
    local plain = moonpool.connect { primary = closure.conninfo(DATABASE) .. " options='-c role=sink_plain'",
      pool = { max = 2 } }
    assert.is_true(schema.compare(plain, first, second):is_empty())
    assert.is_true(schema.compare(db, first, second):is_empty())
    plain:close "1s"
    db:close "1s"
    closure.drop(DATABASE)
  end)
end)

describe("a scratch database", function()
  it("is dropped, and no statement is called refused, when the work is cut short", function()
    local db = closure.admin()
    local lines = {}
    for i = 1, 300 do lines[i] = ('m.table "t%d" { m.serial "id", m.text "a" },'):format(i) end
    local wish = schema.load('local m = require "moonpool.schema"\nreturn {\n' .. table.concat(lines, "\n") .. "\n}", "s.lua")
    for _ = 1, 3 do
      local killer = io.popen(([[for i in 1 2 3 4 5 6 7 8 9 10; do LD_PRELOAD= psql -X -q -d '%s' -c "select pg_terminate_backend(pid)
from pg_stat_activity where datname like 'moonpool_scratch%%'" >/dev/null 2>&1; done]]):format(closure.conninfo "postgres"))
      local ok, result = pcall(schema.elaborate, db, wish)
      killer:close()
      if ok then
        assert.is_truthy(result:get "table:public.t300")
      else
        assert.is_nil(tostring(result):find("already exists", 1, true), tostring(result))
        assert.is_nil(tostring(result):find("s.lua:", 1, true), tostring(result))
      end
    end
    assert.equal(0, db:query("select count(*) from pg_database where datname like 'moonpool_scratch%'"):scalar())
  end)

  it("tells the first twenty of many refusals", function()
    local lines = {}
    for i = 1, 30 do lines[i] = ('m.table "t%d" { m.column("a", "nothing%d") },'):format(i, i) end
    local ok, failure = pcall(schema.elaborate, closure.admin(),
      schema.load('local m = require "moonpool.schema"\nreturn {\n' .. table.concat(lines, "\n") .. "\n}", "s.lua"))
    assert.is_false(ok)
    assert.matches("^s.lua:3: .*\ns.lua:4: ", failure)
    assert.matches("\nand 10 more$", failure)
  end)
end)
