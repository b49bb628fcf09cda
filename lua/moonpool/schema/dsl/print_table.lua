--- Tables as words: columns with what is chained behind them, then keys, indexes and the rest.

local default_names = require "moonpool.schema.default_names"
local literal = require "moonpool.schema.dsl.literal"
local names = require "moonpool.schema.names"
local words = require "moonpool.schema.dsl.words"

local M = {}

-- Type text to word, the shortest word for each.
local WORDS = {
  ["bigint"] = "bigint", ["integer"] = "integer", ["smallint"] = "smallint", ["text"] = "text", ["boolean"] = "boolean",
  ["real"] = "real", ["double precision"] = "double", ["uuid"] = "uuid", ["bytea"] = "bytea", ["json"] = "json",
  ["jsonb"] = "jsonb", ["date"] = "date", ["time without time zone"] = "time", ["time with time zone"] = "timetz",
  ["timestamp without time zone"] = "timestamp", ["timestamp with time zone"] = "timestamptz",
    ["interval"] = "interval",
  ["inet"] = "inet", ["cidr"] = "cidr", ["macaddr"] = "macaddr", ["money"] = "money", ["xml"] = "xml",
  ["tsvector"] = "tsvector", ["tsquery"] = "tsquery", ["point"] = "point", ["oid"] = "oid", ["name"] = "name",
  ["character varying"] = "varchar", ["numeric"] = "numeric", ["bit varying"] = "varbit",
}
local MEASURED = { ["character varying"] = "varchar", character = "char", numeric = "numeric", bit = "bit",
  ["bit varying"] = "varbit" }

--- `m.bigint "id"`, `m.varchar(20) "label"`, `m.column("mood", "sink.mood")`.
local function head(name, type_text)
  local base, dimensions = type_text:match "^(.-)(%[%])$"
  base = base or type_text
  local tail = dimensions and " :array()" or ""
  if WORDS[base] then return ("m.%s %s%s"):format(WORDS[base], literal.text(name), tail) end
  local plain, measure = base:match "^([%l ]+)%(([%d,]+)%)$"
  if plain and MEASURED[plain] then
    return ("m.%s(%s) %s%s"):format(MEASURED[plain], measure:gsub(",", ", "), literal.text(name), tail)
  end
  return ("m.column(%s, %s)"):format(literal.text(name), literal.text(type_text))
end

--- The name of an object as the language writes it; `public` goes without saying for a plain name.
---@param id string
---@return string
function M.reference(id)
  local _, parts = names.parse(id)
  if #parts == 2 and parts[1] == "public" and parts[2]:find "^[%a_][%w_]*$" then return parts[2] end
  for i, part in ipairs(parts) do parts[i] = names.part(part) end
  return table.concat(parts, ".")
end

local function copy(attrs, skip)
  local out = {}
  for key, value in pairs(attrs) do  -- order-free: a map is copied
    if key:byte() ~= 95 and not (skip and skip[key]) then out[key] = value end
  end
  return out
end

local function only(attrs, allowed)
  for key in pairs(attrs) do  -- order-free: each key is judged for itself
    if key:byte() ~= 95 and not allowed[key] then return false end
  end
  return true
end

local KEY = { type = true, columns = true }
local CHECK = { type = true, expression = true }
local FOREIGN = { type = true, columns = true, references = true, ref_columns = true, match = true, on_update = true,
  on_delete = true, deferrable = true, deferred = true, not_valid = true, not_enforced = true }

