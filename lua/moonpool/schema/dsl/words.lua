--- The words of the schema language. `m.table "accounts" { … }` and its like make specs; nothing is done with them
--- until they are collected.
--
-- Each notes the line it stands on by counting callers, so none may be left by a tail call: `return (f(x))`.

local attributes = require "moonpool.schema.dsl.attributes"
local column_of = require "moonpool.schema.dsl.column"
local raw_of = require "moonpool.schema.dsl.raw"
local spec_of = require "moonpool.schema.dsl.spec"

local M = {}

--- SQL as it is. As a clause it is left to the server where a plain value would be quoted; by itself, beside tables
--- and views, it is run where it stands: m.sql [[create function …; create trigger …]] :after "orders".
---@param text string
---@return moonpool.schema.Raw
function M.sql(text)
  return (raw_of.new(text, spec_of.caller(2)))
end
M.raw = M.sql

--- The same, the text in a file in the schema file's folder or below it.
---@param path string
---@return moonpool.schema.Raw
function M.sql_file(path)
  return (raw_of.file(path, spec_of.caller(2)))
end

-- Types by the names people give them; the server would understand most of them as they are.
local TYPES = {
  bigint = "bigint", integer = "integer", int = "integer", smallint = "smallint", text = "text", boolean = "boolean",
  bool = "boolean", real = "real", double = "double precision", uuid = "uuid", bytea = "bytea", json = "json",
  jsonb = "jsonb", date = "date", time = "time without time zone", timetz = "time with time zone",
  timestamp = "timestamp without time zone", timestamptz = "timestamp with time zone", interval = "interval",
  inet = "inet", cidr = "cidr", macaddr = "macaddr", money = "money", xml = "xml", tsvector = "tsvector",
  tsquery = "tsquery", point = "point", oid = "oid", citext = "citext", name = "name",
}

for word, type_text in pairs(TYPES) do  -- order-free: a table is filled
  M[word] = function(name) return (column_of.new(name, type_text, 2)) end
end

-- Types with measures: m.varchar(20) "label"; m.varchar "label" has none.
local function measured(word, type_text, tail)
  M[word] = function(first, second)
    if type(first) == "string" then return (column_of.new(first, type_text .. (tail or ""), 2)) end
    local measure = second and ("(%d,%d)"):format(first, second) or first and ("(%d)"):format(first) or ""
    return function(name)
      return (column_of.new(name, type_text .. measure .. (tail or ""), 2))
    end
  end
end

measured("varchar", "character varying")
measured("char", "character")
measured("numeric", "numeric")
measured("decimal", "numeric")
measured("bit", "bit")
measured("varbit", "bit varying")

--- A column of any type: m.column("mood", "sink.mood[]").
---@param name string
---@param type_text string
---@return moonpool.schema.Column
function M.column(name, type_text)
  return (column_of.new(name, type_text, 2))
end

local SERIALS = { serial = "integer", bigserial = "bigint", smallserial = "smallint" }
for word, type_text in pairs(SERIALS) do  -- order-free: a table is filled
  M[word] = function(name)
    local column = column_of.new(name, type_text, 2):not_null()
    column.serial = true
    return column
  end
end

--- created_at and updated_at.
---@return moonpool.schema.Column[]
function M.timestamps()
  return {
    column_of.new("created_at", TYPES.timestamptz, 2):not_null():default(raw_of.new "now()"),
    column_of.new("updated_at", TYPES.timestamptz, 2):not_null():default(raw_of.new "now()"),
  }
end

--- deleted_at: rows with a time in it are gone, as far as repositories are concerned.
---@return moonpool.schema.Column
function M.soft_delete()
  local column = column_of.new("deleted_at", TYPES.timestamptz, 2)
  column.soft_delete_column = true
  return column
end

