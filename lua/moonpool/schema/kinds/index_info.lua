--- What is known of every index, before it is decided whose it is: the constraints take theirs from here.
--
-- pg_get_indexdef() would tell all of it, but it looks every operator class up by a scan; on a thousand tables that
-- alone costs a third of the reading. So the keys are put together from the catalogs, and only where they do not say
-- whether an operator class or a collation is the default one of its key is the text asked for and read.

local bit = require "bit"
local catalog = require "moonpool.schema.catalog"
local indexdef = require "moonpool.schema.indexdef"

local OID = catalog.oid

local M = {}

M.queries = {
  indexes = [[
select i.indexrelid::int4, i.indrelid::int4, c.relname, c.relnamespace::int4, c.relam::int4, a.amname, i.indisunique,
  i.indnullsnotdistinct,
  i.indisvalid, i.indisclustered, i.indisreplident, i.indisexclusion, i.indnkeyatts, i.indkey::text as keys,
  i.indclass::text as classes, i.indcollation::text as collations, i.indoption::text as key_options,
  c.reloptions::text as options, ts.spcname,
  case when i.indpred is not null then pg_get_expr(i.indpred, i.indrelid) end as predicate,
  t.relkind
from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_class t on t.oid = i.indrelid
  join pg_am a on a.oid = c.relam
  left join pg_tablespace ts on ts.oid = c.reltablespace
where i.indrelid >= 16384 and t.relkind in ('r', 'p', 'm') and t.relpersistence <> 't']],
  index_expressions = [[
select i.indexrelid::int4, x.attnum, x.atttypid::int4, pg_get_indexdef(i.indexrelid, x.attnum, false) as text
from pg_index i
  join pg_attribute x on x.attrelid = i.indexrelid and i.indkey[x.attnum - 1] = 0
where i.indexprs is not null and i.indrelid >= 16384]],
  index_columns = [[
select a.attrelid::int4, a.attnum, case when a.attstattarget >= 0 then a.attstattarget end as target,
  a.attoptions is not null as has_options
from pg_attribute a
  join pg_class c on c.oid = a.attrelid
where a.attrelid >= 16384 and c.relkind in ('i', 'I') and a.attnum > 0
  and (a.attstattarget >= 0 or a.attoptions is not null)
order by a.attrelid, a.attnum]],
  index_classes = [[
select o.oid::int4, o.opcmethod::int4, o.opcintype::int4, o.opcdefault, o.opckeytype <> 0 as stored,
  case when o.opcnamespace <> 11 then quote_ident(n.nspname) || '.' else '' end || quote_ident(o.opcname) as name
from pg_opclass o
  join pg_namespace n on n.oid = o.opcnamespace]],
}

-- Types that take the default class of another type: varchar that of text, and these four by being polymorphic.
local VARCHAR, TEXT, ANYARRAY, ANYENUM, ANYRANGE, ANYMULTIRANGE = 1043, 25, 2277, 3500, 3831, 4537
local POLYMORPHIC = { [ANYENUM] = true, [ANYRANGE] = true, [ANYMULTIRANGE] = true }
local DEFAULT_COLLATION = 100

local function read_classes(cx)
  local classes, exact = {}, {}
  for row in cx:rows "index_classes" do
    local class = { method = row.opcmethod, type = row.opcintype, default = row.opcdefault, name = row.name,
      stored = row.stored }
    classes[row.oid] = class
    if class.default then exact[row.opcmethod .. " " .. row.opcintype] = class end
  end
  return classes, exact
end

-- The name to print for a key's class, false for nothing, nil if only the server can say.
local function class_name(class, exact, type, is_array)
  if not class.default then return class.name end
  if class.type == type then return false end
  if exact[class.method .. " " .. type] then return class.name end
  if class.type == TEXT and type == VARCHAR or POLYMORPHIC[class.type] or class.type == ANYARRAY and is_array then
    return false
  end
  return nil
end

-- An expression has the collation of its columns unless it says otherwise or passes through a type with its own.
local function plain_collation(cx, row, collation, text)
  if collation == 0 then return true end
  return collation == DEFAULT_COLLATION and not cx.collated[row.indrelid] and not text:find "COLLATE"
    and not text:find "::name" and not text:find "::[%w_\"]+%."
end

