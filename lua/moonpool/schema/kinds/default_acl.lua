--- Default privileges: what objects made from now on get.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"
local privileges = require "moonpool.schema.privileges"

local OID = catalog.oid

local M = { kind = "default_acl" }

M.queries = {
  default_acls = [[
select d.oid::int4, d.defaclrole::int4, d.defaclnamespace::int4, d.defaclobjtype, d.defaclacl::text as acl
from pg_default_acl d
order by d.oid]],
}

local TYPES = { r = "tables", S = "sequences", f = "functions", T = "types", n = "schemas", L = "large_objects" }
local ACL_TYPE = { S = "s" }

function M.read(cx)
  for row in cx:rows "default_acls" do
    local role = cx:role(row.defaclrole)
    local schema = row.defaclnamespace ~= 0 and cx.namespaces[row.defaclnamespace]
    local type = TYPES[row.defaclobjtype] or row.defaclobjtype
    local fact
    if schema then
      fact = cx:add(OID.pg_default_acl, row.oid, "default_acl", nil, {}, role, type, schema)
    else
      fact = cx:add(OID.pg_default_acl, row.oid, "default_acl", nil, {}, role, type)
    end
    if schema then fact.deps = { names.id("schema", schema) } end
    -- In one schema they add to the global ones; there they stand in place of the built-in ones.
    local base = nil
    if schema then base = false end
    cx:acl(fact.id, ACL_TYPE[row.defaclobjtype] or row.defaclobjtype, row.acl, role, base)
  end
end

function M.create(fact, e)
  local _, parts = names.parse(fact.id)
  local prefix = "ALTER DEFAULT PRIVILEGES FOR ROLE " .. names.quote(parts[1])
  if parts[3] then prefix = ("%s IN SCHEMA %s"):format(prefix, names.quote(parts[3])) end
  local list = privileges.statements(e.set:children(fact.id, "acl"), parts[2]:upper():gsub("_", " "), nil, prefix
    .. " ")
  for _, sql in ipairs(list) do e:add(sql) end
end

-- Its privileges are its statements; they are not granted once more.
M.own_privileges = true

return M
