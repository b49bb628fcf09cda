--- Aggregates.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = { kind = "aggregate" }

M.queries = {
  aggregates = [[
select p.oid::int4, p.proname, p.pronamespace::int4, p.proowner::int4, p.proacl::text as acl, p.proparallel,
  oidvectortypes(p.proargtypes) as input_types, coalesce(nullif(pg_get_function_arguments(p.oid), ''),
    '*') as arguments,
  a.aggkind, a.aggtransfn::text as sfunc, format_type(a.aggtranstype, null) as stype, a.aggtransspace as sspace,
  nullif(a.aggfinalfn, 0)::regproc::text as finalfunc, a.aggfinalextra, a.aggfinalmodify,
  nullif(a.aggcombinefn, 0)::regproc::text as combinefunc, nullif(a.aggserialfn, 0)::regproc::text as serialfunc,
  nullif(a.aggdeserialfn, 0)::regproc::text as deserialfunc, a.agginitval,
  nullif(a.aggmtransfn, 0)::regproc::text as msfunc, nullif(a.aggminvtransfn, 0)::regproc::text as minvfunc,
  case when a.aggmtranstype <> 0 then format_type(a.aggmtranstype, null) end as mstype, a.aggmtransspace as msspace,
  nullif(a.aggmfinalfn, 0)::regproc::text as mfinalfunc, a.aggmfinalextra, a.aggmfinalmodify, a.aggminitval,
  case when a.aggsortop <> 0 then (select quote_ident(n.nspname) || '.' || o.oprname
    from pg_operator o join pg_namespace n on n.oid = o.oprnamespace where o.oid = a.aggsortop) end as sortop
from pg_proc p
  join pg_aggregate a on a.aggfnoid = p.oid
where p.oid >= 16384
order by p.oid]],
}

local MODIFY = { r = "READ_ONLY", s = "SHAREABLE", w = "READ_WRITE" }
local PARALLEL = { s = "SAFE", r = "RESTRICTED" }

-- Absent means READ_ONLY for a plain aggregate and READ_WRITE for an ordered-set one.
local function modify(row, value)
  local default = row.aggkind == "n" and "r" or "w"
  return value ~= default and MODIFY[value] or nil
end

function M.read(cx)
  for row in cx:rows "aggregates" do
    local schema = cx:user_schema(row.pronamespace)
    if schema and not cx:member(OID.pg_proc, row.oid) then
      local owner = cx:role(row.proowner)
      local attrs = {
        owner = owner, arguments = row.arguments, hypothetical = row.aggkind == "h" or nil,
        ordered_set = row.aggkind == "o" or nil, parallel = PARALLEL[row.proparallel],
        sfunc = row.sfunc, stype = row.stype, sspace = row.sspace ~= 0 and row.sspace or nil,
        finalfunc = row.finalfunc, finalfunc_extra = row.aggfinalextra or nil,
        finalfunc_modify = row.finalfunc and modify(row, row.aggfinalmodify), combinefunc = row.combinefunc,
        serialfunc = row.serialfunc, deserialfunc = row.deserialfunc, initcond = row.agginitval,
        msfunc = row.msfunc, minvfunc = row.minvfunc, mstype = row.mstype,
        msspace = row.msspace ~= 0 and row.msspace or nil, mfinalfunc = row.mfinalfunc,
        mfinalfunc_extra = row.aggmfinalextra or nil, mfinalfunc_modify = row.mfinalfunc
          and modify(row, row.aggmfinalmodify),
        minitcond = row.aggminitval, sortop = row.sortop,
      }
      local id = ("%s(%s)"):format(names.id("aggregate", schema, row.proname), row.input_types)
      local fact = cx:add_id(OID.pg_proc, row.oid, "aggregate", id, names.id("schema", schema), attrs, row.proname,
        schema)
      fact.args = row.input_types
      cx:acl(fact.id, "f", row.acl, owner)
    end
  end
end

function M.label(fact)
  return ("AGGREGATE %s(%s)"):format(names.qualified(fact.schema, fact.name), fact.attrs.arguments)
end

-- GRANT knows aggregates only as functions, by the types of all their arguments.
function M.grant(fact)
  return ("FUNCTION %s(%s)"):format(names.qualified(fact.schema, fact.name), fact.args)
end

local TEXTS = { "finalfunc", "combinefunc", "serialfunc", "deserialfunc", "msfunc", "minvfunc", "mstype", "mfinalfunc" }

function M.create(fact, e)
  local attrs = fact.attrs
  local list = { "SFUNC = " .. attrs.sfunc, "STYPE = " .. attrs.stype }
  local function option(name, value)
    if value == true then
      list[#list + 1] = name
    elseif value then
      list[#list + 1] = name .. " = " .. value
    end
  end
  option("SSPACE", attrs.sspace)
  for _, key in ipairs(TEXTS) do option(key:upper(), attrs[key]) end
  option("MSSPACE", attrs.msspace)
  option("INITCOND", attrs.initcond and names.literal(attrs.initcond))
  option("MINITCOND", attrs.minitcond and names.literal(attrs.minitcond))
  option("FINALFUNC_EXTRA", attrs.finalfunc_extra)
  option("FINALFUNC_MODIFY", attrs.finalfunc_modify)
  option("MFINALFUNC_EXTRA", attrs.mfinalfunc_extra)
  option("MFINALFUNC_MODIFY", attrs.mfinalfunc_modify)
  option("SORTOP", attrs.sortop and ("OPERATOR(%s)"):format(attrs.sortop))
  option("PARALLEL", attrs.parallel)
  option("HYPOTHETICAL", attrs.hypothetical)
  e:add(("CREATE AGGREGATE %s(%s) (\n  %s\n)")
    :format(names.qualified(fact.schema, fact.name), attrs.arguments, table.concat(list, ",\n  ")))
  e:owner(fact)
  e:comment(fact)
end

return M
