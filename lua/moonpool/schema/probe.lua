--- The completeness probe: every object somebody made, as the catalogs list it, must be a fact, a part of one, or an
--- extension's. What is neither is named.

local catalog = require "moonpool.schema.catalog"

local M = {}

local USER = "o.oid >= 16384"

local NOT_INTERNAL = " and not exists (select from pg_depend d where d.classid = '%s'::regclass and d.objid = o.oid "
  .. "and d.deptype = 'i')"

-- An index goes with its table.
local NOT_OF_MEMBER = " and o.oid not in (select i.indexrelid from pg_index i "
  .. "join m on m.classid = 'pg_class'::regclass and m.objid = i.indrelid)"

-- Per catalog: which rows somebody made, and the object a row goes with, whose extension is then its own. What is
-- looked up for a row is a set that is made once: hashed, it is ten times as fast as asking anew for every row.
local SOURCES = {
  { "pg_namespace", USER .. " and o.nspname !~ '^pg_(temp|toast_temp)_'" },
  { "pg_class", USER .. " and o.relkind = 'c'", "pg_type", "o.reltype" },
  { "pg_class", USER .. " and o.relkind not in ('c', 't') and o.relpersistence <> 't' and o.relnamespace <> 99"
    .. NOT_OF_MEMBER },
  { "pg_type", USER .. " and o.typtype <> 'm' and o.typsubscript <> 'array_subscript_handler'::regproc "
    .. "and (o.typrelid = 0 or o.typrelid in (select oid from pg_class where relkind = 'c'))" },
  -- A range type comes with functions that build it and a cast to its multirange.
  { "pg_proc", USER .. NOT_INTERNAL:format "pg_proc" }, { "pg_cast", USER .. NOT_INTERNAL:format "pg_cast" },
  { "pg_operator", USER }, { "pg_opclass", USER }, { "pg_opfamily", USER },
  -- A constraint trigger has one for itself, and so has each partition's copy of it.
  { "pg_constraint", USER .. " and o.conrelid <> 0 and o.contype <> 't'", "pg_class", "o.conrelid" },
  { "pg_constraint", USER .. " and o.contypid <> 0", "pg_type", "o.contypid" },
  { "pg_trigger", USER .. " and not o.tgisinternal and (o.tgparentid = 0 or exists (select from pg_trigger p "
    .. "where p.oid = o.tgparentid and p.tgenabled <> o.tgenabled))", "pg_class", "o.tgrelid" },
  { "pg_rewrite", USER, "pg_class", "o.ev_class" },
  { "pg_policy", USER, "pg_class", "o.polrelid" },
  { "pg_attrdef", USER, "pg_class", "o.adrelid" },
  { "pg_amop", USER, "pg_opfamily", "o.amopfamily" },
  { "pg_amproc", USER, "pg_opfamily", "o.amprocfamily" },
  { "pg_am", USER }, { "pg_language", USER }, { "pg_transform", USER }, { "pg_collation", USER },
  { "pg_conversion", USER }, { "pg_ts_parser", USER }, { "pg_ts_template", USER }, { "pg_ts_dict", USER },
  { "pg_ts_config", USER }, { "pg_foreign_data_wrapper", USER }, { "pg_foreign_server", USER },
  { "pg_extension", USER }, { "pg_event_trigger", USER }, { "pg_publication", USER },
  { "pg_publication_rel", USER }, { "pg_publication_namespace", USER }, { "pg_default_acl", USER },
  { "pg_statistic_ext", USER },
  { "pg_subscription", USER
    .. " and o.subdbid = (select d.oid from pg_database d where d.datname = current_database())" },
}

