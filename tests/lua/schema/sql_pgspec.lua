-- SQL of somebody's own in a schema file: when it is run, what is read back of it, what it may not do, and where its
-- mistakes are told.

local closure = require "tests.lua.schema.closure"
local schema = require "moonpool.schema"
local scratch = require "moonpool.schema.scratch"

local HEAD = 'local m = require "moonpool.schema"\n'

-- The facts of a schema file; `body` begins in its second line.
local function facts(body, options)
  return schema.elaborate(closure.admin(), schema.load(HEAD .. body, "s.lua", options))
end

-- What the server says of one that it does not take, in a database that is made once for all of them.
local refusing

local function refusal(body)
  local ok, failure = pcall(function()
    scratch.load_facts(refusing, schema.load(HEAD .. body, "s.lua"), { owners = false, privileges = false })
  end)
  refusing:script "drop schema public cascade; create schema public"
  assert.is_false(ok)
  return tostring(failure)
end

local function has(text, part)
  assert.is_truthy(text:find(part, 1, true), text)
end

-- What was made is written back by every form, and says the same.
local function comes_back(set)
  local wish = schema.load(set:to_lua(), "again.lua")
  local again = schema.elaborate(closure.admin(), wish)
  assert.equal("no difference\n", schema.compare(closure.admin(), set, again):format())
  assert.is_true(schema.diff(set, schema.from_json(set:to_json(), "snapshot")):is_empty())
  assert.is_nil(wish.meta.sql)
end

