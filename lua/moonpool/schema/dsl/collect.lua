--- Specs to facts: a wish. Its texts are as somebody wrote them; what they mean is known when a scratch database has
--- read them.

local attributes = require "moonpool.schema.dsl.attributes"
local column_of = require "moonpool.schema.dsl.column"
local default_names = require "moonpool.schema.default_names"
local fact_of = require "moonpool.schema.fact"
local hints = require "moonpool.schema.dsl.hints"
local names = require "moonpool.schema.names"
local place = require "moonpool.schema.place"
local set_of = require "moonpool.schema.set"
local raw_of = require "moonpool.schema.dsl.raw"
local spec_of = require "moonpool.schema.dsl.spec"

local M = {}

-- Kinds whose facts hang under the schema in their name.
local IN_SCHEMA = {}
for kind in ([[enum composite range domain type function procedure aggregate operator operator_family operator_class
collation conversion ts_parser ts_template ts_dictionary ts_configuration sequence table foreign_table view
matview]]):gmatch "%S+" do
  IN_SCHEMA[kind] = true
end

local OPTIONS = { options = true, foreign_options = true, settings = true }

local function fail(spec, text, ...)
  error(("%s: %s"):format(spec.at or "schema", text:format(...)), 0)
end

local function copy_attrs(spec)
  local out = {}
  for key, value in pairs(spec.attrs) do  -- order-free: a map is copied
    if OPTIONS[key] and type(value) == "table" then
      value = column_of.texts(value)
    elseif raw_of.is(value) then
      local ok, text = pcall(raw_of.clause, value, 0)
      if not ok then fail(spec, "%s", text) end
      value = text
    elseif value == false then
      value = nil
    end
    out[key] = value
  end
  out._at = spec.at
  return out
end

---@class moonpool.schema.Collector
---@field set moonpool.schema.FactSet
---@field later function[]
---@field behind? string  the id of the SQL that stands above what is being added
local Collector = {}
Collector.__index = Collector

function Collector:put(id, parent, attrs, spec)
  if self.set:get(id) then fail(spec, "%s is said twice", id) end
  local fact = self.set:add(fact_of.from_id(id, parent, attrs))
  fact.old_name, fact.behind = spec and spec.old_name, self.behind
  return fact
end

-- The id of a relation somebody named: one of the wish if it has it, else a table.
function Collector:relation(target)
  local path = spec_of.is_spec(target) and target.path or spec_of.path(target, "public")
  for _, kind in ipairs { "table", "foreign_table", "view", "matview" } do
    local id = names.id(kind, path[1], path[2])
    if self.set:get(id) then return id end
  end
  return names.id("table", path[1], path[2])
end

function Collector:acl(parent, spec, owner)
  local role = spec.path[1] == "public" and "" or spec.path[1]
  local position = self.acl_position[parent] or 0
  self.acl_position[parent] = position + 1
  self:put(fact_of.acl_id(parent, role, spec.by), parent, {
    privileges = spec.attrs.privileges, _position = position, _at = spec.at,
    -- PostgreSQL gives some of these unasked; what is asked for stands in their place.
    _default = #spec.attrs.privileges == 0 or role == owner and owner ~= nil or role == "" or nil,
  }, spec)
end

-- Whether these are the default privileges of a role in all schemas: those stand in place of the built-in ones.
local function is_everywhere(spec)
  return spec.kind == "default_acl" and #spec.path == 2
end

-- Everything a table's constraint may be called by default is known when all names of the table are.
function Collector:name_of(host, spec, columns, label)
  return spec.path[1] or default_names.choose(self.set, host, columns, label)
end

local LABELS = { unique = "key", ["primary key"] = "pkey", ["foreign key"] = "fkey", check = "check", exclude = "excl" }

