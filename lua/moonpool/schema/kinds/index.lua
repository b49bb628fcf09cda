--- Indexes that no constraint owns.

local catalog = require "moonpool.schema.catalog"
local constraint = require "moonpool.schema.kinds.constraint"
local names = require "moonpool.schema.names"
local render = require "moonpool.schema.render"

local OID = catalog.oid

local M = { kind = "index" }

--- After the constraints: whatever index is still without a fact.
function M.read(cx)
  for oid, attrs in pairs(cx.indexes) do  -- order-free: what is gathered is sorted before it is used
    local info = attrs.info
    attrs.info = nil
    if not cx:fact(OID.pg_class, oid) then
      cx:add(OID.pg_class, oid, "index", cx:fact(OID.pg_class, info.table).id, attrs, info.schema, info.name)
    end
  end
  -- An index of a partition that belongs to the index of its parent.
  for row in cx:rows "parents" do
    local fact, above = cx:fact(OID.pg_class, row.inhrelid), cx:fact(OID.pg_class, row.inhparent)
    if fact and above and (fact.kind == "index" or fact.kind == "constraint") then
      fact.attrs.attached_to = above.id
    end
  end
end

function M.label(fact)
  return "INDEX " .. names.qualified(fact.schema, fact.name)
end

function M.create(fact, e)
  local host = e.set:get(fact.parent)
  local on = (host.attrs.partition_key and "ONLY " or "") .. e:name_of(host.id)
  if fact.attrs.not_valid then
    e:skip(fact, "it is not valid: a concurrent build of it failed")
    return
  end
  e:add(render.index(fact, on))
  constraint.index_details(fact, e)
  e:comment(fact)
end

return M