-- What a column can say of itself, as text to chain; nil if it takes a line of its own.
local function chained(table_fact, column, fact)
  local attrs = fact.attrs
  local columns = attrs.columns
  local kind = attrs.type
  if kind == "check" then
    if fact.name ~= default_names.plain(table_fact.name, { column.name }, "check")
      or not only(attrs, CHECK) then return end
    return (" :check %s"):format(literal.text(attrs.expression))
  end
  if not columns or #columns ~= 1 or columns[1] ~= column.name then return end
  if kind == "primary key" and fact.name == default_names.plain(table_fact.name, {}, "pkey") and only(attrs, KEY) then
    return " :primary_key()"
  elseif kind == "unique" and fact.name == default_names.plain(table_fact.name, columns, "key")
    and only(attrs, KEY) then
    return " :unique()"
  elseif kind == "foreign key" and fact.name == default_names.plain(table_fact.name, columns, "fkey")
    and only(attrs, FOREIGN) then
    local options = copy(attrs, { type = true, columns = true, references = true, ref_columns = true })
    return (" :references(%s, %s%s)"):format(literal.text(M.reference(attrs.references)),
      literal.text(attrs.ref_columns[1]),
      next(options) and ", " .. literal.value(options, "  ") or "")
  end
end

--- m.grant("app", { "SELECT" })
---@param fact moonpool.schema.Fact
---@param word string
---@return string
function M.grant(fact, word)
  return ("%s(%s, %s%s)"):format(word, literal.text(fact.grantee == "" and "public" or fact.grantee),
    literal.value(fact.attrs.privileges, "  "), fact.grantor and (", { by = %s }"):format(literal.text(fact.grantor))
      or "")
end

--- The acl facts of an object, in their order.
---@param set moonpool.schema.FactSet
---@param id string
---@return moonpool.schema.Fact[]
function M.grants(set, id)
  return set:children(id, "acl")
end

-- The sequence a serial column counts by, if serial says all there is to say.
local function serial_word(set, table_fact, column, default)
  local word = ({ integer = "serial", bigint = "bigserial", smallint = "smallserial" })[column.attrs.type]
  if not word or not default or not column.attrs.not_null then return end
  local name = default_names.plain(table_fact.name, { column.name }, "seq")
  if default.attrs.expression ~= ("nextval(%s::regclass)"):format(names.literal(names.qualified(table_fact.schema,
    name))) then
    return
  end
  local sequence = set:get(names.id("sequence", table_fact.schema, name))
  if not sequence or sequence.attrs.owned_by ~= column.id or #set:children(sequence.id) > 0
    or sequence.attrs.type ~= (column.attrs.type ~= "bigint" and column.attrs.type or nil)
    or not only(sequence.attrs, { owned_by = true, type = true }) then
    return
  end
  return word, sequence.id
end

local LITERAL_TYPES = { text = true, ["character varying"] = true }

-- A default as the language would write it: a plain value where the server makes the same text of it again.
local function default_text(expression, type_text)
  if expression:find "^%-?%d+$" and #expression < 15 and not expression:find "^%-?0%d" and expression ~= "-0" then
    return expression:sub(1, 1) ~= "-" and expression or nil
  end
  if expression == "true" or expression == "false" then return expression end
  local quoted, cast = expression:match "^('.*')::([%l ]+)$"
  if quoted and LITERAL_TYPES[cast] and cast == type_text:gsub("%(.*", "")
    and not quoted:sub(2, -2):gsub("''", ""):find "'" then
    return literal.text((quoted:sub(2, -2):gsub("''", "'")))
  end
end

local CHAIN = { "collation", "storage", "compression", "statistics", "options", "foreign_options", "comment" }
local CHAIN_WORD = { collation = "collate" }