-- The keys that are expressions, by index and place.
local function read_expressions(cx)
  local out = {}
  for row in cx:rows "index_expressions" do
    local list = out[row.indexrelid] or {}
    out[row.indexrelid] = list
    list[row.attnum] = row
  end
  return out
end

-- The keys, or nil if the text is needed.
local function read_keys(cx, row, columns, classes, exact, expressions)
  local class_oids, collations = catalog.numbers(row.classes), catalog.numbers(row.collations)
  local flags = catalog.numbers(row.key_options)
  local column_types = cx.column_types[row.indrelid]
  local keys = {}
  for i, number in ipairs(catalog.numbers(row.keys)) do
    if i > row.indnkeyatts then break end
    local name = number ~= 0 and columns[number].name
    local type = name and column_types[number] or expressions[i].atttypid
    local known = classes[class_oids[i]]
    -- What is stored for an expression may be of another type than the expression.
    if not name and known.stored and known.default then return nil end
    local class = class_name(known, exact, type, name and columns[number].attrs.type:sub(-2) == "[]")
    if class == nil then return nil end
    if name then
      if collations[i] ~= (cx.column_collations[row.indrelid][number] or 0) then return nil end
    elseif not plain_collation(cx, row, collations[i], expressions[i].text) then
      return nil
    end
    local desc, first = bit.band(flags[i], 1) ~= 0, bit.band(flags[i], 2) ~= 0
    if name and not class and not desc and not first then
      keys[i] = name
    else
      keys[i] = {
        column = name or nil, expression = not name and expressions[i].text or nil, opclass = class or nil, desc = desc
          or nil,
        nulls = desc and not first and "last" or not desc and first and "first" or nil,
      }
    end
  end
  return keys
end

local function split_columns(columns, row)
  local keys, include = {}, nil
  for n, number in ipairs(catalog.numbers(row.keys)) do
    local name = number ~= 0 and columns[number] and columns[number].name or false
    if n <= row.indnkeyatts then
      keys[n] = name
    else
      include = include or {}
      include[#include + 1] = name
    end
  end
  return keys, include
end

-- Asks for the texts of those whose keys the catalogs do not settle.
local function read_texts(cx, unsettled)
  local oids = {}
  for oid in pairs(unsettled) do oids[#oids + 1] = oid % 2 ^ 32 end
  if #oids == 0 then return end
  table.sort(oids)
  local result = cx:query(([[
select o::int4 as oid, pg_get_indexdef(o) as definition
from unnest('{%s}'::oid[]) o]]):format(table.concat(oids, ",")))
  for row in result:each() do
    local attrs = unsettled[row.oid]
    attrs.keys = indexdef.keys(row.definition, attrs.info.columns)
  end
end

function M.read(cx)
  cx.indexes = {}
  local classes, exact = read_classes(cx)
  local expressions = read_expressions(cx)
  local with_options, unsettled = {}, {}
  for row in cx:rows "index_columns" do
    if row.has_options then with_options[row.attrelid] = true end
  end
  for row in cx:rows "indexes" do
    local columns = cx.columns[row.indrelid]
    if columns and cx:fact(OID.pg_class, row.indrelid) then
      local attrs = {
        unique = row.indisunique or nil, nulls_not_distinct = row.indnullsnotdistinct or nil,
        method = row.amname ~= "btree" and row.amname or nil, tablespace = row.spcname, predicate = row.predicate,
        clustered = row.indisclustered or nil, replica_identity = row.indisreplident or nil,
        not_valid = not row.indisvalid and row.relkind ~= "p" or nil,
      }
      if row.options then catalog.set_options(attrs, "options", catalog.options(row.options)) end
      attrs.info = { table = row.indrelid, name = row.relname, schema = cx.namespaces[row.relnamespace] }
      attrs.info.columns, attrs.include = split_columns(columns, row)
      if not row.indisexclusion then
        attrs.keys = not with_options[row.indexrelid]
          and read_keys(cx, row, columns, classes, exact, expressions[row.indexrelid]) or nil
        if not attrs.keys then unsettled[row.indexrelid] = attrs end
      end
      cx.indexes[row.indexrelid] = attrs
    end
  end
  for row in cx:rows "index_columns" do
    local index = cx.indexes[row.attrelid]
    if index and row.target then
      index.statistics = index.statistics or {}
      table.insert(index.statistics, { key = row.attnum, target = row.target })
    end
  end
  read_texts(cx, unsettled)
end

return M