-- What is written in braces: attributes by name, items one after the other, lists of items as if written out.
local function take(spec, body, level)
  if type(body) ~= "table" then
    error(("%s takes a table in braces, got a %s"):format(tostring(spec), type(body)), level + 1)
  end
  local known, keys = attributes.known[spec.kind], {}
  for key in pairs(body) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do
    if not known[key] and key:sub(1, 1) ~= "_" then spec_of.unknown(spec.kind, key, attributes.of[spec.kind],
      level + 1) end
    spec.attrs[key] = body[key]
  end
  local function add(item)
    if type(item) == "table" and getmetatable(item) == nil then
      for _, one in ipairs(item) do add(one) end
    elseif type(item) ~= "table" then
      error(("%s holds %s where an item should be"):format(tostring(spec), tostring(item)), level + 3)
    else
      spec.items[#spec.items + 1] = item
    end
  end
  -- Holes are mistakes: a misspelt word is nil and would silently be nothing.
  local top = 0
  for key in pairs(body) do  -- order-free: each key is judged for itself
    if type(key) == "number" and key > top then top = key end
  end
  for i = 1, top do
    if body[i] == nil then
      error(("item %d of %s is nil: is its word spelt right?"):format(i, tostring(spec)), level + 1)
    end
    add(body[i])
  end
  return spec
end

-- `word "name" { … }`, the schema put before a bare name.
local function named(kind, default_schema, fill)
  return function(name)
    local path, args = spec_of.path(name, default_schema, 2)
    local spec = spec_of.new(kind, path, nil, spec_of.caller(2))
    spec.args = args
    return function(body)
      return ((fill or take)(spec, body, 2))
    end
  end
end

M.table = named("table", "public")
M.foreign_table = named("foreign_table", "public")

-- An enum's braces hold its labels.
M.enum = named("enum", "public", function(spec, body, level)
  local labels, rest = {}, {}
  for key, value in pairs(body) do  -- order-free: a map is copied
    if type(key) == "string" then rest[key] = value end
  end
  local items = {}
  for _, value in ipairs(body) do
    if type(value) == "string" then labels[#labels + 1] = value else items[#items + 1] = value end
  end
  for i, item in ipairs(items) do rest[i] = item end
  take(spec, rest, level + 1)
  spec.attrs.labels = spec.attrs.labels or labels
  return spec
end)

-- A view is its query, or braces with the query as `definition`.
local function view(kind)
  return named(kind, "public", function(spec, body, level)
    if type(body) == "string" then body = { definition = body } end
    return (take(spec, body, level + 1))
  end)
end
M.view, M.matview = view "view", view "matview"

for _, kind in ipairs { "composite", "range", "domain", "type", "aggregate", "operator", "operator_family",
  "operator_class",
  "collation", "conversion", "ts_parser", "ts_template", "ts_dictionary", "ts_configuration", "sequence", "procedure",
  "statistics" } do
  M[kind] = named(kind, "public")
end
M.func = named("function", "public")

for _, kind in ipairs { "schema", "extension", "cast", "language", "transform", "access_method", "foreign_data_wrapper",
  "server", "user_mapping", "publication", "subscription", "event_trigger", "default_acl", "database_setting", "role",
  "role_setting", "membership", "tablespace", "parameter" } do
  M[kind] = named(kind)
end

--- Items of a table or view, with a name of their own.
for _, kind in ipairs { "trigger", "rule", "policy", "constraint" } do
  M[kind] = function(name)
    if type(name) ~= "string" then error(("a %s's name is text, got a %s"):format(kind, type(name)), 2) end
    local spec = spec_of.new(kind, { name }, nil, spec_of.caller(2))
    return function(body) return (take(spec, body, 2)) end
  end
end

--- Tables and schemas of a publication.
M.published = function(name)
  local spec = spec_of.new("publication_table", spec_of.path(name, "public", 2), nil, spec_of.caller(2))
  return function(body) return (take(spec, body, 2)) end
end
M.published_schema = function(name)
  return spec_of.new("publication_schema", { name }, nil, spec_of.caller(2))
end

-- Keys and indexes take their columns as items: m.index { "a", m.desc "b", where = "…" }.
local function with_columns(kind, key, extra)
  return function(body)
    if type(body) ~= "table" then error(("it takes columns in braces, got a %s"):format(type(body)), 2) end
    local spec = spec_of.new(kind, {}, nil, spec_of.caller(2))
    local rest, columns = {}, {}
    for name, value in pairs(body) do  -- order-free: a map is copied
      if type(name) == "string" then rest[name] = value end
    end
    for i, column in ipairs(body) do columns[i] = column end
    take(spec, rest, 2)
    spec.attrs[key] = spec.attrs[key] or columns
    if #spec.attrs[key] == 0 then error("it has no columns", 2) end
    if spec.attrs.where then spec.attrs.predicate, spec.attrs.where = spec.attrs.where, nil end
    spec.path[1], spec.attrs.name = spec.attrs.name, nil
    for name, value in pairs(extra or {}) do spec.attrs[name] = value end  -- order-free: a map is copied
    return spec
  end
end
M.index = with_columns("index", "keys")
M.unique = with_columns("constraint", "columns", { type = "unique" })
M.primary_key = with_columns("constraint", "columns", { type = "primary key" })
M.foreign_key = with_columns("constraint", "columns", { type = "foreign key" })
M.exclude = with_columns("constraint", "elements", { type = "exclude" })

--- A key of an index, descending.
---@param column string|table
---@return table
function M.desc(column)
  local key = type(column) == "table" and column or { column = column }
  key.desc = true
  return key
end

--- A key of an index that is worked out.
---@param expression string
---@return table
function M.expr(expression)
  if not expression:find "^%(.*%)$"
    and not expression:find "^[%w_.]+%(.*%)$" then expression = ("(%s)"):format(expression) end
  return { expression = expression }
end

--- m.check "a > b", or with a name: m.check("sane", "a > b").
---@param name string
---@param expression? string
---@return moonpool.schema.Spec
function M.check(name, expression)
  local spec = spec_of.new("constraint", { expression and name or nil }, nil, spec_of.caller(2))
  spec.attrs.type, spec.attrs.expression = "check", expression or name
  return spec
end

--- Privileges: m.grant("app", { "SELECT", "INSERT*" }); a star is the grant option, an empty list takes away what is
--- there by default, `by` is another role than the owner.
---@param role string  "public" is everybody
---@param privileges string[]
---@param options? { by: string? }
---@return moonpool.schema.Spec
function M.grant(role, privileges, options)
  if type(role) ~= "string" or type(privileges) ~= "table" then
    error("grant takes a role and a list of privileges: grant(\"app\", { \"SELECT\" })", 2)
  end
  local spec = spec_of.new("acl", { role }, nil, spec_of.caller(2))
  local list = {}
  for i, word in ipairs(privileges) do list[i] = word:upper() end
  table.sort(list)
  spec.attrs.privileges, spec.by = list, options and options.by
  return spec
end

--- Privileges on what is no part of this schema: m.privileges "function:pg_catalog.pg_ls_waldir()" { m.grant(…) }.
---@param id string
---@return fun(body: table): moonpool.schema.Spec
function M.privileges(id)
  local spec = spec_of.new("privileges", { id }, nil, spec_of.caller(2))
  return function(body)
    for _, item in ipairs(body) do spec.items[#spec.items + 1] = item end
    return spec
  end
end

--- What a repository reads along; the database knows nothing of them.
for _, word in ipairs { "has_many", "has_one", "belongs_to", "many_to_many" } do
  M[word] = function(name, target, options)
    local spec = spec_of.new("relation", { name }, nil, spec_of.caller(2))
    spec.relation, spec.target, spec.options = word, target, options or {}
    return spec
  end
end

return M
