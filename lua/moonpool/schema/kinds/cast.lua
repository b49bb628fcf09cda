--- Casts. A cast has no schema and no owner; it is known by its two types.

local catalog = require "moonpool.schema.catalog"

local OID = catalog.oid

local M = { kind = "cast" }

M.queries = {
  casts = [[
select c.oid::int4, format_type(castsource, null) as source, format_type(casttarget, null) as target, castcontext,
  castmethod,
  case when castfunc <> 0 then castfunc::regprocedure::text end as func
from pg_cast c
where c.oid >= 16384
  and not exists (select from pg_depend d
    where d.classid = 'pg_cast'::regclass and d.objid = c.oid and d.deptype = 'i')
  and not exists (select from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where t.oid in (c.castsource, c.casttarget) and n.nspname ~ '^pg_temp_')
order by c.oid]],
}

local CONTEXT = { a = "ASSIGNMENT", i = "IMPLICIT" }
local METHOD = { b = "binary", i = "inout" }

function M.read(cx)
  for row in cx:rows "casts" do
    if not cx:member(OID.pg_cast, row.oid) then
      local args = row.source .. " AS " .. row.target
      local fact = cx:add_id(OID.pg_cast, row.oid, "cast", ("cast:(%s)"):format(args), nil,
        { context = CONTEXT[row.castcontext], method = METHOD[row.castmethod], func = row.func }, args)
      fact.args = args
    end
  end
end

function M.label(fact)
  return ("CAST (%s)"):format(fact.args)
end

function M.create(fact, e)
  local attrs = fact.attrs
  local how = attrs.func and "WITH FUNCTION " .. attrs.func
    or attrs.method == "inout" and "WITH INOUT" or "WITHOUT FUNCTION"
  e:add(("CREATE CAST (%s) %s%s"):format(fact.args, how, attrs.context and " AS " .. attrs.context or ""))
  e:comment(fact)
end

return M
