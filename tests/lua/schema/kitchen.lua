--- The kitchen sink: its files, and what it lacks.

local attributes = require "moonpool.schema.dsl.attributes"
local emitter = require "moonpool.schema.emitter"
local kinds = require "moonpool.schema.kinds"
local names = require "moonpool.schema.names"

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
  procedure = set_of [[returns object_file volatility parallel strict security_definer leakproof window cost rows support
    transforms]],
  foreign_data_wrapper = set_of "handler",
}
for word in ("not_enforced without_overlaps period statistics"):gmatch "%S+" do UNSET.constraint[word] = true end

--- What the sink should have and has not.
---@param facts moonpool.schema.FactSet
---@return string[]
function M.missing(facts)
  local out, sorted = {}, { "column", "attribute", "default", "acl" }
  for kind in pairs(attributes.of) do sorted[#sorted + 1] = kind end
  table.sort(sorted)
  for _, kind in ipairs(sorted) do
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

-- Names that look like something else; %d keeps them apart.
local ODD = {
  'a "quoted" %d', "dot.dot.%d", "\240\159\152\128 %d", ("X"):rep(59) .. "%04d", "Upper%d", "semi;colon' %d",
  "back\\slash %d", "$$ %d", "new\nline %d", "-- %d", "(%d)", "%d", " %d ",
}
local RESERVED = { "select", "table", "order", "user", "end", "group", "column", "check", "all", "default", "public" }

-- Kinds by what has to be renamed before what: a thing is named by those above it and by its arguments' types.
local LAYERS = {
  { "column", "attribute", "constraint", "trigger", "rule", "policy" },
  { "function", "procedure", "aggregate", "operator_class", "operator_family" },
  { "index", "statistics", "sequence", "view", "matview", "foreign_table", "table", "ts_configuration",
    "ts_dictionary", "ts_parser", "ts_template", "conversion", "collation" },
  { "enum", "composite", "domain", "range", "type" },
  { "server", "foreign_data_wrapper", "language", "publication", "subscription", "event_trigger", "schema" },
}

--- The kinds of which PostgreSQL renames what there is.
M.renamed = {}
for _, layer in ipairs(LAYERS) do
  for _, kind in ipairs(layer) do M.renamed[#M.renamed + 1] = kind end
end

local function rename_sql(fact, e, name)
  local host = fact.parent and e.set:get(fact.parent)
  if fact.kind == "column" or fact.kind == "attribute" or fact.kind == "constraint" then
    local word = fact.kind:upper()
    return ("ALTER %s RENAME %s %s TO %s%s"):format(kinds.by_name[host.kind].label(host, e), word,
      names.quote(fact.name), names.quote(name), word == "ATTRIBUTE" and " CASCADE" or "")
  end
  return ("ALTER %s RENAME TO %s"):format(kinds.by_name[fact.kind].label(fact, e), names.quote(name))
end

--- Statements that give everything in a database an odd name. Some of them fail: what a child inherits is renamed
--- with its parent, what an extension owns is not renamed.
---@param facts moonpool.schema.FactSet
---@return string[]
function M.odd_names(facts)
  local e, out, n = emitter.new(facts), {}, 0
  for _, layer in ipairs(LAYERS) do
    for _, kind in ipairs(layer) do
      for i, fact in ipairs(facts:of_kind(kind)) do
        n = n + 1
        local name = i % 4 == 0 and RESERVED[i / 4] or ODD[n % #ODD + 1]:format(n)
        out[#out + 1] = rename_sql(fact, e, name)
      end
    end
  end
  return out
end

--- How many things of each kind have a name that has to be quoted.
---@param facts moonpool.schema.FactSet
---@return table<string, integer>
function M.count_odd(facts)
  local out = {}
  for fact in facts:each() do
    if names.quote(fact.name) ~= fact.name then out[fact.kind] = (out[fact.kind] or 0) + 1 end
  end
  return out
end

return M
