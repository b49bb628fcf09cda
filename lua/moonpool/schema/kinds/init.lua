--- Every kind of fact: the order they are read in, and how each is made.
--
-- A module of this folder has `queries` (name → SQL on pg_catalog), `read(cx)` and, for each kind it knows,
-- `label(fact, e)` (what COMMENT and ALTER … OWNER call it), `create(fact, e)` and where needed `host` (the fact in
-- whose statement this one is written), `grant`, `placeholder` and `shell`.

local M = {}

local MODULES = {
  require "moonpool.schema.kinds.schema",
  require "moonpool.schema.kinds.extension",
  require "moonpool.schema.kinds.language",
  require "moonpool.schema.kinds.types",
  require "moonpool.schema.kinds.base_type",
  require "moonpool.schema.kinds.routine",
  require "moonpool.schema.kinds.aggregate",
  require "moonpool.schema.kinds.cast",
  require "moonpool.schema.kinds.operator",
  require "moonpool.schema.kinds.opclass",
  require "moonpool.schema.kinds.collation",
  require "moonpool.schema.kinds.text_search",
  require "moonpool.schema.kinds.foreign",
  require "moonpool.schema.kinds.relation",
  require "moonpool.schema.kinds.sequence",
  require "moonpool.schema.kinds.index_info",
  require "moonpool.schema.kinds.constraint",
  require "moonpool.schema.kinds.index",
  require "moonpool.schema.kinds.trigger",
  require "moonpool.schema.kinds.rule",
  require "moonpool.schema.kinds.policy",
  require "moonpool.schema.kinds.statistics",
  require "moonpool.schema.kinds.publication",
  require "moonpool.schema.kinds.event_trigger",
  require "moonpool.schema.kinds.default_acl",
  require "moonpool.schema.kinds.database",
  require "moonpool.schema.kinds.role",
  require "moonpool.schema.kinds.acl",
  require "moonpool.schema.kinds.table",
  require "moonpool.schema.kinds.view",
  require "moonpool.schema.kinds.sql",
}

--- The modules in reading order.
M.modules = MODULES

---@class moonpool.schema.Kind
---@field label? fun(fact: moonpool.schema.Fact, e: moonpool.schema.Emitter): string
---@field grant? fun(fact: moonpool.schema.Fact, e: moonpool.schema.Emitter): string
---@field host? "parent"|fun(fact: moonpool.schema.Fact, e: moonpool.schema.Emitter): string?
---@field create? fun(fact: moonpool.schema.Fact, e: moonpool.schema.Emitter)
---@field placeholder? fun(fact: moonpool.schema.Fact, e: moonpool.schema.Emitter)
---@field shell? fun(fact: moonpool.schema.Fact): string
---@field splits? boolean  may be taken out of its host to break a circle

---@type table<string, moonpool.schema.Kind>
M.by_name = {}
for _, module in ipairs(MODULES) do
  if module.kind then M.by_name[module.kind] = module end
  for name, kind in pairs(module.kinds or {}) do M.by_name[name] = kind end  -- order-free: a table is filled
end

-- What comes first where nothing forces an order: a dump is read from top to bottom.
local ORDER = {
  "role", "role_setting", "membership", "tablespace", "parameter", "database_setting", "schema", "extension",
    "language", "access_method", "collation", "conversion", "type", "enum",
  "range", "composite", "domain", "function", "procedure", "aggregate", "cast", "transform", "operator",
  "operator_family", "operator_class", "ts_parser", "ts_template", "ts_dictionary", "ts_configuration",
  "foreign_data_wrapper", "server", "user_mapping", "sequence", "table", "foreign_table", "view", "matview", "default",
  "constraint", "index", "statistics", "rule", "trigger", "policy", "publication", "publication_table",
  "publication_schema", "subscription", "acl", "default_acl", "event_trigger",
}

---@type table<string, integer>
M.weight = {}
for i, name in ipairs(ORDER) do M.weight[name] = i end
-- Where it stands is said by the wish; once its turn has come it waits for nothing.
M.weight.sql = 0

return M
