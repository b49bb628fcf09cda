--- Columns: a type, a name, and what is chained behind them.

local names = require "moonpool.schema.names"
local raw_of = require "moonpool.schema.dsl.raw"
local spec_of = require "moonpool.schema.dsl.spec"

local M = {}

---@class moonpool.schema.Column
---@field name string
---@field type string
---@field attrs table  of the column's fact
---@field default_expression? string
---@field constraints table[]  what was said of keys and checks
---@field identity_options? table
---@field version_column? boolean  the model's optimistic lock
---@field soft_delete_column? boolean  the model's mark of deleted rows
---@field secret_column? boolean  generators leave it out
---@field serial? boolean
---@field grants table[]
---@field old_name? string
---@field at? string
local Column = {}
Column.__index = Column
M.class = Column

---@param value any
---@return boolean
function M.is_column(value)
  return getmetatable(value) == Column
end

--- A column of any type, the type as SQL writes it.
---@param name string
---@param type_text string
---@param level? integer
---@return moonpool.schema.Column
function M.new(name, type_text, level)
  level = (level or 1) + 1
  if type(name) ~= "string" or name == "" then
    error(("a column's name is text, got %s"):format(name == "" and "an empty one" or "a " .. type(name)), level)
  end
  if type(type_text) ~= "string" then
    error(("the type of column %s is text, got a %s"):format(name, type(type_text)), level)
  end
  if #name > 63 then error(("the name %q has %d bytes; PostgreSQL keeps 63"):format(name, #name), level) end
  return setmetatable({
    name = name, type = type_text, attrs = { type = type_text }, constraints = {}, grants = {},
      at = spec_of.caller(level),
  }, Column)
end

---@return moonpool.schema.Column
function Column:not_null()
  self.attrs.not_null = true
  return self
end

--- The default of every column; said for emphasis.
---@return moonpool.schema.Column
function Column:null()
  self.attrs.not_null = nil
  return self
end

--- Text is a value and is quoted; what the server shall work out is sql "now()".
---@param value any
---@return moonpool.schema.Column
function Column:default(value)
  if value == nil then error(("the default of column %s is nil; leave it out instead"):format(self.name), 2) end
  self.default_expression = spec_of.expression(value, 2)
  return self
end

local IDENTITY = { always = "always", ["by default"] = "by default" }

--- Numbered by a sequence of its own: identity(), identity "by default", identity { start = 100, name = "s" }.
---@param options? "always"|"by default"|table
---@return moonpool.schema.Column
function Column:identity(options)
  local how = "always"
  if type(options) == "string" then
    how = IDENTITY[options] or error(("identity is \"always\" or \"by default\", got %q"):format(options), 2)
    options = nil
  elseif type(options) == "table" and options.by_default then
    how = "by default"
  end
  self.attrs.identity, self.attrs.not_null = how, true
  self.identity_options = options or {}
  return self
end

--- Worked out from other columns: generated "a + b", generated("a + b", "virtual").
---@param expression string
---@param how? "stored"|"virtual"
---@return moonpool.schema.Column
function Column:generated(expression, how)
  if raw_of.is(expression) then expression = raw_of.clause(expression, 2) end
  self.attrs.generated, self.attrs.expression = how or "stored", expression
  return self
end

