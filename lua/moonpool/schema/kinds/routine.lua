--- Functions and procedures, told part by part: a text with the name in it would change with the name.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = {}

M.queries = {
  routines = [[
select p.oid::int4, p.proname, p.pronamespace::int4, p.proowner::int4, p.proacl::text as acl, p.prokind, l.lanname,
  oidvectortypes(p.proargtypes) as input_types, p.proargnames::text as arg_names, p.proargmodes::text as arg_modes,
  case when p.pronargs > 0 or p.proallargtypes is not null then
    (select string_agg(format_type(u.t, null), E'\x01' order by u.n)
     from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality u(t, n)) end as arg_types,
  case when p.pronargdefaults > 0 then
    (select string_agg(pg_get_function_arg_default(p.oid, g), E'\x01' order by g)
     from generate_series(1, coalesce(array_length(p.proallargtypes, 1), p.pronargs)) g) end as defaults,
  pg_get_function_result(p.oid) as result, p.prosrc, p.probin, p.provolatile, p.proisstrict, p.prosecdef,
  p.proleakproof, p.proparallel, p.procost, p.prorows, p.proretset, p.proconfig::text as config,
  nullif(p.prosupport, 0)::regproc::text as support,
  case when p.prosqlbody is not null then pg_get_function_sqlbody(p.oid) end as sql_body,
  case when p.protrftypes is not null then
    (select string_agg(format_type(t, null), E'\x01') from unnest(p.protrftypes) t) end as transforms
from pg_proc p
  join pg_language l on l.oid = p.prolang
where p.oid >= 16384 and p.prokind in ('f', 'p', 'w')
  and not exists (select from pg_depend d
    where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype in ('e', 'i'))]],
}

local MODES = { o = "OUT", b = "INOUT", v = "VARIADIC", t = "TABLE" }
local VOLATILITY = { i = "IMMUTABLE", s = "STABLE" }
local PARALLEL = { s = "SAFE", r = "RESTRICTED" }

