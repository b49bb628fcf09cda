--- Enums, domains, ranges and composite types: one reading of pg_type, four kinds.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"
local not_null = require "moonpool.schema.kinds.not_null"

local OID = catalog.oid

local M = {}

M.queries = {
  types = [[
select t.oid::int4, t.typname, t.typnamespace::int4, t.typowner::int4, t.typacl::text as acl, t.typtype,
  t.typrelid::int4,
  t.typnotnull, format_type(nullif(t.typbasetype, 0), t.typtypmod) as base,
  case when t.typtype = 'd' then coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) end as default_expr,
  case when t.typtype = 'd' and t.typcollation <> b.typcollation then t.typcollation::regcollation::text end as coll
from pg_type t
  left join pg_class c on c.oid = t.typrelid
  left join pg_type b on b.oid = t.typbasetype
where t.oid >= 16384
  and (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and c.relkind = 'c')
order by t.oid]],
  enum_labels = [[
select enumtypid::int4, enumlabel
from pg_enum
where enumtypid >= 16384
order by enumtypid, enumsortorder]],
  ranges = [[
select r.rngtypid::int4, r.rngmultitypid::int4, format_type(r.rngsubtype, null) as subtype, nullif(r.rngmultitypid,
  0)::regtype::text as multirange,
  case when o.opcintype <> r.rngsubtype or not o.opcdefault
    then quote_ident(n.nspname) || '.' || quote_ident(o.opcname) end as opclass,
  case when r.rngcollation <> s.typcollation then r.rngcollation::regcollation::text end as coll,
  nullif(r.rngcanonical, 0)::regproc::text as canonical, nullif(r.rngsubdiff, 0)::regproc::text as diff
from pg_range r
  join pg_opclass o on o.oid = r.rngsubopc
  join pg_namespace n on n.oid = o.opcnamespace
  join pg_type s on s.oid = r.rngsubtype
where r.rngtypid >= 16384
order by r.rngtypid]],
}

local KINDS = { e = "enum", d = "domain", r = "range", c = "composite" }

function M.read(cx)
  local made = {}
  for row in cx:rows "types" do
    local schema = cx:user_schema(row.typnamespace)
    if schema and not cx:member(OID.pg_type, row.oid) then
      local owner = cx:role(row.typowner)
      local attrs = { owner = owner }
      local fact = cx:add(OID.pg_type, row.oid, KINDS[row.typtype], names.id("schema", schema), attrs, schema,
        row.typname)
      made[row.oid] = fact
      if row.typtype == "d" then
        attrs.type, attrs.collation, attrs.default = row.base, row.coll, row.default_expr
        attrs.not_null = row.typnotnull or nil
      elseif row.typtype == "c" then
        cx:alias(OID.pg_class, row.typrelid, fact)
      elseif row.typtype == "e" then
        attrs.labels = {}
      end
      cx:acl(fact.id, "T", row.acl, owner)
    end
  end
  for row in cx:rows "enum_labels" do
    local fact = made[row.enumtypid]
    if fact then fact.attrs.labels[#fact.attrs.labels + 1] = row.enumlabel end
  end
  for row in cx:rows "ranges" do
    local fact = made[row.rngtypid]
    if fact then
      local attrs = fact.attrs
      attrs.subtype, attrs.multirange, attrs.opclass, attrs.collation = row.subtype, row.multirange, row.opclass,
        row.coll
      attrs.canonical, attrs.diff = row.canonical, row.diff
      if row.rngmultitypid ~= 0 then cx:stand_in(OID.pg_type, row.rngmultitypid, fact) end
    end
  end
end

local function label(prefix)
  return function(fact)
    return prefix .. " " .. names.qualified(fact.schema, fact.name)
  end
end

local function finish(fact, e)
  e:owner(fact)
  e:comment(fact)
end

M.kinds = {
  enum = {
    label = label "TYPE",
    create = function(fact, e)
      local labels = {}
      for i, text in ipairs(fact.attrs.labels) do labels[i] = "\n  " .. names.literal(text) end
      e:add(("CREATE TYPE %s AS ENUM (%s\n)"):format(names.qualified(fact.schema, fact.name),
        table.concat(labels, ",")))
      finish(fact, e)
    end,
  },
  domain = {
    label = label "DOMAIN",
    grant = label "DOMAIN",
    create = function(fact, e)
      local attrs = fact.attrs
      local sql = ("CREATE DOMAIN %s AS %s"):format(names.qualified(fact.schema, fact.name), attrs.type)
      if attrs.collation then sql = sql .. " COLLATE " .. attrs.collation end
      if attrs.default then sql = sql .. " DEFAULT " .. attrs.default end
      sql = sql .. not_null.clause(attrs)
      for _, constraint in ipairs(e:folded(fact, "constraint")) do
        sql = ("%s\n  CONSTRAINT %s CHECK (%s)"):format(sql, names.quote(constraint.name), constraint.attrs.expression)
      end
      e:add(sql)
      finish(fact, e)
      not_null.details(fact, e)
    end,
  },
  range = {
    label = label "TYPE",
    -- A canonical function takes the type it canonicalises, so the name must exist before either.
    shell = function(fact)
      return "CREATE TYPE " .. names.qualified(fact.schema, fact.name)
    end,
    create = function(fact, e)
      local attrs = fact.attrs
      local list = { "SUBTYPE = " .. attrs.subtype }
      local function option(name, value)
        if value then list[#list + 1] = name .. " = " .. value end
      end
      option("SUBTYPE_OPCLASS", attrs.opclass)
      option("COLLATION", attrs.collation)
      option("CANONICAL", attrs.canonical)
      option("SUBTYPE_DIFF", attrs.diff)
      option("MULTIRANGE_TYPE_NAME", attrs.multirange)
      e:add(("CREATE TYPE %s AS RANGE (\n  %s\n)")
        :format(names.qualified(fact.schema, fact.name), table.concat(list, ",\n  ")))
      finish(fact, e)
    end,
  },
  composite = {
    label = label "TYPE",
    create = function(fact, e)
      local list = {}
      for i, attribute in ipairs(e:folded(fact, "attribute")) do
        local attrs = attribute.attrs
        list[i] = ("\n  %s %s%s"):format(names.quote(attribute.name), attrs.type,
          attrs.collation and " COLLATE " .. attrs.collation or "")
      end
      e:add(("CREATE TYPE %s AS (%s\n)"):format(names.qualified(fact.schema, fact.name), table.concat(list, ",")))
      finish(fact, e)
    end,
  },
  attribute = {
    host = "parent",
    label = function(fact, e)
      return ("COLUMN %s.%s"):format(e:name_of(fact.parent), names.quote(fact.name))
    end,
    create = function(fact, e)
      e:comment(fact)
    end,
  },
}

return M
