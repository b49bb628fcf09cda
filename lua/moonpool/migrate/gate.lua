--- The gate on the way back: what would lose data is refused unless that kind of loss was allowed by name.
--- A table or a column that holds nothing may go.

local errors = require "moonpool.core.error"
local failure = require "moonpool.migrate.failure"
local names = require "moonpool.migrate.names"
local suggest = require "moonpool.core.suggest"

local M = {}

---The kinds of loss there are.
M.kinds = { "drop_column", "drop_schema", "drop_table", "truncate" }

---A list of kinds as a set. Raises for a kind there is not.
---@param given string[]|table<string, boolean>|nil
---@return table<string, boolean>
function M.allowed(given)
  local known, set = {}, {}
  for _, kind in ipairs(M.kinds) do known[kind] = true end
  for key, value in pairs(given or {}) do
    local kind = type(key) == "number" and value or key
    if not known[kind] then
      errors.misuse("allow takes %s, got %s%s", table.concat(M.kinds, ", "), tostring(kind),
        suggest.hint(kind, M.kinds))
    end
    set[kind] = value and true or nil
  end
  return set
end

local function refuse(kind, what)
  failure.refuse(("going back would lose %s"):format(what), ("if that is meant: --allow %s"):format(kind))
end

-- A name that cannot be read is for the statement itself to complain about.
local function holds_rows(db, relation, condition)
  local there = db:query("select to_regclass(?) is not null", relation):scalar()
  if not there then return false end
  return db:query(("select exists (select from %s%s)"):format(relation, condition or "")):scalar()
end

---@async
---@param allow table<string, boolean>
---@param db moonpool.Handle
---@param relation string as the script names it
function M.drop_table(allow, db, relation)
  if not allow.drop_table and holds_rows(db, names.path(relation)) then
    refuse("drop_table", ("the rows of %s"):format(relation))
  end
end

---@async
---@param allow table<string, boolean>
---@param db moonpool.Handle
---@param relation string
---@param column string
function M.drop_column(allow, db, relation, column)
  if allow.drop_column then return end
  local exists = db:query([[select exists (select from pg_catalog.pg_attribute
    where attrelid = to_regclass(?) and attname = ? and not attisdropped)]], names.path(relation), column):scalar()
  if exists and holds_rows(db, names.path(relation), (" where %s is not null"):format(names.quote(column))) then
    refuse("drop_column", ("what is in %s.%s"):format(relation, column))
  end
end

-- Statement without comments, in one line, small letters outside of quotes.
local function plain(sql)
  sql = sql:gsub("/%*.-%*/", " "):gsub("%-%-[^\n]*", " "):gsub("%s+", " "):gsub("^ ", ""):gsub("[ ;]+$", "")
  return sql:find '["\']' and sql or sql:lower()
end

local function drop_tables(db, list)
  list = list:gsub("^if exists ", ""):gsub(" cascade$", ""):gsub(" restrict$", "")
  for relation in (list .. ","):gmatch " ?(.-) ?," do
    local ok, rows = pcall(holds_rows, db, relation)
    if not ok or rows then return relation end
  end
  return nil
end

---Looks at a statement written by hand. It reads no SQL but the first words of what loses data.
---@async
---@param allow table<string, boolean>
---@param db moonpool.Handle
---@param sql string
function M.statement(allow, db, sql)
  local text = plain(sql)
  local first = text:lower()
  if not allow.drop_table and first:find "^drop table " then
    local relation = drop_tables(db, text:sub(#"drop table " + 1))
    if relation then refuse("drop_table", ("the rows of %s"):format(relation)) end
  elseif not allow.drop_column and first:find "^alter table .* drop column " then
    refuse("drop_column", ("a column: %s"):format(text))
  elseif not allow.truncate and first:find "^truncate " then
    refuse("truncate", ("rows: %s"):format(text))
  elseif not allow.drop_schema and first:find "^drop schema " then
    refuse("drop_schema", ("a schema: %s"):format(text))
  end
end

return M