local function column_line(set, table_fact, column, ends, done)
  local attrs = column.attrs
  local default = set:children(column.id, "default")[1]
  local serial, sequence_id = serial_word(set, table_fact, column, default)
  local out = { serial and ("m.%s %s"):format(serial, literal.text(column.name)) or head(column.name, attrs.type) }
  local function chain(text, ...)
    out[#out + 1] = text:format(...)
  end
  if sequence_id then done[sequence_id] = true end
  local primary = ends:find(":primary_key()", 1, true)
  local sequence
  if attrs.identity then
    for _, fact in ipairs(set:children(column.id, "sequence")) do sequence = fact end
    local options = sequence and copy(sequence.attrs, { identity = true }) or {}
    if sequence then
      done[sequence.id] = true
      if sequence.schema ~= table_fact.schema
        or sequence.name ~= default_names.plain(table_fact.name, { column.name }, "seq") then
        options.name = M.reference(sequence.id)
      end
    end
    if attrs.identity == "by default" then options.by_default = true end
    local simple = next(options) == "by_default" and next(options, "by_default") == nil
    if not sequence then
      -- A partition counts by its parent's sequence.
      chain(" :with %s", literal.value({ identity = attrs.identity }, "  "))
    else
      chain(not next(options) and " :identity()" or simple and ' :identity "by default"'
        or " :identity(" .. literal.value(options, "  ") .. ")")
    end
  end
  if attrs.generated then
    if attrs.generated == "stored" then
      chain(" :generated %s", literal.text(attrs.expression))
    else
      chain(" :generated(%s, %s)", literal.text(attrs.expression), literal.text(attrs.generated))
    end
  end
  if attrs.inherited then chain " :inherited()" end
  if attrs.not_null and not serial and not sequence and not primary then chain " :not_null()" end
  if not attrs.not_null and primary then chain " :null()" end
  if default and not serial then
    local text = default_text(default.attrs.expression, attrs.type)
    if not text then
      chain(" :default(m.sql %s)", literal.text(default.attrs.expression))
    elseif text:sub(1, 1) == '"' then
      chain(" :default %s", text)
    else
      chain(" :default(%s)", text)
    end
  end
  chain("%s", ends)
  for _, key in ipairs(CHAIN) do
    local value = attrs[key]
    if value ~= nil then
      if key == "storage" then value = value:lower() end
      chain(" :%s(%s)", CHAIN_WORD[key] or key, literal.value(value, "  "))
    end
  end
  local rest = copy(attrs, { type = true, not_null = true, identity = true, generated = true, expression = true,
    inherited = true, collation = true, storage = true, compression = true, statistics = true, options = true,
    foreign_options = true, comment = true })
  if next(rest) then chain(" :with %s", literal.value(rest, "  ")) end
  for _, fact in ipairs(M.grants(set, column.id)) do chain(" %s", M.grant(fact, ":grant")) end
  return table.concat(out)
end

local function index_key(key)
  if type(key) == "string" then return literal.text(key) end
  local plain = {}
  for name in pairs(key) do plain[#plain + 1] = name end  -- order-free: they are only counted
  if #plain == 1 and key.expression and words.expr(key.expression).expression == key.expression then
    return "m.expr " .. literal.text(key.expression)
  elseif #plain == 2 and key.column and key.desc then
    return "m.desc " .. literal.text(key.column)
  end
  return literal.value(key, "    ")
end

-- `m.index { "a", where = … }` and its like.
local function in_braces(word, items, attrs)
  local parts = {}
  for i, item in ipairs(items) do parts[i] = item end
  local keys = {}
  for key in pairs(attrs) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do parts[#parts + 1] = ("%s = %s"):format(literal.key(key),
    literal.value(attrs[key], "    ")) end
  local line = ("m.%s { %s }"):format(word, table.concat(parts, ", "))
  if #line <= 98 and not line:find "\n" then return line end
  return ("m.%s {\n    %s,\n  }"):format(word, table.concat(parts, ",\n    "))
end

local function key_labels(keys)
  local columns = {}
  for i, key in ipairs(keys) do columns[i] = default_names.key_label(key) end
  return columns
end

local function quoted_list(list)
  local out = {}
  for i, item in ipairs(list) do out[i] = literal.text(item) end
  return out
end

local function constraint_line(table_fact, fact)
  local attrs = copy(fact.attrs, { type = true })
  local kind = fact.attrs.type
  attrs.attached_to = attrs.attached_to and M.reference(attrs.attached_to)
  local function name(columns, label)
    if fact.name ~= default_names.plain(table_fact.name, columns, label) then attrs.name = fact.name end
  end
  if kind == "check" then
    if only(fact.attrs, CHECK) then
      return ("m.check(%s, %s)"):format(literal.text(fact.name), literal.text(attrs.expression))
    end
    attrs.type = kind
    return ("m.constraint %s %s"):format(literal.text(fact.name), literal.value(attrs, "  "))
  elseif kind == "exclude" then
    name(key_labels(attrs.elements), "excl")
    local items = {}
    for i, key in ipairs(attrs.elements) do items[i] = index_key(key) end
    attrs.elements = nil
    return in_braces("exclude", items, attrs)
  end
  local columns = attrs.columns
  attrs.columns = nil
  if kind == "foreign key" then
    name(columns, "fkey")
    attrs.references = M.reference(attrs.references)
    return in_braces("foreign_key", quoted_list(columns), attrs)
  elseif kind == "primary key" then
    name({}, "pkey")
    return in_braces("primary_key", quoted_list(columns), attrs)
  elseif kind == "unique" then
    name(columns, "key")
    return in_braces("unique", quoted_list(columns), attrs)
  end
  attrs.type, attrs.columns = kind, columns
  return ("m.constraint %s %s"):format(literal.text(fact.name), literal.value(attrs, "  "))
end

local function index_line(table_fact, fact)
  local attrs = copy(fact.attrs, { keys = true })
  attrs.where, attrs.predicate = attrs.predicate, nil
  attrs.attached_to = attrs.attached_to and M.reference(attrs.attached_to)
  if fact.name ~= default_names.plain(table_fact.name, key_labels(fact.attrs.keys),
    "idx") then attrs.name = fact.name end
  local items = {}
  for i, key in ipairs(fact.attrs.keys) do items[i] = index_key(key) end
  return in_braces("index", items, attrs)
end

local function named_line(fact)
  local attrs = copy(fact.attrs)
  if attrs.from then attrs.from = M.reference(attrs.from) end
  return ("m.%s %s %s"):format(fact.kind, literal.text(fact.kind == "statistics" and M.reference(fact.id) or fact.name),
    literal.value(attrs, "  "))
end

-- A view's columns come with its query; only what was said of one besides that is written.
local function says_more(column)
  return not only(column.attrs, { type = true, collation = true })
end

local ORDER = { "primary key", "unique", "foreign key", "exclude", "check", "not null" }

--- The lines of a relation's braces, and the ids of what they tell.
---@param set moonpool.schema.FactSet
---@param fact moonpool.schema.Fact
---@param options { columns: boolean }
---@param done table<string, boolean>
---@return string[]
function M.lines(set, fact, options, done)
  local lines, constraints = {}, set:children(fact.id, "constraint")
  local told = {}
  for _, column in ipairs(set:children(fact.id, "column")) do
    local ends = ""
    for _, constraint in ipairs(constraints) do
      local text = not told[constraint.id] and not column.attrs.inherited and chained(fact, column, constraint)
      if text then
        told[constraint.id] = true
        ends = ends .. text
      end
    end
    if options.columns or says_more(column) or #set:children(column.id) > 0 then
      lines[#lines + 1] = column_line(set, fact, column, ends, done)
    end
  end
  for _, kind in ipairs(ORDER) do
    for _, constraint in ipairs(constraints) do
      if constraint.attrs.type == kind and not told[constraint.id] then
        lines[#lines + 1] = constraint_line(fact, constraint)
      end
    end
  end
  for _, index in ipairs(set:children(fact.id, "index")) do lines[#lines + 1] = index_line(fact, index) end
  for _, kind in ipairs { "statistics", "rule", "trigger", "policy" } do
    for _, item in ipairs(set:children(fact.id, kind)) do lines[#lines + 1] = named_line(item) end
  end
  for _, grant in ipairs(M.grants(set, fact.id)) do lines[#lines + 1] = M.grant(grant, "m.grant") end
  return lines
end

M.copy, M.column_line, M.constraint_line = copy, column_line, constraint_line

return M
