--- Clauses that several kinds share, spelled as PostgreSQL itself spells them (pg_get_constraintdef,
--- pg_get_indexdef): the tests hold the two against each other on every constraint and index they meet.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local M = {}

--- `name=value, …` of storage parameters.
---@param attrs table
---@param key string
---@return string
function M.options(attrs, key)
  local out = {}
  for i, name in ipairs(catalog.option_names(attrs, key)) do
    local value = attrs[key][name]
    local prefix, rest = name:match "^(toast)%.(.*)$"
    local label = prefix and prefix .. "." .. names.quote(rest) or names.quote(name)
    if value:find "^[a-z_][a-z0-9_]*$" and not names.is_keyword(value) then
      out[i] = ("%s=%s"):format(label, value)
    else
      out[i] = ("%s=%s"):format(label, names.literal(value))
    end
  end
  return table.concat(out, ", ")
end

--- `name 'value', …` of a foreign object's options.
---@param attrs table
---@param key string
---@return string
function M.foreign_options(attrs, key)
  local out = {}
  for i, name in ipairs(catalog.option_names(attrs, key)) do
    out[i] = names.quote(name) .. " " .. names.literal(attrs[key][name])
  end
  return table.concat(out, ", ")
end

--- The options of a sequence that differ from the defaults of its type.
---@param attrs table
---@return string[]
function M.sequence_options(attrs)
  local out = {}
  local function option(word, value)
    if value then out[#out + 1] = ("%s %s"):format(word, tostring(value)) end
  end
  option("START WITH", attrs.start)
  option("INCREMENT BY", attrs.increment)
  option("MINVALUE", attrs.min)
  option("MAXVALUE", attrs.max)
  option("CACHE", attrs.cache)
  if attrs.cycle then out[#out + 1] = "CYCLE" end
  return out
end

--- ` GENERATED … AS IDENTITY (…)`; nothing where the sequence belongs to the table this one is a partition of.
---@param column moonpool.schema.Fact
---@param e moonpool.schema.Emitter
---@return string
function M.identity(column, e)
  local sequence = e:identity_sequence(column.id)
  if not sequence then return "" end
  local list = M.sequence_options(sequence.attrs)
  table.insert(list, 1, "SEQUENCE NAME " .. names.qualified(sequence.schema, sequence.name))
  return (" GENERATED %s AS IDENTITY (%s)"):format(column.attrs.identity:upper(), table.concat(list, " "))
end

-- A name that only begins a function call needs no parentheses; anything else that is an expression has its own.
local function index_key(key)
  if type(key) == "string" then return names.quote(key) end
  local text = key.column and names.quote(key.column) or key.expression
  if key.collation then text = text .. " COLLATE " .. key.collation end
  if key.opclass then text = text .. " " .. key.opclass end
  if key.opclass_options then text = ("%s (%s)"):format(text, key.opclass_options) end
  if key.desc then text = text .. " DESC" end
  if key.nulls then text = text .. " NULLS " .. key.nulls:upper() end
  return text
end

--- The keys of an index, or the elements of an exclusion constraint.
---@param keys (string|table)[]
---@return string
function M.index_keys(keys)
  local out = {}
  for i, key in ipairs(keys) do
    out[i] = index_key(key)
    if type(key) == "table" and key.operator then out[i] = ("%s WITH %s"):format(out[i], key.operator) end
  end
  return table.concat(out, ", ")
end

--- The whole of an index, as pg_get_indexdef has it.
---@param fact moonpool.schema.Fact
---@param table_name string
---@return string
function M.index(fact, table_name)
  local attrs = fact.attrs
  local out = { ("CREATE %sINDEX %s ON %s USING %s (%s)"):format(attrs.unique and "UNIQUE " or "",
    names.quote(fact.name),
    table_name, names.quote(attrs.method or "btree"), M.index_keys(attrs.keys)) }
  if attrs.include then out[#out + 1] = ("INCLUDE (%s)"):format(names.list(attrs.include)) end
  if attrs.nulls_not_distinct then out[#out + 1] = "NULLS NOT DISTINCT" end
  if attrs.options then out[#out + 1] = ("WITH (%s)"):format(M.index_options(attrs)) end
  if attrs.tablespace then out[#out + 1] = "TABLESPACE " .. names.quote(attrs.tablespace) end
  if attrs.predicate then out[#out + 1] = "WHERE " .. attrs.predicate end
  return table.concat(out, " ")
end

--- Index options have every value quoted, as pg_get_indexdef does it unless the value is a plain word.
---@param attrs table
---@return string
function M.index_options(attrs)
  return M.options(attrs, "options")
end

local ACTIONS = { cascade = "CASCADE", restrict = "RESTRICT", ["set null"] = "SET NULL",
  ["set default"] = "SET DEFAULT" }

local function period(list, last)
  local out = {}
  for i, name in ipairs(list) do out[i] = names.quote(name) end
  if last then out[#out] = "PERIOD " .. out[#out] end
  return table.concat(out, ", ")
end

local function foreign_key(attrs, e)
  local out = ("FOREIGN KEY (%s) REFERENCES %s(%s)"):format(period(attrs.columns, attrs.period),
    e:name_of(attrs.references), period(attrs.ref_columns, attrs.period))
  if attrs.match then out = out .. " MATCH " .. attrs.match:upper() end
  if attrs.on_update then out = out .. " ON UPDATE " .. ACTIONS[attrs.on_update] end
  if attrs.on_delete then out = out .. " ON DELETE " .. ACTIONS[attrs.on_delete] end
  if attrs.on_delete_columns then out = ("%s (%s)"):format(out, names.list(attrs.on_delete_columns)) end
  return out
end

local function key(attrs, word, full)
  local out = word
  if attrs.nulls_not_distinct then out = out .. " NULLS NOT DISTINCT" end
  out = ("%s (%s%s)"):format(out, names.list(attrs.columns), attrs.without_overlaps and " WITHOUT OVERLAPS" or "")
  if attrs.include then out = ("%s INCLUDE (%s)"):format(out, names.list(attrs.include)) end
  if full and attrs.options then out = ("%s WITH (%s)"):format(out, M.index_options(attrs)) end
  return out
end

local function exclusion(attrs, full)
  local out = ("EXCLUDE USING %s (%s)"):format(names.quote(attrs.method or "btree"), M.index_keys(attrs.elements))
  if attrs.include then out = ("%s INCLUDE (%s)"):format(out, names.list(attrs.include)) end
  if attrs.options then out = ("%s WITH (%s)"):format(out, M.index_options(attrs)) end
  if full and attrs.tablespace then out = ("%s USING INDEX TABLESPACE %s"):format(out,
    names.quote(attrs.tablespace)) end
  if attrs.predicate then out = ("%s WHERE (%s)"):format(out, attrs.predicate) end
  return out
end

--- The definition of a constraint, as pg_get_constraintdef has it.
---@param fact moonpool.schema.Fact
---@param e moonpool.schema.Emitter
---@param full? boolean  with the index's options and tablespace, which pg_get_constraintdef leaves out
---@return string
function M.constraint(fact, e, full)
  local attrs = fact.attrs
  local out
  if attrs.type == "foreign key" then
    out = foreign_key(attrs, e)
  elseif attrs.type == "check" then
    out = ("CHECK (%s)"):format(attrs.expression)
    if attrs.no_inherit then out = out .. " NO INHERIT" end
  elseif attrs.type == "exclude" then
    out = exclusion(attrs, full)
  elseif attrs.type == "not null" then
    out = "NOT NULL " .. names.list(attrs.columns)
    if attrs.no_inherit then out = out .. " NO INHERIT" end
  else
    out = key(attrs, attrs.type == "primary key" and "PRIMARY KEY" or "UNIQUE", full)
    if full and attrs.tablespace then out = ("%s USING INDEX TABLESPACE %s"):format(out,
      names.quote(attrs.tablespace)) end
  end
  if attrs.deferrable then out = out .. " DEFERRABLE" end
  if attrs.deferred then out = out .. " INITIALLY DEFERRED" end
  if attrs.not_enforced then
    out = out .. " NOT ENFORCED"
  elseif attrs.not_valid then
    out = out .. " NOT VALID"
  end
  return out
end

return M
