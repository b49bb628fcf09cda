--- Relations and their columns: one reading of pg_class and pg_attribute for tables, foreign tables, views,
--- materialized views and the attributes of composite types. How each is made stands in its own file.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = {}

M.queries = {
  relations = [[
select c.oid::int4, c.relname, c.relnamespace::int4, c.relkind, c.relowner::int4, c.relpersistence,
  c.relacl::text as acl,
  c.reloptions::text as options, t.reloptions::text as toast_options, c.relrowsecurity, c.relforcerowsecurity,
  c.relreplident, c.relispartition, c.relispopulated, c.relpages, c.reltuples, c.reltype::int4, ts.spcname,
  case when a.amname <> 'heap' then a.amname end as amname,
  case when c.reloftype <> 0 then format_type(c.reloftype, null) end as of_type,
  case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as partition_key,
  case when c.relispartition then pg_get_expr(c.relpartbound, c.oid) end as bound
from pg_class c
  left join pg_class t on t.oid = c.reltoastrelid and t.reloptions is not null
  left join pg_tablespace ts on ts.oid = c.reltablespace
  left join pg_am a on a.oid = c.relam
where c.oid >= 16384 and c.relkind in ('r', 'p', 'f', 'v', 'm') and c.relpersistence <> 't']],
  view_texts = [[
select c.oid::int4, pg_get_viewdef(c.oid) as text
from pg_class c
where c.oid >= 16384 and c.relkind in ('v', 'm') and c.relpersistence <> 't'
  and not exists (select from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')]],
  foreign_tables = [[
select t.ftrelid::int4, s.srvname, t.ftoptions::text as options
from pg_foreign_table t
  join pg_foreign_server s on s.oid = t.ftserver]],
  parents = [[
select i.inhrelid::int4, i.inhparent::int4, i.inhseqno
from pg_inherits i
where i.inhrelid >= 16384
order by i.inhrelid, i.inhseqno]],
  -- There are more columns than anything else: a row has but eight values, and the rare ones share one of them. The
  -- names of the system's types are told once.
  columns = [[
select a.attrelid::int4, a.attnum, a.attname, a.atttypid::int4, a.attcollation::int4,
  case when a.atttypid >= 16384 or a.atttypmod >= 0 then format_type(a.atttypid, a.atttypmod) end as type,
  a.attnotnull::int4 + case when a.attislocal then 0 else 2 end as flags,
  case when a.attidentity <> '' or a.attgenerated <> '' or a.attcompression <> '' or a.attstorage <> t.typstorage
    or a.attcollation <> t.typcollation or a.attstattarget >= 0 or a.attoptions is not null
    or a.attfdwoptions is not null or a.attacl is not null
  then array[nullif(a.attidentity, '')::text, nullif(a.attgenerated, '')::text, nullif(a.attcompression, '')::text,
    case when a.attstorage <> t.typstorage then a.attstorage end::text,
    case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end,
    case when a.attstattarget >= 0 then a.attstattarget end::text,
    a.attoptions::text, a.attfdwoptions::text, a.attacl::text]::text end as rare
from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_type t on t.oid = a.atttypid
where a.attrelid >= 16384 and a.attnum > 0 and c.relkind in ('r', 'p', 'f', 'v', 'm', 'c')
  and c.relpersistence <> 't']],
  system_types = [[
select oid::int4, format_type(oid, -1) as name
from pg_type
where oid < 16384]],
  defaults = [[
select oid::int4, adrelid::int4, adnum, pg_get_expr(adbin, adrelid) as expression
from pg_attrdef
where adrelid >= 16384]],
}

local KINDS = { r = "table", p = "table", f = "foreign_table", v = "view", m = "matview" }
local REPLICA = { n = "nothing", f = "full" }
local STORAGE = { p = "PLAIN", e = "EXTERNAL", m = "MAIN", x = "EXTENDED" }
local COMPRESSION = { p = "pglz", l = "lz4" }

local function read_relations(cx)
  for row in cx:rows "relations" do
    local schema = cx:user_schema(row.relnamespace)
    if schema and not cx:member(OID.pg_class, row.oid) then
      local owner = cx:role(row.relowner)
      local attrs = {
        owner = owner, persistence = row.relpersistence == "u" and "unlogged" or nil, tablespace = row.spcname,
        access_method = row.amname, of_type = row.of_type, partition_key = row.partition_key, bound = row.bound,
        row_security = row.relrowsecurity or nil, force_row_security = row.relforcerowsecurity or nil,
        _pages = row.relpages, _rows = row.reltuples,
      }
      if row.relkind ~= "f" and row.relkind ~= "v" then attrs.replica_identity = REPLICA[row.relreplident] end
      if row.relkind == "m" then attrs._populated = row.relispopulated end
      local map, order = catalog.options(row.options)
      map, order = catalog.options(row.toast_options, "toast.", map, order)
      catalog.set_options(attrs, "options", map, order)
      local fact = cx:add(OID.pg_class, row.oid, KINDS[row.relkind], names.id("schema", schema), attrs, schema,
        row.relname)
      cx.columns[row.oid] = {}
      cx:stand_in(OID.pg_type, row.reltype, fact)
      cx:acl(fact.id, "r", row.acl, owner)
    end
  end
  for row in cx:rows "view_texts" do
    local fact = cx:fact(OID.pg_class, row.oid)
    if fact then
      fact.attrs.definition = row.text and row.text:gsub(";$", "")
      cx.made[fact] = row.oid % 2 ^ 32
    end
  end
  for row in cx:rows "foreign_tables" do
    local fact = cx:fact(OID.pg_class, row.ftrelid)
    if fact then
      fact.attrs.server = row.srvname
      local options, order = catalog.options(row.options)
      catalog.set_options(fact.attrs, "foreign_options", options, order)
    end
  end
end

--- `schema.name` of a relation that is a fact or belongs to an extension.
local function read_parents(cx)
  for row in cx:rows "parents" do
    local fact = cx:fact(OID.pg_class, row.inhrelid)
    local parent = cx:fact(OID.pg_class, row.inhparent)
    if fact and parent then
      if fact.attrs.bound then
        fact.attrs.partition_of = parent.id
      else
        fact.attrs.inherits = fact.attrs.inherits or {}
        table.insert(fact.attrs.inherits, parent.id)
      end
    end
  end
end

-- What an index needs to know of its columns' types.
local function note_type(cx, row)
  local relid = row.attrelid
  local types, collations = cx.column_types[relid], cx.column_collations[relid]
  if not types then
    types, collations = {}, {}
    cx.column_types[relid], cx.column_collations[relid] = types, collations
  end
  types[row.attnum] = row.atttypid
  local collation = row.attcollation
  if collation ~= 0 then
    collations[row.attnum] = collation
    if collation ~= 100 then cx.collated[relid] = true end
  end
end

-- What few columns have.
local function read_rare(row, attrs)
  local identity, generated, compression, storage, collation, statistics, options, foreign_options, acl
    = unpack(catalog.array(row.rare))
  if collation then attrs.collation = collation end
  if statistics then attrs.statistics = tonumber(statistics) end
  if storage then attrs.storage = STORAGE[storage] end
  if compression then attrs.compression = COMPRESSION[compression] end
  if options then catalog.set_options(attrs, "options", catalog.options(options)) end
  if foreign_options then catalog.set_options(attrs, "foreign_options", catalog.options(foreign_options)) end
  if identity then attrs.identity = identity == "a" and "always" or "by default" end
  if generated then attrs.generated = generated == "v" and "virtual" or "stored" end
  return acl
end

local function read_columns(cx)
  local relid, relation, columns, schema, path
  local system_types = {}
  for row in cx:rows "system_types" do system_types[row.oid] = row.name end
  cx.column_types, cx.column_collations, cx.collated = {}, {}, {}
  for row in cx:rows "columns" do
    if row.attrelid ~= relid then
      relid, relation = row.attrelid, cx:fact(OID.pg_class, row.attrelid)
      columns = cx.columns[relid] or {}
      cx.columns[relid] = columns
      schema = relation and relation.schema
      path = relation and names.part(schema) .. "." .. names.part(relation.name) .. "."
    end
    if relation then
      note_type(cx, row)
      local composite = relation.kind == "composite"
      local flags, acl = row.flags, nil
      local type_name = row.type or system_types[row.atttypid]
      local attrs = flags % 2 == 1 and { type = type_name, not_null = true, _position = row.attnum }
        or { type = type_name, _position = row.attnum }
      if flags >= 2 and not relation.attrs.partition_of then attrs.inherited = true end
      if row.rare then acl = read_rare(row, attrs) end
      local kind = composite and "attribute" or "column"
      local fact = cx:add_id(nil, nil, kind, kind .. ":" .. path .. names.part(row.attname), relation.id, attrs,
        row.attname, schema)
      columns[row.attnum] = fact
      if acl then cx:acl(fact.id, "c", acl, relation.attrs.owner, false) end
    end
  end
end

-- Dropped columns leave gaps in the numbers; a position is the place among those that are left.
local function rank_columns(cx)
  for _, columns in pairs(cx.columns) do  -- order-free: what is gathered is sorted before it is used
    local numbers, n, gaps = {}, 0, false
    for number in pairs(columns) do  -- order-free: what is gathered is sorted before it is used
      n = n + 1
      numbers[n] = number
    end
    for i = 1, n do gaps = gaps or not columns[i] end
    if gaps then
      table.sort(numbers)
      for i, number in ipairs(numbers) do columns[number].attrs._position = i end
    end
  end
end

local function read_defaults(cx)
  for row in cx:rows "defaults" do
    local column = cx.columns[row.adrelid] and cx.columns[row.adrelid][row.adnum]
    if column and column.attrs.generated then
      column.attrs.expression = row.expression
      cx:alias(OID.pg_attrdef, row.oid, column)
    elseif column then
      cx:add_id(OID.pg_attrdef, row.oid, "default", "default" .. column.id:sub(7), column.id,
        { expression = row.expression }, column.name, column.schema)
    end
  end
end

function M.read(cx)
  read_relations(cx)
  read_parents(cx)
  read_columns(cx)
  rank_columns(cx)
  read_defaults(cx)
end

return M