---@param options? { name: string?, nulls_not_distinct: boolean?, deferrable: boolean?, deferred: boolean? }
---@return moonpool.schema.Column
function Column:unique(options)
  self.constraints[#self.constraints + 1] = { type = "unique", options = options or {} }
  return self
end

---@param options? { name: string? }
---@return moonpool.schema.Column
function Column:primary_key(options)
  self.attrs.not_null = true
  self.constraints[#self.constraints + 1] = { type = "primary key", options = options or {} }
  return self
end

--- A foreign key: references("users"), references("users", "id", { on_delete = "cascade" }).
---@param target string|moonpool.schema.Spec
---@param column? string|table  the column it refers to, or the options
---@param options? table
---@return moonpool.schema.Column
function Column:references(target, column, options)
  if type(column) == "table" and options == nil then column, options = nil, column end
  if type(target) ~= "string" and not spec_of.is_spec(target) then
    error(("references takes a table's name or spec, got a %s"):format(type(target)), 2)
  end
  self.constraints[#self.constraints + 1] =
    { type = "foreign key", target = target, to = column, options = options or {} }
  return self
end

--- check "price > 0", or with a name: check("price_positive", "price > 0").
---@param name string
---@param expression? string
---@return moonpool.schema.Column
function Column:check(name, expression)
  self.constraints[#self.constraints + 1] =
    { type = "check", expression = expression or name, options = { name = expression and name or nil } }
  return self
end

--- The type becomes an array of itself.
---@return moonpool.schema.Column
function Column:array()
  self.type = self.type .. "[]"
  self.attrs.type = self.type
  return self
end

--- The name of the collation as SQL writes it; one with capitals or signs is quoted here.
---@param name string
---@return moonpool.schema.Column
function Column:collate(name)
  if not name:find '^"' and not name:find "^[a-z_][%w_]*%." then name = names.quote(name) end
  self.attrs.collation = name
  return self
end

---@param how "plain"|"external"|"main"|"extended"
---@return moonpool.schema.Column
function Column:storage(how)
  self.attrs.storage = how:upper()
  return self
end

---@param how "pglz"|"lz4"
---@return moonpool.schema.Column
function Column:compression(how)
  self.attrs.compression = how
  return self
end

---@param target integer
---@return moonpool.schema.Column
function Column:statistics(target)
  self.attrs.statistics = target
  return self
end

--- n_distinct and the like; of a foreign table's column too: options({ n_distinct = -1 }).
---@param options table<string, string|number|boolean>
---@return moonpool.schema.Column
function Column:options(options)
  self.attrs.options = M.texts(options)
  return self
end

---@param options table<string, string|number|boolean>
---@return moonpool.schema.Column
function Column:foreign_options(options)
  self.attrs.foreign_options = M.texts(options)
  return self
end

---@param text string
---@return moonpool.schema.Column
function Column:comment(text)
  self.attrs.comment = text
  return self
end

--- Privileges on this column alone: grant("app", { "SELECT" }).
---@param role string
---@param privileges string[]
---@param options? { by: string? }
---@return moonpool.schema.Column
function Column:grant(role, privileges, options)
  self.grants[#self.grants + 1] = { role = role, privileges = privileges, by = options and options.by }
  return self
end

---@param name string
---@return moonpool.schema.Column
function Column:renamed_from(name)
  self.old_name = name
  return self
end

--- The column a repository counts up at every update, to notice when somebody else was faster.
---@return moonpool.schema.Column
function Column:version()
  self.version_column = true
  self.attrs.not_null = true
  self.default_expression = self.default_expression or "1"
  return self
end

--- Generators of code leave it out.
---@return moonpool.schema.Column
function Column:secret()
  self.secret_column = true
  return self
end

--- Comes from the table's parent and is only altered here.
---@return moonpool.schema.Column
function Column:inherited()
  self.attrs.inherited = true
  return self
end

--- Says any attribute of the column's fact by its name.
---@param attrs table
---@return moonpool.schema.Column
function Column:with(attrs)
  for key, value in pairs(attrs) do self.attrs[key] = value end  -- order-free: a map is copied
  return self
end

--- Option values as the catalogs hold them.
---@param options table
---@return table<string, string>
function M.texts(options)
  local out = {}
  for key, value in pairs(options) do  -- order-free: a map is copied
    if type(value) == "number" then
      out[key] = value == math.floor(value) and ("%.0f"):format(value) or tostring(value)
    else
      out[key] = tostring(value)
    end
  end
  return out
end

return M
