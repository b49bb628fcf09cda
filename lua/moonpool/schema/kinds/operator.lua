--- Operators. A commutator or negator that does not exist yet is made as a shell by PostgreSQL and filled in later.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = { kind = "operator" }

M.queries = {
  operators = [[
select o.oid::int4, o.oprname, o.oprnamespace::int4, o.oprowner::int4, o.oprcanmerge, o.oprcanhash,
  case when o.oprleft <> 0 then format_type(o.oprleft, null) end as left_type, format_type(o.oprright,
    null) as right_type,
  nullif(o.oprcode::oid, 0)::regproc::text as code, nullif(o.oprrest::oid, 0)::regproc::text as restrict_fn,
  nullif(o.oprjoin::oid, 0)::regproc::text as join_fn,
  (select quote_ident(n.nspname) || '.' || c.oprname from pg_operator c join pg_namespace n on n.oid = c.oprnamespace
   where c.oid = o.oprcom) as commutator,
  (select quote_ident(n.nspname) || '.' || c.oprname from pg_operator c join pg_namespace n on n.oid = c.oprnamespace
   where c.oid = o.oprnegate) as negator,
  o.oprcode = 0 and not exists (select from pg_operator c where o.oid in (c.oprcom, c.oprnegate)) as orphan
from pg_operator o
where o.oid >= 16384
order by o.oid]],
}

--- `schema.+(left,right)` as ids have it.
local function id(schema, name, left, right)
  return ("operator:%s.%s(%s,%s)"):format(names.part(schema), name, left or "none", right)
end

function M.read(cx)
  for row in cx:rows "operators" do
    local schema = cx:user_schema(row.oprnamespace)
    -- A shell stays behind when the operator that named it is dropped; it does nothing, and nothing can make it.
    if row.orphan then
      cx:seen(OID.pg_operator, row.oid)
    elseif schema and not cx:member(OID.pg_operator, row.oid) then
      local fact = cx:add_id(OID.pg_operator, row.oid, "operator", id(schema, row.oprname, row.left_type,
        row.right_type),
        names.id("schema", schema), {
          owner = row.code and cx:role(row.oprowner) or nil,
          left = row.left_type, right = row.right_type, func = row.code,
          restrict = row.restrict_fn, join = row.join_fn, merges = row.oprcanmerge or nil, hashes = row.oprcanhash
            or nil,
          commutator = row.commutator, negator = row.negator, shell = not row.code or nil,
        }, row.oprname, schema)
      fact.args = ("%s,%s"):format(row.left_type or "none", row.right_type)
    end
  end
end

function M.label(fact)
  local attrs = fact.attrs
  return ("OPERATOR %s.%s(%s, %s)"):format(names.quote(fact.schema), fact.name, attrs.left or "NONE", attrs.right)
end

function M.create(fact, e)
  local attrs = fact.attrs
  if attrs.shell then return end  -- made by the operator that names it
  local list = { "FUNCTION = " .. attrs.func }
  local function option(name, value)
    if value == true then
      list[#list + 1] = name
    elseif value then
      list[#list + 1] = name .. " = " .. value
    end
  end
  option("LEFTARG", attrs.left)
  option("RIGHTARG", attrs.right)
  option("COMMUTATOR", attrs.commutator and ("OPERATOR(%s)"):format(attrs.commutator))
  option("NEGATOR", attrs.negator and ("OPERATOR(%s)"):format(attrs.negator))
  option("RESTRICT", attrs.restrict)
  option("JOIN", attrs.join)
  option("HASHES", attrs.hashes)
  option("MERGES", attrs.merges)
  e:add(("CREATE OPERATOR %s.%s (\n  %s\n)")
    :format(names.quote(fact.schema), fact.name, table.concat(list, ",\n  ")))
  e:owner(fact)
  e:comment(fact)
end

return M
