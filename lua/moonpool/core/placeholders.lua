--- `?` and `:name` in a statement: scanned by the engine once, remembered by text, bound by hand.

local cache = require "moonpool.core.cache"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local native = require "moonpool.core.ffi"
local suggest = require "moonpool.core.suggest"

local C = native.C

local M = {}

---@class moonpool.Scan
---@field sql string the statement as it was written
---@field text string with $n in place of ? and :name
---@field style "none"|"positional"|"named"|"native"
---@field n integer how many parameters it takes
---@field names string[]|nil the name of each, when they have names
---@field opens boolean|nil it begins a transaction

local styles = { [0] = "none", "positional", "named", "native" }

local known = cache.new(1024)

local function opens(sql)
  local first, second = sql:lower():match "^%s*(%a+)%s*(%a*)"
  return first == "begin" or (first == "start" and second == "transaction") or nil
end

local function read(sql)
  local handle = C.mp_sql_scan(sql, #sql, native.no_failure())
  if handle == nil then
    local e = errors.take(native.failure)
    e.where = errors.callers_line()
    error(e, 0)
  end
  local text = C.mp_sql_text(handle, native.length)
  local scan = {
    sql = sql,
    text = ffi.string(text, native.length[0]),
    style = styles[C.mp_sql_style(handle)],
    n = tonumber(C.mp_sql_count(handle)),
    opens = opens(sql),
  }
  if scan.style == "named" then
    scan.names = {}
    for i = 1, scan.n do scan.names[i] = native.text(C.mp_sql_name(handle, i - 1)) end
  end
  C.mp_sql_free(handle)
  return scan
end

---The statement with its placeholders numbered. Raises where spellings are mixed or something is not closed.
---@param sql string
---@return moonpool.Scan
function M.scan(sql)
  local scan = known:get(sql)
  if scan then return scan end
  if type(sql) ~= "string" then errors.misuse("a statement is a string, got a %s", type(sql)) end
  return known:put(sql, read(sql))
end

---Whether a statement brings its own text and parameters, as queries of the builder do.
---@param statement any
---@return boolean
function M.is_built(statement)
  return type(statement) == "table" and type(statement.to_sql) == "function"
end

---The text of such a statement, its parameters, and how many they are.
---@param statement table
---@return string
---@return any[]
---@return integer
function M.built(statement)
  local sql, list, n = statement:to_sql()
  if type(sql) ~= "string" or type(list) ~= "table" then
    errors.misuse("to_sql gives a text and a list of parameters, got %s and %s", errors.show(sql), errors.show(list))
  end
  return sql, list, n or list.n or #list
end

local function counted(n)
  return n == 1 and "1 parameter" or n == 0 and "no parameters" or n .. " parameters"
end

-- As much of a statement as a message bears.
local function excerpt(sql)
  return #sql > 500 and sql:sub(1, 497) .. "..." or sql
end

local function wrong_count(scan, n)
  local from, to = math.min(n, scan.n) + 1, math.max(n, scan.n)
  local which = from == to and "number " .. from .. " is " or ("numbers %d to %d are "):format(from, to)
  errors.misuse("this statement takes %s, got %d (%s): %s", counted(scan.n), n,
    which .. (n < scan.n and "missing" or "too many"), excerpt(scan.sql))
end

local function from_names(scan, given)
  local list, takes = {}, {}
  for i, name in ipairs(scan.names) do takes[name] = i end
  for name in pairs(given) do
    if not takes[name] then
      errors.misuse("there is no :%s in this statement%s: %s", errors.name(name),
        suggest.hint(name, scan.names), excerpt(scan.sql))
    end
  end
  for i, name in ipairs(scan.names) do
    list[i] = given[name]
    if list[i] == nil then
      errors.misuse(":%s is missing (for NULL say moonpool.null): %s", name, excerpt(scan.sql))
    end
  end
  return list
end

---Puts the arguments of a call into the order of $1, $2, …; n is how many were written, nils included.
---@param scan moonpool.Scan
---@param n integer
---@param ... any
---@return any[] values with `scan.n` places; nil is NULL
function M.bind(scan, n, ...)
  if scan.style == "named" then
    local given = ...
    if n ~= 1 or type(given) ~= "table" then
      errors.misuse("this statement names its parameters (:%s); give them in one table, { %s = … }: %s",
        table.concat(scan.names, ", :"), scan.names[1], excerpt(scan.sql))
    end
    return from_names(scan, given)
  end
  if n ~= scan.n then wrong_count(scan, n) end
  return { ... }
end

return M
