--- Which attributes each kind of fact has: the vocabulary of the schema language, and what a wrong word is held
--- against.

local M = {}

local function list(text)
  local out = {}
  for word in text:gmatch "%S+" do out[#out + 1] = word end
  return out
end

local COMMON = " owner comment"

---@type table<string, string[]>
M.of = {
  schema = list("" .. COMMON),
  extension = list("schema version comment"),
  enum = list("labels" .. COMMON),
  composite = list("" .. COMMON),
  range = list("subtype opclass collation canonical diff multirange" .. COMMON),
  domain = list("type collation default not_null not_null_name not_null_comment" .. COMMON),
  type = list("shell input output receive send typmod_in typmod_out analyze subscript internallength passed_by_value "
    .. "alignment storage category preferred default element delimiter collatable" .. COMMON),
  ["function"] = list("arguments returns language body sql_body object_file volatility parallel strict "
    .. "security_definer leakproof window cost rows support transforms settings depends_on_extensions" .. COMMON),
  aggregate = list("arguments sfunc stype sspace finalfunc finalfunc_extra finalfunc_modify combinefunc serialfunc "
    .. "deserialfunc initcond msfunc minvfunc mstype msspace mfinalfunc mfinalfunc_extra mfinalfunc_modify minitcond "
    .. "sortop parallel hypothetical ordered_set" .. COMMON),
  cast = list("context method func comment"),
  operator = list("left right func restrict join merges hashes commutator negator shell" .. COMMON),
  operator_family = list("operators functions" .. COMMON),
  operator_class = list("default type storage family operators functions" .. COMMON),
  collation = list("provider nondeterministic locale lc_collate lc_ctype rules" .. COMMON),
  conversion = list("source target func default" .. COMMON),
  ts_parser = list("start gettoken end headline lextypes comment"),
  ts_template = list("init lexize comment"),
  ts_dictionary = list("template options" .. COMMON),
  ts_configuration = list("parser mappings" .. COMMON),
  language = list("trusted handler inline validator" .. COMMON),
  transform = list("type language from_sql to_sql comment"),
  access_method = list("type handler comment"),
  foreign_data_wrapper = list("handler validator options" .. COMMON),
  server = list("wrapper type version options" .. COMMON),
  user_mapping = list("options"),
  sequence = list("type start increment min max cache cycle persistence owned_by identity" .. COMMON),
  table = list("persistence tablespace access_method of_type partition_key partition_of bound inherits options "
    .. "row_security force_row_security replica_identity server foreign_options" .. COMMON),
  view = list("definition options" .. COMMON),
  matview = list("definition options access_method tablespace depends_on_extensions" .. COMMON),
  index = list("name keys unique method include where predicate options tablespace nulls_not_distinct clustered "
    .. "replica_identity statistics attached_to not_valid depends_on_extensions comment"),
  constraint = list("name type columns references ref_columns match on_update on_delete on_delete_columns deferrable "
    .. "deferred not_valid not_enforced no_inherit inherited expression elements method include predicate where "
    .. "options tablespace nulls_not_distinct clustered replica_identity statistics attached_to without_overlaps "
    .. "period comment index_comment"),
  trigger = list("timing events columns each_row func arguments condition constraint deferrable deferred from "
    .. "constraint_comment "
    .. "old_table new_table enabled inherited depends_on_extensions comment"),
  rule = list("event body enabled comment"),
  policy = list("command restrictive roles using check comment"),
  statistics = list("columns expressions kinds target" .. COMMON),
  publication = list("all_tables publish via_root generated_columns" .. COMMON),
  publication_table = list("columns filter"),
  publication_schema = {},
  subscription = list("connection publications slot no_slot binary streaming synchronous_commit two_phase "
    .. "disable_on_error origin password_not_required run_as_owner failover" .. COMMON),
  event_trigger = list("event tags func enabled" .. COMMON),
  default_acl = {},
  database_setting = list("value"),
  role = list("superuser create_role create_db login replication bypass_row_security no_inherit connection_limit "
    .. "valid_until comment"),
  role_setting = list("value"),
  membership = list("admin inherit set"),
  tablespace = list("options" .. COMMON),
  parameter = {},
}
M.of.procedure = M.of["function"]
M.of.foreign_table = M.of.table

---@type table<string, table<string, boolean>>
M.known = {}
for kind, attributes in pairs(M.of) do  -- order-free: a table is filled
  M.known[kind] = { labels_by_provider = true }
  for _, name in ipairs(attributes) do M.known[kind][name] = true end
end

return M
