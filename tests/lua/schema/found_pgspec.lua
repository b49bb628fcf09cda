-- What schemas of real applications, extensions and PostgreSQL's own tests taught: each a small case of something that
-- was once read, written or compared wrongly.

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

  -- Everything the driver for files checks.
  local function holds(sql)
    make(sql)
    assert.same({}, files.try(DATABASE))
    return closure.facts(DATABASE)
  end

  it("tells procedures apart that differ in their OUT arguments alone", function()
    holds [[
create procedure add_up(out total int, a int, b int) language sql as 'select a + b';
create procedure add_up(total int, a int, b int) language sql as 'select a + b';
alter procedure add_up(in int, in int, in int) owner to sink_owner;
comment on procedure add_up(out int, int, int) is 'gives the total']]
  end)

  it("lets a generated column of a child come with its parent's", function()
    holds [[
create table shapes (side int, area int generated always as (side * side) stored);
create table squares (colour text, side int, area int generated always as (side * side) stored);
alter table squares inherit shapes;
create table plain (side int, area int)]]
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

  it("passes over the shells of operators that nothing names any more", function()
    local facts = holds [[
create operator <=-> (leftarg = int, rightarg = int, function = int4eq, negator = <!=->);
drop operator <=-> (int, int);
create operator <=+> (leftarg = int, rightarg = int, function = int4eq, negator = <!=+>);
alter operator <=+> (int, int) owner to sink_owner]]
    assert.is_nil(facts:get "operator:public.<!=->(integer,integer)")
    assert.is_true(facts:get "operator:public.<!=+>(integer,integer)".attrs.shell)
    assert.same({}, facts.warnings)
  end)

  it("keeps links between operators one-sided where they are", function()
    local facts = holds [[
create type zone as enum ('a', 'b');
create function first_in(zone, int) returns boolean language sql immutable as 'select true';
create function first_of(int, zone) returns boolean language sql immutable as 'select true';
create operator ~<~ (leftarg = zone, rightarg = int, function = first_in, commutator = #>#);
create operator #># (leftarg = int, rightarg = zone, function = first_of)]]
    assert.equal("public.#>#", facts:get "operator:public.~<~(public.zone,integer)".attrs.commutator)
    assert.is_nil(facts:get "operator:public.#>#(integer,public.zone)".attrs.commutator)
  end)

  it("keeps the privileges on columns that are no facts", function()
    local facts = holds [[
create table notes (a int);
grant select (rolname, rolsuper) on pg_authid to sink_owner;
grant select (tableoid), update (a) on notes to sink_owner]]
    assert.same({ "SELECT" }, facts:get("acl:sink_owner on column:pg_catalog.pg_authid.rolname").attrs.privileges)
    assert.same({ "SELECT" }, facts:get("acl:sink_owner on column:public.notes.tableoid").attrs.privileges)
  end)

  it("lets a role take default privileges from itself", function()
    holds [[
create schema notes;
alter default privileges for role sink_owner revoke delete on tables from sink_owner;
alter default privileges for role sink_owner in schema notes grant execute on functions to public]]
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

  it("switches a partition's copy of a trigger when the trigger is there", function()
    holds [[
create table years (id int, at date) partition by range (at);
create table decade partition of years for values from ('2020-01-01') to ('2030-01-01') partition by range (at);
create table a_year partition of decade for values from ('2020-01-01') to ('2021-01-01');
create function touch() returns trigger language plpgsql as 'begin return new; end';
create trigger touch before insert on years for each row execute function touch();
alter table a_year disable trigger touch]]
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

  it("knows a type from the functions that are called like it", function()
    holds [[
create type label;
create function label(cstring) returns label language internal immutable strict as 'textin';
create function label_text(label) returns cstring language internal immutable strict as 'textout';
create type label (input = label, output = label_text, like = text);
create function label(boolean) returns label language internal immutable strict as 'booltext';
create function label(inet) returns label language internal immutable strict as 'network_show';
create cast (boolean as label) with function label(boolean) as assignment;
create table jars (id int, inside label);
create view seen as select id, label(true) as inside from jars]]
  end)

  it("does not mind in which order the members of an operator family were added", function()
    holds [[
create type zone as enum ('a', 'b'); create type area as enum ('a', 'b');
create function zone_area(zone, area) returns boolean language sql immutable as 'select $1::text < $2::text';
create function area_zone(area, zone) returns boolean language sql immutable as 'select $1::text < $2::text';
create operator <<# (leftarg = area, rightarg = zone, function = area_zone);
create operator <<# (leftarg = zone, rightarg = area, function = zone_area);
create operator family places using btree;
alter operator family places using btree add operator 1 <<# (zone, area), operator 1 <<# (area, zone)]]
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
