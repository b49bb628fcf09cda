-- What schemas of real applications, extensions and PostgreSQL's own tests taught: each a small case of something that
-- was once read, written or compared wrongly.

local cases = require "tests.lua.schema.cases"
local closure = require "tests.lua.schema.closure"
local files = require "tests.lua.schema.files"
local moonpool = require "moonpool"
local schema = require "moonpool.schema"

local DATABASE = "found"

describe("a schema that real ones taught", function()
  setup(function()
    closure.make_roles()
    closure.admin():script [[
do $$ begin
  if not exists (select from pg_roles where rolname = 'sink_owner') then create role sink_owner; end if;
end $$]]
  end)

  teardown(function() closure.drop(DATABASE) end)

  local function make(sql)
    local db = closure.fresh(DATABASE)
    db:script(sql)
    db:close "1s"
  end

  -- They stand in one database, and everything the driver for files checks is checked once for all of them.
  describe("among others", function()
    local TOGETHER = "found_together"
    local facts

    setup(function()
      local db = closure.fresh(TOGETHER)
      for _, case in ipairs(cases) do db:script(case.sql) end
      db:close "1s"
      facts = closure.facts(TOGETHER)
    end)

    teardown(function() closure.drop(TOGETHER) end)

    it("says the same when it is made again", function()
      assert.same({}, facts.warnings)
      local wrong = files.try_all(TOGETHER)
      -- Which of them is it?
      for _, case in ipairs(#wrong > 0 and cases or {}) do
        make(case.sql)
        for _, text in ipairs(files.try_all(DATABASE)) do wrong[#wrong + 1] = case[1] .. ": " .. text end
      end
      assert.same({}, wrong)
    end)

    for _, case in ipairs(cases) do
      if case.check then
        it(case[1], function() case.check(facts) end)
      end
    end
  end)

  it("does not take a routine to need a transform that was there by chance", function()
    make [[
create function from_sql(internal) returns internal language internal immutable strict as 'prsd_lextype';
create function "before"(int) returns int language sql as 'select $1';
create transform for int language sql (from sql with function from_sql(internal));
create function "behind"(int) returns int language sql as 'select $1']]
    local facts = closure.facts(DATABASE)
    assert.same({}, facts:get "function:public.behind(integer)".deps)
    assert.is_nil(closure.check(DATABASE))
    assert.is_nil(closure.check_file(DATABASE))
  end)

  it("reads privileges on a schema public whose owner has an odd name, and on a routine of the system", function()
    closure.admin():script [[
do $$ begin
  if not exists (select from pg_roles where rolname = E'odd  \\" owner') then
    create role "odd  \"" owner";
  end if;
end $$]]
    make [[
alter schema public owner to "odd  \"" owner";
revoke all on schema public from "odd  \"" owner";
grant usage on schema public to "odd  \"" owner";
alter function pg_stat_reset owner to sink_owner;
revoke execute on function pg_stat_reset from sink_owner]]
    local facts = closure.facts(DATABASE)
    assert.same({ "USAGE" }, facts:get [[acl:"odd  \"" owner" on schema:public]].attrs.privileges)
    assert.is_nil(closure.check(DATABASE))
    assert.is_nil(files.check_at_once(DATABASE))
    assert.is_nil(closure.check_file(DATABASE))
  end)

  it("makes keys to partitioned tables in the order in which their names are counted", function()
    -- What pg_dump makes of this cannot be loaded.
    make [[
create table sizes (a int primary key) partition by range (a);
create table small partition of sizes for values from (1) to (50);
create table big partition of sizes for values from (50) to (100);
create table things (a int);
alter table things add foreign key (a) references sizes on delete cascade;
alter table things add foreign key (a) references sizes on delete restrict;
alter table things add foreign key (a) references sizes on delete set null;
alter table things add foreign key (a) references sizes on delete set default;
alter table things add foreign key (a) references sizes on update cascade]]
    assert.is_nil(files.check_at_once(DATABASE))
  end)

  it("is not concerned with what other sessions have for the time being", function()
    make "create table lasting (a int)"
    local before = closure.facts(DATABASE):to_json()
    local other = moonpool.connect { primary = closure.conninfo(DATABASE), pool = { max = 1 } }
    other:transaction(function(tx)
      tx:script [[
create temporary table passing (a int primary key check (a > 0) default 3, b text unique,
  constraint one_b exclude using btree (b with =));
create statistics pg_temp.both on a, b from passing;
comment on table passing is 'not for long'; comment on column passing.a is 'neither';
create temporary view seen as select 1 as a;
create rule nothing as on insert to seen do instead nothing;
create function pg_temp.f() returns trigger language plpgsql as 'begin return new; end';
create trigger touch before insert on passing for each row execute function pg_temp.f();
comment on trigger touch on passing is 'nor this';
create policy mine on passing; grant select on passing to public; create index on passing ((a + 1));
create domain pg_temp.positive as int check (value > 0); comment on type pg_temp.positive is 'nor that';
create type pg_temp.mood as enum ('a'); create type pg_temp.pair as (a int);
create type pg_temp.span as range (subtype = int4); create collation pg_temp.c from "C";
create operator pg_temp.=== (leftarg = int, rightarg = int, function = int4eq);
create operator class pg_temp.cls for type int using btree as operator 1 <;
create aggregate pg_temp.total(int) (sfunc = int4pl, stype = int);
create text search dictionary pg_temp.d (template = simple);
create text search configuration pg_temp.c (copy = simple);
create conversion pg_temp.c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1;
create cast (pg_temp.pair as text) with inout]]
      tx:script "savepoint here"
    end)
    -- The session is over its transaction, and its things are there as long as it is.
    local facts = closure.facts(DATABASE, { secrets = true, strict = true })
    other:close "1s"
    assert.same({}, facts.warnings)
    assert.equal(before, facts:to_json())
  end)

  it("says nothing of the comment that a dropped subscription leaves behind", function()
    make [[
create subscription gone connection 'host=nowhere' publication p with (connect = false);
comment on subscription gone is 'a comment']]
    local db = moonpool.connect { primary = closure.conninfo(DATABASE), pool = { max = 1 } }
    db:script "alter subscription gone set (slot_name = none)"
    db:script "drop subscription gone"
    local facts = schema.introspect(db)
    db:close "1s"
    assert.same({}, facts.warnings)
  end)
end)
