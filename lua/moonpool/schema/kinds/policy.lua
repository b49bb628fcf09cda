--- Row security policies.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = { kind = "policy" }

M.queries = {
  policies = [[
select p.oid::int4, p.polname, p.polrelid::int4, p.polcmd, p.polpermissive, p.polroles::text as roles,
  pg_get_expr(p.polqual, p.polrelid) as using_expr, pg_get_expr(p.polwithcheck, p.polrelid) as check_expr
from pg_policy p
where p.oid >= 16384
order by p.oid]],
}

local COMMANDS = { r = "select", a = "insert", w = "update", d = "delete" }

function M.read(cx)
  for row in cx:rows "policies" do
    local host = cx:fact(OID.pg_class, row.polrelid)
    if host then
      local roles = {}
      for _, oid in ipairs(catalog.numbers(row.roles)) do
        if oid ~= 0 then roles[#roles + 1] = cx:role(oid) end
      end
      table.sort(roles)
      cx:add(OID.pg_policy, row.oid, "policy", host.id, {
        command = COMMANDS[row.polcmd], restrictive = not row.polpermissive or nil,
        roles = #roles > 0 and roles or nil, using = row.using_expr, check = row.check_expr,
      }, host.schema, host.name, row.polname)
    end
  end
end

function M.label(fact, e)
  return ("POLICY %s ON %s"):format(names.quote(fact.name), e:name_of(fact.parent))
end

function M.create(fact, e)
  local attrs = fact.attrs
  local out = { ("CREATE POLICY %s ON %s"):format(names.quote(fact.name), e:name_of(fact.parent)) }
  if attrs.restrictive then out[#out + 1] = "AS RESTRICTIVE" end
  if attrs.command then out[#out + 1] = "FOR " .. attrs.command:upper() end
  if attrs.roles then out[#out + 1] = "TO " .. names.list(attrs.roles) end
  if attrs.using then out[#out + 1] = ("USING (%s)"):format(attrs.using) end
  if attrs.check then out[#out + 1] = ("WITH CHECK (%s)"):format(attrs.check) end
  e:add(table.concat(out, "\n  "))
  e:comment(fact)
end

return M