describe("SQL in a schema file", function()
  setup(function()
    closure.make_roles()
    refusing = closure.fresh "sql_refused"
  end)

  teardown(function()
    refusing:close "1s"
    closure.drop "sql_refused"
  end)

  it("is read back as what it made: functions, triggers, grants, owners", function()
    local set = facts [==[return {
  m.table "orders" { m.bigint "id" :primary_key(), m.text "state", m.grant("sink_alice", { "SELECT" }) },
  m.sql [[
    -- what has no word of its own, or reads better as it is
    create function touch() returns trigger language plpgsql as $$ begin new.state := 'a;b'; return new; end $$;
    create trigger touch before update on orders for each row execute function touch();
    comment on trigger touch on orders is 'it''s there';
    grant insert on orders to sink_alice;
    grant select (state) on orders to sink_bob;
    revoke execute on function touch() from public;
    alter function touch() owner to sink_app;
    alter default privileges in schema public grant select on tables to sink_bob;
  ]],
}]==]
    assert.equal("public.touch", set:get "trigger:public.orders.touch".attrs.func)
    assert.equal("it's there", set:get "trigger:public.orders.touch".attrs.comment)
    assert.same({ "INSERT", "SELECT" }, set:get "acl:sink_alice on table:public.orders".attrs.privileges)
    assert.same({ "SELECT" }, set:get "acl:sink_bob on column:public.orders.state".attrs.privileges)
    assert.same({}, set:get "acl:public on function:public.touch()".attrs.privileges)
    assert.equal("sink_app", set:get "function:public.touch()".attrs.owner)
    assert.is_nil(set:get "table:public.orders".attrs.owner)
    assert.equal(1, #set:of_kind "default_acl")
    assert.equal(0, #set:of_kind "sql")
    comes_back(set)
  end)

  it("is run where it stands", function()
    -- Each tells what is there at its time by a comment on its schema.
    local set = facts [==[return {
  m.sql [[create schema s0; select set_config('x.y', 'leaks', false)]],
  m.table "b" { m.bigint "id" :primary_key(), m.bigint "a_id" :references "a" },
  m.sql [[do $$ begin execute format('create schema s1; comment on schema s1 is %L',
    (select string_agg(relname, ' ' order by relname) from pg_class where relkind in ('r', 'v')
     and relnamespace = 'public'::regnamespace)); end $$]],
  m.view "v" "select 1 as one",
  m.table "a" { m.bigint "id" :primary_key() },
  m.sql [[do $$ begin execute format('create schema s2; comment on schema s2 is %L',
    (select string_agg(relname, ' ' order by relname) from pg_class where relkind in ('r', 'v')
     and relnamespace = 'public'::regnamespace)); end $$]],
}]==]
    -- The table above refers to one below, which comes first for that; the view does not.
    assert.equal("a b", set:get "schema:s1".attrs.comment)
    assert.equal("a b v", set:get "schema:s2".attrs.comment)
    assert.is_truthy(set:get "schema:s0")
  end)

  local WHAT_IS_THERE = [==[ [[do $$ begin execute format('create schema seen; comment on schema seen is %L',
    (select string_agg(relname, ' ' order by relname) from pg_class
     where relnamespace = 'public'::regnamespace)); end $$]] ]==]

  it("is run before and after what it names, wherever it stands", function()
    local function fill(text, first, last)
      return (text:gsub("FIRST", function() return first end):gsub("LAST", function() return last end))
    end
    local list = [==[return {
  m.sql(]==] .. WHAT_IS_THERE .. [==[)FIRST,
  m.table "zebra" { m.int "id", m.index { "id" } },
  m.view "seen_by" "select id from zebra",
  m.sequence "shop.counter" {},
  LAST
}]==]
    assert.is_nil(facts(fill(list, "", "")):get "schema:seen".attrs.comment)
    assert.equal("zebra zebra_id_idx", facts(fill(list, ':after "zebra"', "")):get "schema:seen".attrs.comment)
    assert.equal("zebra zebra_id_idx", facts(fill(list, ':before "seen_by":after("zebra", "shop.counter")', ""))
      :get "schema:seen".attrs.comment)
    assert.equal("seen_by zebra", facts(fill(list, ':after "view:public.seen_by"', ""))
      :get "schema:seen".attrs.comment)
    local last = facts(fill(list, ':after "zebra"', "m.sql(" .. WHAT_IS_THERE:gsub("seen", "last") ..
      ') :before "zebra"'))
    assert.matches("zebra zebra_id_idx$", last:get "schema:seen".attrs.comment)
    assert.is_nil(last:get "schema:last".attrs.comment)
    has(refusal(fill(list, ':after "seen_by":before "zebra"', "")), "what comes before and after what goes in circles: s.lua:")
  end)

  it("makes what declared things need, and needs what they make", function()
    local set = facts [==[return {
  m.table "prices" { m.column("price", "money_amount") :check "is_sane(price)", m.int "n" :default(m.sql "next_n()") },
  m.view "dear" "select * from prices where is_dear(price)",
  m.sql [[create domain money_amount as numeric(12, 2)]],
  m.sql [[create function is_sane(money_amount) returns boolean immutable language sql as 'select $1 > 0';
    create function next_n() returns int language sql as 'select 1']],
  m.sql [[create function is_dear(money_amount) returns boolean language sql
    begin atomic select $1 > (select avg(price) from prices); end;]],
}]==]
    assert.is_truthy(set:get "view:public.dear")
    assert.is_truthy(set:get "constraint:public.prices.prices_price_check")
    assert.is_truthy(set:get "function:public.is_dear(public.money_amount)")
    comes_back(set)
  end)

  it("may change and drop what is declared, because the server judges", function()
    local set = facts [==[return {
  m.table "t" { m.int "a", m.int "b" },
  m.table "u" { m.int "a" },
  m.sql "alter table t add column c int, drop column b; alter table t alter a set statistics 7; drop table u",
  m.sql "create extension if not exists pg_trgm; create index by_c on t (c)",
}]==]
    assert.is_truthy(set:get "column:public.t.c")
    assert.is_nil(set:get "column:public.t.b")
    assert.is_nil(set:get "table:public.u")
    assert.is_truthy(set:get "index:public.by_c")
    comes_back(set)
  end)

  it("is all or nothing, in the order of the file", function()
    local text = refusal [==[return {
  m.sql [[create table one (a int);
    create table two (a nothing)]],
  m.sql [[create table one (b text)]],
  m.view "seen" "select a from one",
}]==]
    assert.equal('s.lua:4: type "nothing" does not exist\n', (text:gsub("s.lua:6.*", "")))
    has(text, 's.lua:6: relation "one" does not exist')
  end)

  it("leaves no setting behind, nor what is temporary", function()
    local set = facts [==[return {
  m.sql [[set search_path = elsewhere, public; create schema elsewhere; create table here (a int);
    select set_config('check_function_bodies', 'on', false); set role sink_app;
    reset role; create temp table t (shadow int)]],
  m.sql "create table there (a int)",
  m.table "t" { m.int "a" },
}]==]
    assert.is_truthy(set:get "table:elsewhere.here")
    assert.is_truthy(set:get "table:public.there")
    assert.is_truthy(set:get "column:public.t.a")
    assert.is_nil(set:get "table:public.there".attrs.access_method)
  end)

  describe("is told where it is wrong:", function()
    it("the line of the text, in whatever way it is written", function()
      has(refusal '\nreturn m.sql [[\n\n  create table t (a int);\n\n  create table u (\n    a int,\n    b nothing)]]',
        's.lua:9: type "nothing" does not exist')
      has(refusal 'return { m.sql([==[create\ntable é (ä int);\ncomment on table é is \'é\';\nselect 1 from\n  ohne]==]) }',
        's.lua:6: relation "ohne" does not exist')
      has(refusal 'return { m.sql "create view v as select * from ordrs", m.table "orders" {} }',
        's.lua:2: relation "ordrs" does not exist (did you mean "orders"?)')
      has(refusal 'return { m.sql("create table t (a int);\\n" ..\n"create table t (b int)") }',
        's.lua:2: line 2 of the SQL: relation "t" already exists')
      has(refusal 'local same = [[\ncreate type x as (\na y)]]\nreturn { m.sql("create type z as (a int)"), m.sql(same) }',
        's.lua:3: type "y" does not exist')
      has(refusal 'return { m.sql [[do $$ begin\nraise exception \'no %\', 1; end $$]] }', "s.lua:2: no 1")
      has(refusal 'local function word() return m.sql [[create\ntable x (a z)]] end\nreturn { word() }',
        's.lua:3: type "z" does not exist')
    end)

    it("what cannot be in a transaction", function()
      has(refusal [==[return { m.sql [[create table t (a int) partition by list (a);
create table p partition of t default;
alter table t detach partition p concurrently]] }]==], "each sql of a schema file is one transaction, and nobody waits")
      has(refusal [==[return { m.enum "d" { "a" },
  m.sql "alter type d add value 'b'; create table t (a d default 'b')" }]==], "put the rest in an sql of its own")
    end)

    it("what makes nothing, or speaks of what is not there", function()
      for text, why in pairs {
        ["select 1"] = "s.lua:2: it made nothing: answers and rows are no part of a schema",
        ["set search_path = x; select count(*) from public.t"] = "it made nothing",
        ["create view v as select 1 \\gexec"] = "what begins with a backslash is a command of psql",
        ["grant select on t to nobody_at_all"] = "SQL can speak of roles that the server has",
      } do
        has(refusal('return { m.table "t" { m.int "a" }, m.sql [==[' .. text .. "]==] }"), why)
      end
      -- What is made by asking is made, and what only looked is no mistake beside it.
      local set = facts [==[return { m.sql [[
        create function make() returns void language plpgsql as $$ begin create table made (a int); end $$;
        select make(); select count(*) from made; drop function make()]] }]==]
      assert.is_truthy(set:get "table:public.made")
    end)

    it("what would change the server, and takes it back", function()
      local db = closure.admin()
      local before = db:query("select count(*) from pg_roles"):scalar()
      has(refusal 'return { m.sql "do $$ begin create table t (a int); create role sql_spec_role; end $$" }',
        "s.lua:2: it changed roles, databases, tablespaces or their settings, which belong to the server")
      has(refusal 'return { m.sql "do $$ begin grant sink_alice to sink_bob; end $$" }', "that was taken back")
      has(refusal 'return { m.sql "do $$ begin alter role sink_alice set work_mem = 64; end $$" }', "that was taken back")
      assert.equal(before, db:query("select count(*) from pg_roles"):scalar())
    end)

    it("whose a thing is, if it is said twice", function()
      local ok, failure = pcall(facts, 'return { m.table "t" { owner = "sink_app" },'
        .. 'm.sql "alter table t owner to sink_alice" }')
      assert.is_false(ok)
      has(failure, "s.lua:2: table:public.t is to be owned by sink_app, and SQL of the same file gives it to sink_alice")
    end)
  end)

  describe("in a file beside", function()
    local files = { ["db/functions.sql"] = "-- words\ncreate function f() returns int\n  language sql as 'select 1';\n"
      .. "create view g as\n  select f() as a from %s;\n" }

    local function load(body, from)
      local text = HEAD .. body
      return schema.elaborate(closure.admin(), schema.load(text, "db/schema.lua", {
        read = function(path) return (files[path] or error("cannot read " .. path, 0)):format(from or "t") end,
      }))
    end

    it("is run as if it stood in the schema file", function()
      local set = load 'return { m.sql_file "functions.sql" :after "t", m.table "t" {} }'
      assert.is_truthy(set:get "view:public.g")
      comes_back(set)
    end)

    it("is told where it is wrong", function()
      local ok, failure = pcall(load, 'return { m.sql_file "functions.sql", m.table "table" {} }', "tabel")
      assert.is_false(ok)
      has(failure, 'db/functions.sql:5: relation "tabel" does not exist (did you mean "table"?) (db/schema.lua:2)')
      ok, failure = pcall(load, '\nreturn { m.sql_file "nothing.sql" }')
      assert.is_false(ok)
      has(failure, "db/schema.lua:3: cannot read db/nothing.sql")
    end)
  end)
end)
