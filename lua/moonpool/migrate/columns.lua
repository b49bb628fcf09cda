--- `t` in m:create_table(name, function(t) … end): columns, keys and checks of a new table.

local errors = require "moonpool.core.error"
local names = require "moonpool.migrate.names"
local options = require "moonpool.migrate.options"
local suggest = require "moonpool.core.suggest"

local M = {}

-- What a method of `t` is called, and what PostgreSQL calls it. `true`: the same, with (n) or (n, m) behind it.
local types = {
  bigint = "bigint", integer = "integer", int = "integer", smallint = "smallint",
  text = "text", varchar = true, char = true, numeric = true, decimal = "numeric",
  real = "real", double = "double precision", boolean = "boolean", bool = "boolean",
  timestamptz = "timestamptz", timestamp = "timestamp", date = "date", time = "time", interval = "interval",
  uuid = "uuid", json = "json", jsonb = "jsonb", bytea = "bytea", inet = "inet", bigserial = "bigserial",
}

---@class moonpool.migrate.Column
---@field private name string
---@field private type string
---@field private parts string[]
local Column = {}
Column.__index = Column

local function add(column, part)
  column.parts[#column.parts + 1] = part
  return column
end

---@return moonpool.migrate.Column
function Column:not_null() return add(self, "not null") end
---@return moonpool.migrate.Column
function Column:unique() return add(self, "unique") end
---@return moonpool.migrate.Column
function Column:primary_key() return add(self, "primary key") end
---@return moonpool.migrate.Column
function Column:identity() return add(self, "generated always as identity") end

---A value, or m:raw "now()" for an expression.
---@param value any
---@return moonpool.migrate.Column
function Column:default(value) return add(self, "default " .. names.literal(value)) end

---@param expression string SQL
---@return moonpool.migrate.Column
function Column:check(expression) return add(self, "check (" .. expression .. ")") end

---@param expression string SQL
---@return moonpool.migrate.Column
function Column:generated(expression) return add(self, "generated always as (" .. expression .. ") stored") end

local actions = {
  cascade = "cascade", restrict = "restrict", ["set null"] = "set null", ["set default"] = "set default",
  ["no action"] = "no action",
}

local function action(name, key)
  local said = type(name) == "string" and actions[(name:lower():gsub("_", " "))]
  if not said then
    errors.misuse('%s takes "cascade", "restrict", "set null", "set default" or "no action", got %s', key,
      tostring(name))
  end
  return said
end

---The clause of a foreign key.
---@param relation string
---@param column string|string[]|nil its primary key when left out
---@param given { on_delete: string|nil, on_update: string|nil }|nil
---@return string
function M.references(relation, column, given)
  given = options.check(given, { "on_delete", "on_update" }, "references")
  local text = "references " .. names.path(relation)
  if column then text = text .. " (" .. names.list(column) .. ")" end
  if given.on_delete then text = text .. " on delete " .. action(given.on_delete, "on_delete") end
  if given.on_update then text = text .. " on update " .. action(given.on_update, "on_update") end
  return text
end

---@param relation string
---@param column string|nil
---@param given { on_delete: string|nil, on_update: string|nil }|nil
---@return moonpool.migrate.Column
function Column:references(relation, column, given)
  return add(self, M.references(relation, column, given))
end

---@class moonpool.migrate.Table
---@field private columns moonpool.migrate.Column[]
---@field private constraints string[]
---@field private indexes table[]
local Table = {}

---A column of any type: t:column("area", "geometry(polygon, 4326)").
---@param name string
---@param type string SQL
---@return moonpool.migrate.Column
function Table:column(name, type)
  local column = setmetatable({ name = names.quote(name), type = type, parts = {} }, Column)
  self.columns[#self.columns + 1] = column
  return column
end

---created_at and updated_at, filled by the server.
function Table:timestamps()
  for _, name in ipairs { "created_at", "updated_at" } do
    self:column(name, "timestamptz"):not_null():default(names.raw "now()")
  end
end

---@param ... string columns
function Table:primary_key(...)
  self.constraints[#self.constraints + 1] = "primary key (" .. names.list { ... } .. ")"
end

---@param ... string columns
function Table:unique(...)
  self.constraints[#self.constraints + 1] = "unique (" .. names.list { ... } .. ")"
end

---@param name string
---@param expression string SQL
function Table:check(name, expression)
  self.constraints[#self.constraints + 1] = ("constraint %s check (%s)"):format(names.quote(name), expression)
end

---@param columns string|string[]
---@param relation string
---@param their string|string[]|nil
---@param given { on_delete: string|nil, on_update: string|nil }|nil
function Table:foreign_key(columns, relation, their, given)
  self.constraints[#self.constraints + 1] =
    ("foreign key (%s) %s"):format(names.list(columns), M.references(relation, their, given))
end

---An index beside the table; options as in m:create_index.
---@param columns string[]
---@param given table|nil
function Table:index(columns, given)
  self.indexes[#self.indexes + 1] = { columns, given }
end

local function sized(base, ...)
  local n = select("#", ...)
  if n == 0 then return base end
  local sizes = {}
  for i = 1, n do
    local size = select(i, ...)
    if type(size) ~= "number" or size % 1 ~= 0 or size < 0 then
      errors.misuse("the size of a %s is a whole number, got %s", base, tostring(size))
    end
    sizes[i] = ("%d"):format(size)
  end
  return base .. "(" .. table.concat(sizes, ", ") .. ")"
end

for method, base in pairs(types) do
  Table[method] = function(self, name, ...)
    if base ~= true and select("#", ...) > 0 then errors.misuse("a column of type %s has no size", method) end
    return self:column(name, base == true and sized(method, ...) or base)
  end
end

local metatable = {
  __index = function(_, name)
    local method = Table[name]
    if method then return method end
    local known = {}
    for other in pairs(Table) do known[#known + 1] = other end
    errors.misuse("a table has no t:%s%s; t:column(name, type) takes any type", tostring(name),
      suggest.hint(name, known))
  end,
}

---The statement that creates a table, and the indexes it asked for.
---@param name string
---@param f fun(t: moonpool.migrate.Table)
---@return string sql
---@return table[] indexes { columns, options }
function M.create_table(name, f)
  if type(f) ~= "function" then errors.misuse("create_table takes a function, got a %s", type(f)) end
  local t = setmetatable({ columns = {}, constraints = {}, indexes = {} }, metatable)
  f(t)
  local lines = {}
  for _, column in ipairs(t.columns) do
    lines[#lines + 1] = "  " .. table.concat({ column.name, column.type, unpack(column.parts) }, " ")
  end
  for _, constraint in ipairs(t.constraints) do lines[#lines + 1] = "  " .. constraint end
  if #lines == 0 then errors.misuse("create_table(%q) makes a table without columns", name) end
  return ("create table %s (\n%s\n)"):format(names.path(name), table.concat(lines, ",\n")), t.indexes
end

---The definition of one column, for add_column.
---@param name string
---@param type string SQL
---@param given { null: boolean|nil, default: any, unique: boolean|nil, references: table|nil }|nil
---@return string
function M.definition(name, type, given)
  given = options.check(given, { "default", "null", "references", "unique" }, "add_column")
  local column = setmetatable({ name = names.quote(name), type = type, parts = {} }, Column)
  if given.null == false then column:not_null() end
  if given.default ~= nil then column:default(given.default) end
  if given.unique then column:unique() end
  if given.references then column:references(unpack(given.references)) end
  return table.concat({ column.name, column.type, unpack(column.parts) }, " ")
end

return M
