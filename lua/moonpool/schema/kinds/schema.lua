--- Schemas. `public` is there from the start: it is altered, never made.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local PUBLIC_OWNER = "pg_database_owner"
local PUBLIC_COMMENT = "standard public schema"

local M = { kind = "schema" }

M.queries = {
  schemas = [[
select oid::int4, nspname, nspowner::int4, nspacl::text as acl
from pg_namespace
order by nspname]],
}

-- An aclitem[] as the catalogs write it.
local function acl_text(...)
  local out = {}
  for i, item in ipairs { ... } do out[i] = '"' .. item:gsub('["\\]', "\\%0") .. '"' end
  return "{" .. table.concat(out, ",") .. "}"
end

function M.read(cx)
  local class = catalog.oid.pg_namespace
  for row in cx:rows "schemas" do
    local name = cx.namespaces[row.oid]
    if cx:user_schema(row.oid) and not cx:member(class, row.oid) then
      local owner = cx:role(row.nspowner)
      local fact = cx:add(class, row.oid, "schema", nil, { owner = owner }, name)
      local who = names.part(owner)
      local own, all = ("%s=UC/%s"):format(who, who), ("=U/%s"):format(who)
      local base = name == "public" and acl_text(own, all) or nil
      cx:acl(fact.id, "n", row.acl, owner, base)
      if base and not row.acl then cx:acl(fact.id, "n", acl_text(own), owner, base) end
    end
  end
end

function M.label(fact)
  return "SCHEMA " .. names.quote(fact.name)
end

function M.create(fact, e)
  if fact.name ~= "public" then
    e:add("CREATE SCHEMA " .. names.quote(fact.name))
    e:owner(fact)
    e:comment(fact)
    return
  end
  if fact.attrs.owner ~= PUBLIC_OWNER then e:owner(fact) end
  if fact.attrs.comment ~= PUBLIC_COMMENT then e:comment(fact, true) end
end

return M
