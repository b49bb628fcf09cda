--- What schemas of real applications, extensions and PostgreSQL's own tests taught, and what was thought up against them:
--- each a small case of something that was once read, written or compared wrongly, or might be. They go into one
--- database, so names are used once.

local assert = require "luassert"

---@class tests.SchemaCase
---@field [1] string  what is right
---@field sql string
---@field check? fun(facts: moonpool.schema.FactSet)

---@type tests.SchemaCase[]
return {
  {
    "tells the operator class of an expression by its own type, not by what the index stores for it",
    sql = [[
create table spots (p point[], j jsonb, id int);
create index on spots using gist ((p[1])) include (id);
create index on spots using gin ((j -> 'a'), to_tsvector('english', j::text))]],
    check = function(facts)
      assert.same({ { expression = "(p[1])" } }, facts:get "index:public.spots_p_id_idx".attrs.keys)
    end,
  },
  {
    "keeps the comment on a type that is but a shell",
    sql = "create type husk; comment on type husk is 'to come'",
    check = function(facts) assert.equal("to come", facts:get "type:public.husk".attrs.comment) end,
  },
  {
    "makes a key whose name PostgreSQL would count up to before one that it would not",
    sql = [[
create table shelves (k int primary key) partition by range (k);
create table shelf partition of shelves for values from (0) to (10);
create table wares (k int references shelves on delete cascade, constraint "at shelf" foreign key (k) references shelves)]],
  },
  {
    "lets a child do without a value that its parent demands, while releases let it",
    sql = [[
create table strict (a int not null, b int not null);
create table loose (b int not null) inherits (strict);
create table looser () inherits (loose);
do $$ begin
  if current_setting('server_version_num')::int < 180000 then
    alter table loose alter a drop not null;
    alter table loose alter b drop not null;
  end if;
end $$]],
  },
  {
    "checks a domain by a function of it before anything holds arrays of it",
    sql = [[
create domain above as int;
create function is_above(above) returns boolean language sql immutable as 'select $1 > 0';
alter domain above add check (is_above(value));
create table held (p above, q above[] default array[1, 2]::above[])]],
  },
  {
    "knows what the privileges on a language need",
    sql = [[
grant usage on language plpgsql to sink_owner; revoke usage on language plpgsql from public]],
    check = function(facts)
      assert.same({ "extension:plpgsql" }, facts:get "acl:sink_owner on language:plpgsql".deps)
    end,
  },
  {
    "tells procedures apart that differ in their OUT arguments alone",
    sql = [[
create procedure add_up(out total int, a int, b int) language sql as 'select a + b';
create procedure add_up(total int, a int, b int) language sql as 'select a + b';
alter procedure add_up(in int, in int, in int) owner to sink_owner;
comment on procedure add_up(out int, int, int) is 'gives the total']],
  },
  {
    "lets a generated column of a child come with its parent's",
    sql = [[
create table shapes (side int, area int generated always as (side * side) stored);
create table squares (colour text, side int, area int generated always as (side * side) stored);
alter table squares inherit shapes;
create table plain (side int, area int)]],
  },
  {
    "passes over the shells of operators that nothing names any more",
    sql = [[
create operator <=-> (leftarg = int, rightarg = int, function = int4eq, negator = <!=->);
drop operator <=-> (int, int);
create operator <=+> (leftarg = int, rightarg = int, function = int4eq, negator = <!=+>);
alter operator <=+> (int, int) owner to sink_owner]],
    check = function(facts)
      assert.is_nil(facts:get "operator:public.<!=->(integer,integer)")
      assert.is_true(facts:get "operator:public.<!=+>(integer,integer)".attrs.shell)
    end,
  },
  {
    "keeps links between operators one-sided where they are",
    sql = [[
create type zone as enum ('a', 'b');
create function first_in(zone, int) returns boolean language sql immutable as 'select true';
create function first_of(int, zone) returns boolean language sql immutable as 'select true';
create operator ~<~ (leftarg = zone, rightarg = int, function = first_in, commutator = #>#);
create operator #># (leftarg = int, rightarg = zone, function = first_of)]],
    check = function(facts)
      assert.equal("public.#>#", facts:get "operator:public.~<~(public.zone,integer)".attrs.commutator)
      assert.is_nil(facts:get "operator:public.#>#(integer,public.zone)".attrs.commutator)
    end,
  },
  {
    "keeps the privileges on columns that are no facts",
    sql = [[
create table notes (a int);
grant select (rolname, rolsuper) on pg_authid to sink_owner;
grant select (tableoid), update (a) on notes to sink_owner]],
    check = function(facts)
      assert.same({ "SELECT" }, facts:get("acl:sink_owner on column:pg_catalog.pg_authid.rolname").attrs.privileges)
      assert.same({ "SELECT" }, facts:get("acl:sink_owner on column:public.notes.tableoid").attrs.privileges)
    end,
  },
  {
    "lets a role take default privileges from itself",
    sql = [[
create schema notes;
alter default privileges for role sink_owner revoke delete on tables from sink_owner;
alter default privileges for role sink_owner in schema notes grant execute on functions to public]],
  },
  {
    "switches a partition's copy of a trigger when the trigger is there",
    sql = [[
create table years (id int, at date) partition by range (at);
create table decade partition of years for values from ('2020-01-01') to ('2030-01-01') partition by range (at);
create table a_year partition of decade for values from ('2020-01-01') to ('2021-01-01');
create function touch() returns trigger language plpgsql as 'begin return new; end';
create trigger touch before insert on years for each row execute function touch();
alter table a_year disable trigger touch]],
  },
  {
    "knows a type from the functions that are called like it",
    sql = [[
create type label;
create function label(cstring) returns label language internal immutable strict as 'textin';
create function label_text(label) returns cstring language internal immutable strict as 'textout';
create type label (input = label, output = label_text, like = text);
create function label(boolean) returns label language internal immutable strict as 'booltext';
create function label(inet) returns label language internal immutable strict as 'network_show';
create cast (boolean as label) with function label(boolean) as assignment;
create table jars (id int, inside label);
create view seen as select id, label(true) as inside from jars]],
  },
  {
    "does not mind in which order the members of an operator family were added",
    sql = [[
create type lot as enum ('a', 'b'); create type area as enum ('a', 'b');
create function lot_area(lot, area) returns boolean language sql immutable as 'select $1::text < $2::text';
create function area_lot(area, lot) returns boolean language sql immutable as 'select $1::text < $2::text';
create operator <<# (leftarg = area, rightarg = lot, function = area_lot);
create operator <<# (leftarg = lot, rightarg = area, function = lot_area);
create operator family places using btree;
alter operator family places using btree add operator 1 <<# (lot, area), operator 1 <<# (area, lot)]],
  },
  {
    "takes the copies of a constraint trigger on partitions for what they are, and keeps both its comments",
    sql = [[
create function on_watch() returns trigger language plpgsql as 'begin return null; end';
create table watched (a int) partition by list (a);
create table watched_1 partition of watched for values in (1);
create table watched_2 (a int) partition by list (a);
create constraint trigger watch after insert or delete on watched deferrable initially deferred
  for each row execute function on_watch();
alter table watched attach partition watched_2 for values in (2);
create table watched_21 partition of watched_2 for values in (2);
alter table watched_1 disable trigger watch;
comment on trigger watch on watched is 'a trigger';
comment on constraint watch on watched is 'and a constraint']],
    check = function(facts)
      local watch = facts:get "trigger:public.watched.watch"
      assert.equal("a trigger", watch.attrs.comment)
      assert.equal("and a constraint", watch.attrs.constraint_comment)
    end,
  },
  {
    "takes away from a table that is no fact before it gives to its columns",
    sql = [[
create extension if not exists pg_buffercache;
revoke select on pg_buffercache from pg_monitor;
grant select (bufferid, relfilenode) on pg_buffercache to pg_monitor;
revoke select on pg_catalog.pg_ts_dict from public;
grant select (dictname) on pg_catalog.pg_ts_dict to public]],
    check = function(facts)
      assert.truthy(facts:get "acl:pg_monitor on column:public.pg_buffercache.bufferid")
      assert.truthy(facts:get "acl:public on column:pg_catalog.pg_ts_dict.dictname")
    end,
  },
}
