--- The kitchen sink: its files, and what it lacks.

local attributes = require "moonpool.schema.dsl.attributes"

local M = {}

M.files = {
  "kitchen/10_types.sql", "kitchen/20_routines.sql", "kitchen/30_tables.sql", "kitchen/40_partitions.sql",
  "kitchen/50_views.sql", "kitchen/60_rest.sql", "kitchen/70_extensions.sql",
}

-- Kinds of which the cluster has only so many, or that are read on request and have specs of their own.
local FEWER = {
  role = 0, role_setting = 0, membership = 0, tablespace = 0, parameter = 0, database_setting = 0,
  publication_schema = 2,
}

-- Attributes that are words of schema files, that need a tablespace, or that a kind shares the list of another for.
local function set_of(text)
  local out = {}
  for word in text:gmatch "%S+" do out[word] = true end
  return out
end
local UNSET = {
  all = set_of "where tablespace",
  -- Written by the words of schema files under the fact's own name.
  constraint = set_of "name", index = set_of "name not_valid",
  -- These need a release newer than 15; tests/data/schema/versions has them.
  collation = set_of "rules", domain = set_of "not_null_name not_null_comment",
  publication = set_of "generated_columns", subscription = set_of "origin password_not_required run_as_owner failover",
  -- The version of an extension is no part of what a schema says.
  extension = set_of "version",
  table = set_of "server foreign_options",
  foreign_table = set_of [[persistence access_method of_type partition_key options row_security force_row_security
    replica_identity]],
  procedure = set_of [[returns library volatility parallel strict security_definer leakproof window cost rows support
    transforms]],
  foreign_data_wrapper = set_of "handler",
}
for word in ("not_enforced without_overlaps period statistics"):gmatch "%S+" do UNSET.constraint[word] = true end

--- What the sink should have and has not.
---@param facts moonpool.schema.FactSet
---@return string[]
function M.missing(facts)
  local out, kinds = {}, { "column", "attribute", "default", "acl" }
  for kind in pairs(attributes.of) do kinds[#kinds + 1] = kind end
  table.sort(kinds)
  for _, kind in ipairs(kinds) do
    local list, seen = facts:of_kind(kind), {}
    for _, fact in ipairs(list) do
      for key in pairs(fact.attrs) do seen[key] = true end
    end
    if #list < (FEWER[kind] or 3) then out[#out + 1] = ("only %d of %s"):format(#list, kind) end
    for _, key in ipairs((FEWER[kind] or 3) > 0 and attributes.of[kind] or {}) do
      if not seen[key] and not UNSET.all[key] and not (UNSET[kind] and UNSET[kind][key]) then
        out[#out + 1] = kind .. "." .. key
      end
    end
  end
  return out
end

return M
