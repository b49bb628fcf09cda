--- Extended statistics.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = { kind = "statistics" }

M.queries = {
  statistics = [[
select s.oid::int4, s.stxname, s.stxnamespace::int4, s.stxrelid::int4, s.stxowner::int4, s.stxkeys::text as keys,
  s.stxkind::text as kinds,
  pg_get_statisticsobjdef_expressions(s.oid)::text as expressions,
  case when s.stxstattarget >= 0 then s.stxstattarget end as target
from pg_statistic_ext s
where s.oid >= 16384
order by s.oid]],
}

local KINDS = { d = "ndistinct", f = "dependencies", m = "mcv" }

function M.read(cx)
  for row in cx:rows "statistics" do
    local host, schema = cx:fact(OID.pg_class, row.stxrelid), cx:user_schema(row.stxnamespace)
    if host and schema then
      local columns, kinds, expressions = {}, {}, catalog.array(row.expressions)
      for i, number in ipairs(catalog.numbers(row.keys)) do columns[i] = cx.columns[row.stxrelid][number].name end
      for _, letter in ipairs(catalog.array(row.kinds)) do kinds[#kinds + 1] = KINDS[letter] end
      table.sort(kinds)
      cx:add(OID.pg_statistic_ext, row.oid, "statistics", host.id, {
        owner = cx:role(row.stxowner), columns = #columns > 0 and columns or nil,
        expressions = #expressions > 0 and expressions or nil, target = row.target,
        -- All of them is what CREATE STATISTICS does unasked; none is what one expression alone has.
        kinds = #kinds > 0 and #kinds < 3 and kinds or nil,
      }, schema, row.stxname)
    end
  end
end

function M.label(fact)
  return "STATISTICS " .. names.qualified(fact.schema, fact.name)
end

function M.create(fact, e)
  local attrs = fact.attrs
  local list = {}
  for _, column in ipairs(attrs.columns or {}) do list[#list + 1] = names.quote(column) end
  for _, expression in ipairs(attrs.expressions or {}) do list[#list + 1] = ("(%s)"):format(expression) end
  local name = names.qualified(fact.schema, fact.name)
  e:add(("CREATE STATISTICS %s%s ON %s FROM %s"):format(name,
    attrs.kinds and (" (%s)"):format(table.concat(attrs.kinds, ", ")) or "", table.concat(list, ", "),
    e:name_of(fact.parent)))
  if attrs.target then e:add(("ALTER STATISTICS %s SET STATISTICS %d"):format(name, attrs.target)) end
  e:owner(fact)
  e:comment(fact)
end

return M
