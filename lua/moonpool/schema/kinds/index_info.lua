--- What is known of every index, before it is decided whose it is: the constraints take theirs from here.

local catalog = require "moonpool.schema.catalog"

local OID = catalog.oid

local M = {}

M.queries = {
  indexes = [[
select i.indexrelid, i.indrelid, c.relname, c.relnamespace, a.amname, i.indisunique, i.indnullsnotdistinct, i.indisvalid,
  i.indisclustered, i.indisreplident, i.indnkeyatts, i.indkey::text as keys, c.reloptions::text as options, ts.spcname,
  pg_get_expr(i.indpred, i.indrelid) as predicate, t.relkind, c.relispartition,
  case when not (i.indisprimary or i.indisexclusion) then pg_get_indexdef(i.indexrelid) end as definition
from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_class t on t.oid = i.indrelid
  join pg_am a on a.oid = c.relam
  left join pg_tablespace ts on ts.oid = c.reltablespace
where i.indrelid >= 16384 and t.relkind in ('r', 'p', 'm') and t.relpersistence <> 't'
order by i.indexrelid]],
  index_statistics = [[
select a.attrelid, a.attnum, a.attstattarget
from pg_attribute a
  join pg_class c on c.oid = a.attrelid
where c.oid >= 16384 and c.relkind in ('i', 'I') and a.attstattarget >= 0
order by a.attrelid, a.attnum]],
}

local function split_keys(columns, row)
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

function M.read(cx)
  cx.indexes = {}
  for row in cx:rows "indexes" do
    local columns = cx.columns[row.indrelid]
    if cx:fact(OID.pg_class, row.indrelid) and columns then
      local attrs = {
        unique = row.indisunique or nil, nulls_not_distinct = row.indnullsnotdistinct or nil,
        method = row.amname ~= "btree" and row.amname or nil, tablespace = row.spcname, predicate = row.predicate,
        clustered = row.indisclustered or nil, replica_identity = row.indisreplident or nil,
        not_valid = not row.indisvalid and row.relkind ~= "p" or nil,
      }
      catalog.set_options(attrs, "options", catalog.options(row.options))
      attrs.key_columns, attrs.include = split_keys(columns, row)
      attrs.row = {
        oid = row.indexrelid, table = row.indrelid, name = row.relname, schema = cx.namespaces[row.relnamespace],
        definition = row.definition,
      }
      cx.indexes[row.indexrelid] = attrs
    end
  end
  for row in cx:rows "index_statistics" do
    local index = cx.indexes[row.attrelid]
    if index then
      index.statistics = index.statistics or {}
      table.insert(index.statistics, { key = row.attnum, target = row.attstattarget })
    end
  end
end

return M
