--- Extensions. What one owns is its own business: members are no facts, and what leans on a member leans on it.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local M = { kind = "extension" }

M.queries = {
  extensions = [[
select oid::int4, extname, extnamespace::int4, extversion, extowner::int4
from pg_extension
order by extname]],
}

function M.read(cx)
  local class = catalog.oid.pg_extension
  for row in cx:rows "extensions" do
    local fact = cx:add(class, row.oid, "extension", nil, {
      schema = cx.namespaces[row.extnamespace],
      _version = row.extversion,
      _owner = cx:role(row.extowner),
    }, row.extname)
    if cx:fact(catalog.oid.pg_namespace, row.extnamespace) then
      fact.deps = { names.id("schema", fact.attrs.schema) }
    end
  end
end

function M.label(fact)
  return "EXTENSION " .. names.quote(fact.name)
end

function M.create(fact, e)
  local sql = "CREATE EXTENSION IF NOT EXISTS " .. names.quote(fact.name)
  if fact.attrs.schema then sql = sql .. " WITH SCHEMA " .. names.quote(fact.attrs.schema) end
  if fact.attrs.version then sql = sql .. " VERSION " .. names.literal(fact.attrs.version) end
  e:add(sql)
  e:comment(fact, true)
end

return M