local function pieces(text)
  local out = {}
  if text then
    for piece in (text .. "\1"):gmatch "(.-)\1" do out[#out + 1] = piece end
  end
  return out
end

local function arguments(row)
  local arg_names, modes = catalog.array(row.arg_names), catalog.array(row.arg_modes)
  local out, types = {}, pieces(row.arg_types)
  for i, type in ipairs(types) do
    local mode = modes[i]
    out[i] = {
      name = arg_names[i] and arg_names[i] ~= "" and arg_names[i] or nil,
      mode = mode and MODES[mode],
      type = type,
    }
  end
  -- string_agg leaves out the arguments that have none: defaults belong to the last input arguments.
  local defaults = pieces(row.defaults)
  local at = #out
  for k = #defaults, 1, -1 do
    while out[at].mode == "OUT" or out[at].mode == "TABLE" do at = at - 1 end
    out[at].default = defaults[k]
    at = at - 1
  end
  return #out > 0 and out or nil
end

local function cost_default(row)
  return (row.lanname == "c" or row.lanname == "internal") and 1 or 100
end

function M.read(cx)
  for row in cx:rows "routines" do
    local schema = cx:user_schema(row.pronamespace)
    if schema then
      local kind = row.prokind == "p" and "procedure" or "function"
      local owner = cx:role(row.proowner)
      local config, order = catalog.options(row.config)
      local attrs = {
        owner = owner, language = row.lanname, arguments = arguments(row), returns = row.result,
        body = not row.sql_body and row.prosrc or nil, sql_body = row.sql_body, object_file = row.probin,
        volatility = VOLATILITY[row.provolatile], parallel = PARALLEL[row.proparallel],
        strict = row.proisstrict or nil, security_definer = row.prosecdef or nil, leakproof = row.proleakproof or nil,
        window = row.prokind == "w" or nil, support = row.support,
        cost = row.procost ~= cost_default(row) and row.procost or nil,
        rows = row.proretset and row.prorows ~= 1000 and row.prorows or nil,
        transforms = row.transforms and pieces(row.transforms) or nil,
      }
      catalog.set_options(attrs, "settings", config, order)
      local id = ("%s(%s)"):format(names.id(kind, schema, row.proname), row.input_types)
      local fact = cx:add_id(OID.pg_proc, row.oid, kind, id, names.id("schema", schema), attrs, row.proname, schema)
      fact.args = row.input_types
      cx:acl(fact.id, "f", row.acl, owner)
    end
  end
end

-- Settings whose value is a list of names, each a literal of its own (variable_is_guc_list_quote).
local LISTS = {
  search_path = true, temp_tablespaces = true, local_preload_libraries = true, session_preload_libraries = true,
  shared_preload_libraries = true, unix_socket_directories = true,
}

--- A setting's value as SET takes it.
---@param name string
---@param value string
---@return string
function M.setting(name, value)
  if not LISTS[name:lower()] then return names.literal(value) end
  local out, at = {}, 1
  while at <= #value do
    local item, after = names.scan(value, at)
    if not item then
      item, after = value:match("^([^,]*)()", at)
    end
    out[#out + 1] = names.literal(item)
    at = value:match("^%s*,%s*()", after) or #value + 1
  end
  return #out > 0 and table.concat(out, ", ") or "''"
end

--- `name mode type DEFAULT x` of each argument but those of RETURNS TABLE.
local function argument_list(attrs, bare)
  local out = {}
  for _, arg in ipairs(attrs.arguments or {}) do
    if arg.mode ~= "TABLE" then
      local text = arg.type
      if arg.name then text = names.quote(arg.name) .. " " .. text end
      if arg.mode then text = arg.mode .. " " .. text end
      if arg.default and not bare then text = text .. " DEFAULT " .. arg.default end
      out[#out + 1] = text
    end
  end
  return table.concat(out, ", ")
end

local function dollar_quoted(body)
  local tag = ""
  while body:find("$" .. tag .. "$", 1, true) or (body .. "$"):find("$" .. tag .. "$", 1, true) do
    tag = tag == "" and "_" or tag .. "_"
  end
  -- A body that ends in "$" would run into the closing quote.
  if body:sub(-1) == "$" and tag == "" then tag = "_" end
  return ("$%s$%s$%s$"):format(tag, body, tag)
end

local function body_clause(attrs)
  if attrs.sql_body then return attrs.sql_body end
  if attrs.object_file then
    return ("AS %s, %s"):format(names.literal(attrs.object_file), names.literal(attrs.body))
  end
  return "AS " .. dollar_quoted(attrs.body)
end

local function create(fact, e, placeholder)
  local attrs = fact.attrs
  local word = fact.kind == "procedure" and "PROCEDURE" or "FUNCTION"
  local out = { ("CREATE %s%s %s(%s)"):format(not placeholder and e:replaces(fact) and "OR REPLACE " or "", word,
    names.qualified(fact.schema, fact.name), argument_list(attrs, placeholder)) }
  local function clause(text, ...)
    out[#out + 1] = select("#", ...) > 0 and text:format(...) or text
  end
  if attrs.returns then clause("RETURNS %s", attrs.returns) end
  clause("LANGUAGE %s", names.quote(placeholder and "sql" or attrs.language))
  if attrs.transforms then
    local list = {}
    for i, type in ipairs(attrs.transforms) do list[i] = "FOR TYPE " .. type end
    clause("TRANSFORM %s", table.concat(list, ", "))
  end
  if attrs.window then clause "WINDOW" end
  if attrs.volatility then clause(attrs.volatility) end
  if attrs.strict then clause "STRICT" end
  if attrs.security_definer then clause "SECURITY DEFINER" end
  if attrs.leakproof then clause "LEAKPROOF" end
  if attrs.cost then clause("COST %s", tostring(attrs.cost)) end
  if attrs.rows then clause("ROWS %s", tostring(attrs.rows)) end
  if attrs.support then clause("SUPPORT %s", attrs.support) end
  if attrs.parallel then clause("PARALLEL %s", attrs.parallel) end
  for _, name in ipairs(catalog.option_names(attrs, "settings")) do
    clause("SET %s TO %s", names.quote(name), M.setting(name, attrs.settings[name]))
  end
  out[#out + 1] = placeholder and "AS ''" or body_clause(attrs)
  e:add(table.concat(out, "\n  "))
end

-- Two procedures may differ in their OUT arguments alone: only the modes tell which is meant.
local function signature(fact)
  if fact.kind ~= "procedure" then return fact.args end
  local out = {}
  for i, arg in ipairs(fact.attrs.arguments or {}) do out[i] = (arg.mode or "IN") .. " " .. arg.type end
  return table.concat(out, ", ")
end

local function kind(word)
  return {
    label = function(fact)
      return ("%s %s(%s)"):format(word, names.qualified(fact.schema, fact.name), signature(fact))
    end,
    create = function(fact, e)
      create(fact, e)
      e:owner(fact)
      e:comment(fact)
    end,
    -- A body of SQL text is looked at only when it runs: such a stand-in lets two routines name each other.
    placeholder = function(fact, e)
      create(fact, e, true)
    end,
  }
end

M.kinds = { ["function"] = kind "FUNCTION", procedure = kind "PROCEDURE" }

return M
