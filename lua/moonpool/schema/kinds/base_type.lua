--- Base types, and shells of types that were never filled in.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = { kind = "type" }

M.queries = {
  base_types = [[
select t.oid::int4, t.typname, t.typnamespace::int4, t.typowner::int4, t.typacl::text as acl, t.typisdefined, t.typlen,
  t.typbyval,
  t.typcategory, t.typispreferred, t.typdelim, t.typalign, t.typstorage, t.typdefault,
    t.typcollation <> 0 as collatable,
  t.typinput::text as input, t.typoutput::text as output, nullif(t.typreceive::oid, 0)::regproc::text as receive,
  nullif(t.typsend::oid, 0)::regproc::text as send, nullif(t.typmodin::oid, 0)::regproc::text as typmod_in,
  nullif(t.typmodout::oid, 0)::regproc::text as typmod_out, nullif(t.typanalyze::oid, 0)::regproc::text as analyze,
  nullif(t.typsubscript::oid, 0)::regproc::text as subscript,
  case when t.typelem <> 0 then format_type(t.typelem, null) end as element
from pg_type t
where t.oid >= 16384 and t.typtype in ('b', 'p')
  and not exists (select from pg_type el where el.oid = t.typelem and el.typarray = t.oid)
order by t.oid]],
}

local ALIGN = { c = "char", s = "int2", i = "int4", d = "double" }
local STORAGE = { e = "external", x = "extended", m = "main" }

function M.read(cx)
  for row in cx:rows "base_types" do
    local schema = cx:user_schema(row.typnamespace)
    if schema and not cx:member(OID.pg_type, row.oid) then
      local owner = cx:role(row.typowner)
      local attrs = { owner = owner }
      if not row.typisdefined then
        attrs.shell = true
      else
        attrs.input, attrs.output, attrs.receive, attrs.send = row.input, row.output, row.receive, row.send
        attrs.typmod_in, attrs.typmod_out, attrs.analyze, attrs.subscript =
          row.typmod_in, row.typmod_out, row.analyze, row.subscript
        attrs.internallength = row.typlen ~= -1 and row.typlen or nil
        attrs.passed_by_value = row.typbyval or nil
        attrs.alignment = row.typalign ~= "i" and ALIGN[row.typalign] or nil
        attrs.storage = STORAGE[row.typstorage]
        attrs.category = row.typcategory ~= "U" and row.typcategory or nil
        attrs.preferred = row.typispreferred or nil
        attrs.default, attrs.element = row.typdefault, row.element
        attrs.delimiter = row.typdelim ~= "," and row.typdelim or nil
        attrs.collatable = row.collatable or nil
      end
      local fact = cx:add(OID.pg_type, row.oid, "type", names.id("schema", schema), attrs, schema, row.typname)
      cx:acl(fact.id, "T", row.acl, owner)
    end
  end
end

function M.label(fact)
  return "TYPE " .. names.qualified(fact.schema, fact.name)
end

function M.shell(fact)
  return "CREATE TYPE " .. names.qualified(fact.schema, fact.name)
end

function M.create(fact, e)
  local attrs = fact.attrs
  if attrs.shell then
    e:add(M.shell(fact))
    e:owner(fact)
    e:comment(fact)
    return
  end
  local list = {}
  local function option(name, value)
    if value ~= nil then list[#list + 1] = ("%s = %s"):format(name, tostring(value)) end
  end
  option("INPUT", attrs.input)
  option("OUTPUT", attrs.output)
  option("RECEIVE", attrs.receive)
  option("SEND", attrs.send)
  option("TYPMOD_IN", attrs.typmod_in)
  option("TYPMOD_OUT", attrs.typmod_out)
  option("ANALYZE", attrs.analyze)
  option("SUBSCRIPT", attrs.subscript)
  option("INTERNALLENGTH", attrs.internallength == -2 and "-2" or attrs.internallength or "variable")
  if attrs.passed_by_value then list[#list + 1] = "PASSEDBYVALUE" end
  option("ALIGNMENT", attrs.alignment)
  option("STORAGE", attrs.storage)
  option("CATEGORY", attrs.category and names.literal(attrs.category))
  option("PREFERRED", attrs.preferred)
  option("DEFAULT", attrs.default and names.literal(attrs.default))
  option("ELEMENT", attrs.element)
  option("DELIMITER", attrs.delimiter and names.literal(attrs.delimiter))
  option("COLLATABLE", attrs.collatable)
  e:add(("CREATE TYPE %s (\n  %s\n)"):format(names.qualified(fact.schema, fact.name), table.concat(list, ",\n  ")))
  e:owner(fact)
  e:comment(fact)
end

return M