function Collector:constraint(host, spec)
  local attrs = copy_attrs(spec)
  local columns = attrs.columns or {}
  if attrs.type == "exclude" then
    columns = {}
    for i, key in ipairs(attrs.elements) do columns[i] = default_names.key_label(key) end
  elseif attrs.type == "check" then
    columns = { spec.column }
  end
  local name = self:name_of(host, spec, attrs.type == "primary key" and {} or columns, LABELS[attrs.type])
  local fact = self:put(names.id("constraint", host.schema, host.name, name), host.id, attrs, spec)
  if attrs.references then
    self.later[#self.later + 1] = function()
      attrs.references = self:relation(attrs.references)
      attrs.ref_columns = attrs.ref_columns or self:key_of(attrs.references, spec)
    end
  end
  return fact
end

-- Without columns a foreign key refers to the primary key.
function Collector:key_of(id, spec)
  for _, fact in ipairs(self.set:children(id, "constraint")) do
    if fact.attrs.type == "primary key" then return fact.attrs.columns end
  end
  if not self.set:get(id) then return { "id" } end
  fail(spec, "%s has no primary key to refer to; name the columns", id)
end

function Collector:column_constraints(host, column)
  for _, wish in ipairs(column.constraints) do
    local spec = spec_of.new("constraint", { wish.options.name }, { type = wish.type }, column.at)
    spec.column = column.name
    for key, value in pairs(wish.options) do  -- order-free: a map is copied
      if key ~= "name" then spec.attrs[key] = value end
    end
    if wish.type == "check" then
      spec.attrs.expression = wish.expression
    else
      spec.attrs.columns = { column.name }
    end
    if wish.type == "foreign key" then
      spec.attrs.references, spec.attrs.ref_columns = wish.target, wish.to and { wish.to } or nil
    end
    self:constraint(host, spec)
  end
end

local INTEGERS = { integer = true, bigint = true, smallint = true }

function Collector:column(host, column, position)
  local kind = host.kind == "composite" and "attribute" or "column"
  local attrs = {}
  for key, value in pairs(column.attrs) do attrs[key] = value end  -- order-free: a map is copied
  attrs._position, attrs._at = position, column.at
  local fact = self:put(names.id(kind, host.schema, host.name, column.name), host.id, attrs, column)
  local expression = column.default_expression
  if column.serial or column.identity_options then
    local options = column.identity_options or {}
    local path = options.name and spec_of.path(options.name, host.schema)
      or { host.schema, default_names.choose(self.set, host, { column.name }, "seq") }
    local sequence = { _at = column.at }
    for key, value in pairs(options) do  -- order-free: a map is copied
      if key ~= "name" and key ~= "by_default" then sequence[key] = value end
    end
    if column.serial then
      sequence.owned_by, sequence.type = fact.id, column.type ~= "bigint" and column.type or nil
      expression = expression or ("nextval(%s::regclass)"):format(names.literal(names.qualified(path[1], path[2])))
    else
      if not INTEGERS[column.type] then fail(column, "an identity column is an integer, not %s", column.type) end
      sequence.identity = fact.id
    end
    self:put(names.id("sequence", path[1], path[2]), column.serial and names.id("schema", path[1]) or fact.id,
      sequence, column)
  end
  if expression then self:put("default" .. fact.id:sub(#kind + 1), fact.id,
    { expression = expression, _at = column.at }, column) end
  for _, grant in ipairs(column.grants) do
    local spec = spec_of.new("acl", { grant.role }, { privileges = grant.privileges }, column.at)
    spec.by = grant.by
    self:acl(fact.id, spec)
  end
end

function Collector:index(host, spec)
  local attrs = copy_attrs(spec)
  local columns = {}
  for i, key in ipairs(attrs.keys) do columns[i] = default_names.key_label(key) end
  local name = self:name_of(host, spec, columns, "idx")
  self:put(names.id("index", host.schema, name), host.id, attrs, spec)
end

-- What stands in the braces of a thing.
function Collector:items(host, spec)
  local position = 0
  for _, item in ipairs(spec.items) do
    if column_of.is_column(item) then
      position = position + 1
      self:column(host, item, position)
    end
  end
  -- Keys first, so that the default names of the others come out as PostgreSQL would choose them.
  for _, item in ipairs(spec.items) do
    if column_of.is_column(item) then self:column_constraints(host, item) end
  end
  for _, item in ipairs(spec.items) do
    if not column_of.is_column(item) then
      local kind = item.kind
      if kind == "constraint" then
        self:constraint(host, item)
      elseif kind == "index" then
        self:index(host, item)
      elseif kind == "acl" then
        local owner = spec.attrs.owner
        -- What somebody's new things may do without a word, they themselves may do with them.
        if is_everywhere(spec) then owner = spec.path[1] end
        self:acl(host.id, item, owner)
      elseif kind == "trigger" or kind == "rule" or kind == "policy" then
        local attrs = copy_attrs(item)
        self:put(names.id(kind, host.schema, host.name, item.path[1]), host.id, attrs, item)
        if attrs.from then self.later[#self.later + 1] = function() attrs.from = self:relation(attrs.from) end end
      elseif kind == "statistics" then
        self:put(names.id(kind, item.path[1], item.path[2]), host.id, copy_attrs(item), item)
      elseif kind == "publication_table" or kind == "publication_schema" then
        self:put(names.id(kind, host.name, unpack(item.path)), host.id, copy_attrs(item), item)
      elseif raw_of.is(item) then
        fail(item, "sql stands by itself, beside the %s; in its braces there are only items of it", spec.kind)
      elseif kind ~= "relation" then
        fail(item, "a %s has no place in %s", kind or "thing", spec.kind)
      end
    end
  end
end

-- Routines are told apart by the types they take.
local function input_types(attrs)
  local out = {}
  for _, argument in ipairs(attrs.arguments or {}) do
    if argument.mode ~= "OUT" and argument.mode ~= "TABLE" then out[#out + 1] = argument.type end
  end
  return table.concat(out, ", ")
end

local ARGS = { aggregate = true, operator = true, operator_family = true, operator_class = true }

local function id_of(spec, attrs)
  local kind = spec.kind
  if kind == "cast" or kind == "transform" then return ("%s:(%s)"):format(kind, spec.args or "") end
  local id = names.id(kind, unpack(spec.path))
  if kind == "operator" then
    id = ("operator:%s.%s"):format(names.part(spec.path[1]), spec.path[2])
  end
  if kind == "function" or kind == "procedure" then
    return ("%s(%s)"):format(id, spec.args or input_types(attrs))
  end
  return ARGS[kind] and ("%s(%s)"):format(id, spec.args or "") or id
end

function Collector:schema(name)
  local id = names.id("schema", name)
  if not self.set:get(id) then self:put(id, nil, {}, {}) end
  return id
end

function Collector:add(spec)
  if spec.kind == "privileges" then
    for _, item in ipairs(spec.items) do self:acl(spec.path[1], item) end
    return
  end
  if not attributes.of[spec.kind] then fail(spec, "a %s cannot stand by itself", spec.kind) end
  local attrs = copy_attrs(spec)
  local parent = IN_SCHEMA[spec.kind] and names.id("schema", spec.path[1])
    or spec.kind == "user_mapping" and names.id("server", spec.path[1])
    or spec.kind == "role_setting" and names.id("role", spec.path[1]) or nil
  local fact = self:put(id_of(spec, attrs), parent, attrs, spec)
  fact.args = fact.args or spec.args
  self:items(fact, spec)
  self.later[#self.later + 1] = function() self:resolve(attrs) end
end

-- Names of other things to ids.
function Collector:resolve(attrs)
  if attrs.partition_of then attrs.partition_of = self:relation(attrs.partition_of) end
  if attrs.inherits then
    local list = {}
    for i, name in ipairs(attrs.inherits) do list[i] = self:relation(name) end
    attrs.inherits = list
  end
  if attrs.owned_by then
    local path = spec_of.path(attrs.owned_by)
    if #path == 2 then table.insert(path, 1, "public") end
    attrs.owned_by = names.id("column", unpack(path))
  end
end

-- An attached index names the one above it: an index by schema and name, a constraint by its table too.
function Collector:attach()
  for _, kind in ipairs { "index", "constraint" } do
    for _, fact in ipairs(self.set:of_kind(kind)) do
      local above = fact.attrs.attached_to
      if above then
        local path = spec_of.path(above, "public")
        fact.attrs.attached_to = #path == 3 and names.id("constraint", unpack(path)) or names.id("index", unpack(path))
      end
    end
  end
end

-- Statements of somebody's own.
function Collector:sql(id, raw, origin)
  self.set:add({
    kind = "sql", id = id, name = id:match "%d+$", deps = {}, statements = raw_of.statements(raw, origin),
    attrs = { text = raw.text, _at = raw.at },
  })
  self.later[#self.later + 1] = function() place.resolve(self.set, id, raw) end
end

-- The specs of a list, lists in it written out. A hole is a word that was misspelt: it ends a list for ipairs, and
-- what stands behind it would silently be no part of the schema.
local function flatten(list, out, where)
  if spec_of.is_spec(list) or raw_of.is(list) then
    out[#out + 1] = list
    return out
  elseif type(list) == "function" then
    error(("%s is a word without its braces: m.table \"name\" { … }"):format(where), 0)
  elseif column_of.is_column(list) then
    error(("%s is the column %s (%s); a column stands in the braces of a table"):format(where, list.name,
      tostring(list.at)), 0)
  elseif type(list) ~= "table" or getmetatable(list) ~= nil then
    error(("a schema is a list of what m.table and its like make; %s is %s"):format(where, tostring(list)), 0)
  end
  local top, behind = 0, ""
  for key in pairs(list) do  -- order-free: each key is judged for itself
    if type(key) == "number" then
      top = math.max(top, key)
    elseif key ~= "public" then
      error(("a schema takes no %q; it is a list, and may say public = false"):format(tostring(key)), 0)
    end
  end
  for i = 1, top do
    if list[i] == nil then error(("item %d of the schema%s is nil: is its word spelt right?"):format(i, behind), 0) end
    flatten(list[i], out, ("item %d%s"):format(i, behind))
    if raw_of.is(list[i]) then behind = (" (behind the sql of %s)"):format(list[i].at or "?") end
    if spec_of.is_spec(list[i]) then behind = (" (behind the %s)"):format(tostring(list[i])) end
  end
  return out
end

--- Makes a wish of specs.
---@param specs table  a list of specs; lists in it count as written out. With `public = false` the database has no
--- schema of that name.
---@param origin? moonpool.schema.Origin  the file they come from
---@return moonpool.schema.FactSet
function M.collect(specs, origin)
  local set = set_of.new { wish = true }
  local self = setmetatable({ set = set, later = {}, acl_position = {} }, Collector)
  local flat = flatten(specs, {}, "the schema")
  if type(specs) == "table" and specs.public == false then set.meta.complete = true end
  local above, last, count = {}, nil, 0
  local function each(list, visit)
    for i, spec in ipairs(list) do
      self.behind = above[i]
      visit(spec)
    end
    self.behind = nil
  end
  for i, spec in ipairs(flat) do
    above[i] = last
    if raw_of.is(spec) then
      count = count + 1
      last = ("sql:%06d"):format(count)
      self:sql(last, spec, origin or {})
    end
  end
  set.meta.sql = count > 0 or nil
  -- Schemas first: the rest hangs under them.
  each(flat, function(spec)
    if spec.kind == "schema" then self:add(spec) end
  end)
  each(flat, function(spec)
    if IN_SCHEMA[spec.kind] then
      self.behind = nil
      self:schema(spec.path[1])
    end
  end)
  each(flat, function(spec)
    if spec.kind ~= "schema" and not raw_of.is(spec) then self:add(spec) end
  end)
  for _, resolve in ipairs(self.later) do resolve() end
  self:attach()
  hints.add(set)
  return set
end

return M