-- What lies in a schema for temporary things is its session's own, and no part of the database's schema.
local NAMESPACE = {
  pg_class = "relnamespace", pg_type = "typnamespace", pg_proc = "pronamespace", pg_operator = "oprnamespace",
  pg_opclass = "opcnamespace", pg_opfamily = "opfnamespace", pg_constraint = "connamespace",
  pg_collation = "collnamespace", pg_conversion = "connamespace", pg_ts_parser = "prsnamespace",
  pg_ts_template = "tmplnamespace", pg_ts_dict = "dictnamespace", pg_ts_config = "cfgnamespace",
  pg_statistic_ext = "stxnamespace",
}
local PASSING = "o.%s not in (select oid from passing)"
local PASSING_RELATION = "o.%s not in (select oid from fleeting)"
local PASSING_FAMILY = "o.%s not in (select oid from pg_opfamily where opfnamespace in (select oid from passing))"
local OF_PASSING = {
  pg_trigger = PASSING_RELATION:format "tgrelid", pg_rewrite = PASSING_RELATION:format "ev_class",
  pg_policy = PASSING_RELATION:format "polrelid", pg_attrdef = PASSING_RELATION:format "adrelid",
  pg_amop = PASSING_FAMILY:format "amopfamily", pg_amproc = PASSING_FAMILY:format "amprocfamily",
  pg_cast = "not exists (select from pg_type t where t.oid in (o.castsource, o.casttarget) "
    .. "and t.typnamespace in (select oid from passing))",
}

-- `o` is the object, `m` the extensions' members.
local MINE = [[not exists (select from m where m.classid = %d and m.objid = o.oid)]]

local counts, lists = {}, {}
for i, source in ipairs(SOURCES) do
  local name, condition, parent_class, parent = unpack(source, 1, 4)
  local class = catalog.oid[name]
  local where = condition .. " and " .. MINE:format(class)
  local lasting = NAMESPACE[name] and PASSING:format(NAMESPACE[name]) or OF_PASSING[name]
  if lasting then where = where .. " and " .. lasting end
  if parent then
    where = ("%s and not exists (select from m where m.classid = %d and m.objid = %s)"):format(where,
      catalog.oid[parent_class], parent)
  end
  counts[i] = ("select %d as class, count(*) as n from %s o where %s"):format(class, name, where)
  lists[i] = ("select %d as class, o.oid::int4 as oid from %s o where %s"):format(class, name, where)
end

local MEMBERS = "with m as materialized (select classid, objid from pg_depend where deptype = 'e'),\n"
  .. "  passing as materialized (select oid from pg_namespace where nspname ~ '^pg_(temp|toast_temp)_'),\n"
  .. "  fleeting as materialized (select oid from pg_class where relpersistence = 't')\n"

--- Counts, catalog by catalog, what users made.
M.query = ("%sselect class, sum(n)::int4 as n from (\n%s\n) c group by class"):format(MEMBERS,
  table.concat(counts, "\nunion all\n"))

local LIST = MEMBERS .. table.concat(lists, "\nunion all\n")

--- The objects that no fact accounts for. They are looked for one by one only if the counts differ.
---@param cx moonpool.schema.Context
---@return { class: integer, oid: integer }[]
function M.missing(cx)
  local differ = false
  for row in cx:rows "probe" do
    if row.n ~= (cx.accounted[row.class] or 0) then differ = true end
  end
  local missing = {}
  if not differ then return missing end
  for row in cx:query(LIST):each() do
    if not cx:fact(row.class, row.oid) and not cx:is_seen(row.class, row.oid) then
      missing[#missing + 1] = { class = row.class, oid = row.oid }
    end
  end
  return missing
end

--- The query that puts a name to each of them.
---@param missing { class: integer, oid: integer }[]
---@return string
function M.describe(missing)
  local list = {}
  for i, item in ipairs(missing) do list[i] = ("(%d, %d)"):format(item.class, item.oid % 2 ^ 32) end
  return ([[
select coalesce(pg_describe_object(class::oid, oid::oid, 0),
    'object ' || oid || ' of ' || class::oid::regclass) as text,
  pg_describe_object(class::oid, oid::oid, 0) is not null as exists,
  (pg_identify_object(class::oid, oid::oid, 0)).identity ~ '(^|[^[:alnum:]_"])pg_temp(_[0-9]+)?\.' as temporary
from (values %s) as o(class, oid)]]):format(table.concat(list, ", "))
end

return M
