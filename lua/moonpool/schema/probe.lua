--- The completeness probe: every object somebody made, as the catalogs list it, must be a fact, a part of one, or an
--- extension's. What is neither is named.

local catalog = require "moonpool.schema.catalog"

local M = {}

local USER = "o.oid >= 16384"

local NOT_INTERNAL = " and not exists (select from pg_depend d where d.classid = '%s'::regclass and d.objid = o.oid "
  .. "and d.deptype = 'i')"

-- Per catalog: which rows somebody made, and the object a row goes with (whose extension is then its own).
local SOURCES = {
  { "pg_namespace", USER .. " and o.nspname !~ '^pg_(temp|toast_temp)_'" },
  { "pg_class", USER .. " and o.relkind = 'c'", "pg_type", "o.reltype" },
  { "pg_class", USER .. " and o.relkind not in ('c', 't') and o.relpersistence <> 't' and o.relnamespace <> 99", "pg_class",
    "(select i.indrelid from pg_index i where i.indexrelid = o.oid)" },
  { "pg_type", USER .. " and o.typrelid = 0 and o.typtype <> 'm' and not exists (select from pg_type e "
    .. "where e.oid = o.typelem and e.typarray = o.oid)" },
  -- A range type comes with functions that build it and a cast to its multirange.
  { "pg_proc", USER .. NOT_INTERNAL:format "pg_proc" }, { "pg_cast", USER .. NOT_INTERNAL:format "pg_cast" },
  { "pg_operator", USER }, { "pg_opclass", USER }, { "pg_opfamily", USER },
  { "pg_constraint", USER .. " and o.conrelid <> 0", "pg_class", "o.conrelid" },
  { "pg_constraint", USER .. " and o.contypid <> 0", "pg_type", "o.contypid" },
  { "pg_trigger", USER .. " and not o.tgisinternal and o.tgparentid = 0", "pg_class", "o.tgrelid" },
  { "pg_rewrite", USER, "pg_class", "o.ev_class" },
  { "pg_policy", USER, "pg_class", "o.polrelid" },
  { "pg_attrdef", USER, "pg_class", "o.adrelid" },
  { "pg_amop", USER, "pg_opfamily", "o.amopfamily" },
  { "pg_amproc", USER, "pg_opfamily", "o.amprocfamily" },
  { "pg_am", USER }, { "pg_language", USER }, { "pg_transform", USER }, { "pg_collation", USER },
  { "pg_conversion", USER }, { "pg_ts_parser", USER }, { "pg_ts_template", USER }, { "pg_ts_dict", USER },
  { "pg_ts_config", USER }, { "pg_foreign_data_wrapper", USER }, { "pg_foreign_server", USER },
  { "pg_extension", "true" }, { "pg_event_trigger", "true" }, { "pg_publication", "true" },
  { "pg_publication_rel", "true" }, { "pg_publication_namespace", "true" }, { "pg_default_acl", "true" },
  { "pg_statistic_ext", "true" },
}

local parts, NAMES = {}, {}
for i, source in ipairs(SOURCES) do
  local class = catalog.oid[source[1]]
  NAMES[class] = source[1]
  parts[i] = ("select %d as class, o.oid, %s as parent_class, %s as parent from %s o where %s"):format(class,
    source[3] and catalog.oid[source[3]] or 0, source[4] or "0::oid", source[1], source[2])
end

--- Lists what users made.
M.query = table.concat(parts, "\nunion all\n")

--- The objects that no fact accounts for.
---@param cx moonpool.schema.Context
---@return { class: integer, oid: integer }[]
function M.missing(cx)
  local missing = {}
  for row in cx:rows "probe" do
    local class, oid = row.class, row.oid
    if not (cx:fact(class, oid) or cx:member(class, oid) or cx:is_seen(class, oid)
        or row.parent and cx:member(row.parent_class, row.parent)) then
      missing[#missing + 1] = { class = class, oid = oid }
    end
  end
  return missing
end

--- The query that puts a name to each of them.
---@param missing { class: integer, oid: integer }[]
---@return string
function M.describe(missing)
  local list = {}
  for i, item in ipairs(missing) do list[i] = ("(%d, %d)"):format(item.class, item.oid) end
  return ([[
select coalesce(pg_describe_object(class, oid, 0), 'object ' || oid || ' of ' || class::regclass) as text
from (values %s) as o(class, oid)]]):format(table.concat(list, ", "))
end

return M
