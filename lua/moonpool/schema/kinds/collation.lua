--- Collations and conversions.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = {}

M.queries = {
  -- The locale moved between columns from release to release; a name that is not there takes the value of `absent`.
  collations = [[
select c.*
from (select null::text as colliculocale, null::text as colllocale, null::text as collicurules) absent
cross join lateral (
  select k.oid::int4, k.collname, k.collnamespace::int4, k.collowner::int4, k.collprovider, k.collisdeterministic,
    k.collcollate, k.collctype,
    coalesce(colllocale, colliculocale) as locale, collicurules as rules
  from pg_collation k
  where k.oid >= 16384
) c
order by c.oid]],
  conversions = [[
select c.oid::int4, c.conname, c.connamespace::int4, c.conowner::int4, pg_encoding_to_char(c.conforencoding) as source,
  pg_encoding_to_char(c.contoencoding) as target, c.conproc::text as func, c.condefault
from pg_conversion c
where c.oid >= 16384
order by c.oid]],
}

local PROVIDERS = { c = "libc", i = "icu", b = "builtin" }

function M.read(cx)
  for row in cx:rows "collations" do
    local schema = cx:user_schema(row.collnamespace)
    if schema and not cx:member(OID.pg_collation, row.oid) then
      cx:add(OID.pg_collation, row.oid, "collation", names.id("schema", schema), {
        owner = cx:role(row.collowner), provider = PROVIDERS[row.collprovider] or row.collprovider,
        nondeterministic = not row.collisdeterministic or nil, locale = row.locale,
        lc_collate = row.collcollate, lc_ctype = row.collctype ~= row.collcollate and row.collctype or nil,
        rules = row.rules,
      }, schema, row.collname)
    end
  end
  for row in cx:rows "conversions" do
    local schema = cx:user_schema(row.connamespace)
    if schema and not cx:member(OID.pg_conversion, row.oid) then
      cx:add(OID.pg_conversion, row.oid, "conversion", names.id("schema", schema), {
        owner = cx:role(row.conowner), source = row.source, target = row.target, func = row.func,
        default = row.condefault or nil,
      }, schema, row.conname)
    end
  end
end

local function label(word)
  return function(fact)
    return word .. " " .. names.qualified(fact.schema, fact.name)
  end
end

M.kinds = {
  collation = {
    label = label "COLLATION",
    create = function(fact, e)
      local attrs = fact.attrs
      local list = { "provider = " .. attrs.provider }
      local function option(name, value)
        if value then list[#list + 1] = ("%s = %s"):format(name, value) end
      end
      if attrs.nondeterministic then option("deterministic", "false") end
      option("locale", attrs.locale and names.literal(attrs.locale))
      if attrs.lc_collate then
        if attrs.lc_ctype then
          option("lc_collate", names.literal(attrs.lc_collate))
          option("lc_ctype", names.literal(attrs.lc_ctype))
        else
          option("locale", names.literal(attrs.lc_collate))
        end
      end
      option("rules", attrs.rules and names.literal(attrs.rules))
      e:add(("CREATE COLLATION %s (%s)"):format(names.qualified(fact.schema, fact.name), table.concat(list, ", ")))
      e:owner(fact)
      e:comment(fact)
    end,
  },
  conversion = {
    label = label "CONVERSION",
    create = function(fact, e)
      local attrs = fact.attrs
      e:add(("CREATE %sCONVERSION %s FOR %s TO %s FROM %s"):format(attrs.default and "DEFAULT " or "",
        names.qualified(fact.schema, fact.name), names.literal(attrs.source), names.literal(attrs.target),
        attrs.func))
      e:owner(fact)
      e:comment(fact)
    end,
  },
}

return M
