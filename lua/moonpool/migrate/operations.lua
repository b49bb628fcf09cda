--- What a migration may ask for by name, as SQL. Each function gives text; who runs it, and how, is in `work`.

local columns = require "moonpool.migrate.columns"
local errors = require "moonpool.core.error"
local names = require "moonpool.migrate.names"
local options = require "moonpool.migrate.options"

local M = {}

local function alter(relation, rest)
  return ("alter table %s %s"):format(names.path(relation), rest)
end

local function sql_type(type_name)
  if type(type_name) ~= "string" or not type_name:find "%a" or type_name:find ";" then
    errors.misuse("a type is SQL such as \"numeric(12,2)\", got %s", tostring(type_name))
  end
  return type_name
end

function M.drop_table(relation, given)
  given = options.check(given, { "cascade", "if_exists" }, "drop_table")
  return "drop table " .. (given.if_exists and "if exists " or "") .. names.path(relation)
    .. (given.cascade and " cascade" or "")
end

function M.rename_table(relation, to)
  return alter(relation, "rename to " .. names.quote(to))
end

function M.add_column(relation, name, type_name, given)
  return alter(relation, "add column " .. columns.definition(name, sql_type(type_name), given))
end

function M.drop_column(relation, name, given)
  given = options.check(given, { "cascade", "if_exists" }, "drop_column")
  return alter(relation, "drop column " .. (given.if_exists and "if exists " or "") .. names.quote(name)
    .. (given.cascade and " cascade" or ""))
end

function M.rename_column(relation, name, to)
  return alter(relation, ("rename column %s to %s"):format(names.quote(name), names.quote(to)))
end

function M.change_type(relation, name, type_name, given)
  given = options.check(given, { "using" }, "change_type")
  return alter(relation, ("alter column %s type %s"):format(names.quote(name), sql_type(type_name))
    .. (given.using and " using " .. given.using or ""))
end

function M.set_default(relation, name, value)
  return alter(relation, ("alter column %s set default %s"):format(names.quote(name), names.literal(value)))
end

function M.drop_default(relation, name)
  return alter(relation, ("alter column %s drop default"):format(names.quote(name)))
end

function M.set_not_null(relation, name)
  return alter(relation, ("alter column %s set not null"):format(names.quote(name)))
end

function M.drop_not_null(relation, name)
  return alter(relation, ("alter column %s drop not null"):format(names.quote(name)))
end

function M.add_constraint(relation, name, definition)
  return alter(relation, ("add constraint %s %s"):format(names.quote(name), definition))
end

function M.drop_constraint(relation, name)
  return alter(relation, "drop constraint " .. names.quote(name))
end

function M.add_foreign_key(relation, column, their_table, their_column, given)
  return alter(relation, ("add foreign key (%s) %s"):format(names.list(column),
    columns.references(their_table, their_column, given)))
end

-- A column of an index: a name, a name with its direction, or raw SQL for an expression.
local function index_part(part)
  if names.is_raw(part) then return "(" .. part.sql .. ")" end
  if type(part) ~= "string" then errors.misuse("an index has columns by name, got %s", tostring(part)) end
  local name, rest = part:match "^(%S+)%s+(.+)$"
  if not name then return names.quote(part) end
  local direction = rest:lower():gsub("%s+", " ")
  for _, known in ipairs { "asc", "desc", "nulls first", "nulls last", "asc nulls first", "asc nulls last",
    "desc nulls first", "desc nulls last" } do
    if direction == known then return names.quote(name) .. " " .. known end
  end
  errors.misuse("an index column is a name, with asc or desc and nulls first or last behind it, got %q; "
    .. "an expression is m:raw \"…\"", part)
end

local function default_index_name(relation, list)
  local last = relation:match("([^.]+)$"):gsub('"', "")
  local parts = { last }
  for _, part in ipairs(list) do
    parts[#parts + 1] = names.is_raw(part) and "expr" or part:match "^%S+"
  end
  return table.concat(parts, "_"):sub(1, 59) .. "_idx"
end

---@param relation string
---@param list string[]|string
---@param given table|nil
---@return string sql
---@return string name quoted, with the table's schema
function M.create_index(relation, list, given)
  given = options.check(given, { "concurrently", "include", "name", "unique", "using", "where" }, "create_index")
  if type(list) ~= "table" or names.is_raw(list) then list = { list } end
  if #list == 0 then errors.misuse "create_index takes the columns of the index" end
  local parts = {}
  for i, part in ipairs(list) do parts[i] = index_part(part) end
  local path, name = names.path(relation), names.quote(given.name or default_index_name(relation, list))
  local sql = ("create %sindex %s%s on %s%s (%s)"):format(
    given.unique and "unique " or "", given.concurrently and "concurrently " or "", name, path,
    given.using and " using " .. names.quote(given.using) or "", table.concat(parts, ", "))
  if given.include then sql = sql .. " include (" .. names.list(given.include) .. ")" end
  if given.where then sql = sql .. " where " .. given.where end
  local schema = path:match '^(".*"%.)".-"$'
  return sql, (schema or "") .. name
end

---@param name string
---@param given table|nil
---@return string sql
function M.drop_index(name, given)
  given = options.check(given, { "cascade", "concurrently", "if_exists" }, "drop_index")
  return "drop index " .. (given.concurrently and "concurrently " or "") .. (given.if_exists and "if exists " or "")
    .. names.path(name) .. (given.cascade and " cascade" or "")
end

---One small step of a backfill: fills NULLs in at most `batch` rows.
---@param relation string
---@param values table<string, any>
---@param given { batch: integer|nil, where: string|nil }|nil
---@return string sql
---@return integer batch
function M.backfill(relation, values, given)
  given = options.check(given, { "batch", "where" }, "backfill")
  local batch = given.batch or 5000
  if type(batch) ~= "number" or batch < 1 or batch % 1 ~= 0 then
    errors.misuse("batch takes a whole number from 1, got %s", tostring(batch))
  end
  if type(values) ~= "table" or next(values) == nil then errors.misuse "backfill takes the values to fill in" end
  local keys, sets, missing = {}, {}, {}
  for name in pairs(values) do keys[#keys + 1] = name end
  table.sort(keys)
  for i, name in ipairs(keys) do
    local column = names.quote(name)
    local literal = names.literal(values[name])
    if literal == "null" then errors.misuse("backfill fills NULLs, and %s is to become NULL", name) end
    sets[i] = ("%s = coalesce(%s, %s)"):format(column, column, literal)
    -- An expression that is NULL for a row would fill it for ever.
    local fillable = names.is_raw(values[name]) and (" and (%s) is not null"):format(literal) or ""
    missing[i] = ("(%s is null%s)"):format(column, fillable)
  end
  local path = names.path(relation)
  return ("update %s set %s where ctid = any(array(select ctid from %s where (%s)%s limit %d))"):format(path,
    table.concat(sets, ", "), path, table.concat(missing, " or "),
    given.where and " and (" .. given.where .. ")" or "", batch), batch
end

return M
