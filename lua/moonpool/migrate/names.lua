--- Names and literals for statements that take no parameters: DDL.

local errors = require "moonpool.core.error"
local json = require "moonpool.core.json"
local native = require "moonpool.core.ffi"
local null = require "moonpool.core.null"
local number = require "moonpool.core.number"

local M = {}

-- What PostgreSQL keeps of a name; two longer ones could become one.
local LONGEST = 63

---@class moonpool.migrate.Raw SQL that is written as it is
---@field sql string
local Raw = {}

---@param sql string
---@return moonpool.migrate.Raw
function M.raw(sql)
  if type(sql) ~= "string" or sql == "" then errors.misuse("raw takes a piece of SQL, got %s", tostring(sql)) end
  return setmetatable({ sql = sql }, Raw)
end

---@param value any
---@return boolean
function M.is_raw(value)
  return getmetatable(value) == Raw
end

---One name, quoted.
---@param name string
---@return string
function M.quote(name)
  if type(name) ~= "string" or name == "" then errors.misuse("a name is a string, got %s", tostring(name)) end
  if #name > LONGEST then errors.misuse('the name "%s" is longer than %d bytes', name, LONGEST) end
  if native.C.mp_valid_text_prefix(name, #name) ~= #name then
    errors.misuse "a name holds a zero byte or broken UTF-8"
  end
  return '"' .. name:gsub('"', '""') .. '"'
end

---`orders`, `billing.orders`, `"odd.name"`: each part quoted.
---@param path string
---@return string
function M.path(path)
  if type(path) ~= "string" or path == "" then errors.misuse("a table is named by a string, got %s", tostring(path)) end
  local parts, at = {}, 1
  while true do
    local name, after = path:match('^"(.-)"()%f[.%z]', at)
    if name then
      name = name:gsub('""', '"')
    else
      name, after = path:match('^([^".]+)()', at)
    end
    if not name then errors.misuse("%q is no name of a table", path) end
    parts[#parts + 1] = M.quote(name)
    if after > #path then return table.concat(parts, ".") end
    if path:sub(after, after) ~= "." then errors.misuse("%q is no name of a table", path) end
    at = after + 1
  end
end

---Several names, quoted, with commas.
---@param names string[]|string
---@return string
function M.list(names)
  if type(names) == "string" then names = { names } end
  if type(names) ~= "table" or #names == 0 then errors.misuse "a list of columns is expected" end
  local quoted = {}
  for i, name in ipairs(names) do quoted[i] = M.quote(name) end
  return table.concat(quoted, ", ")
end

local function text_literal(text)
  if native.C.mp_valid_text_prefix(text, #text) ~= #text then
    errors.misuse "a literal holds a zero byte or broken UTF-8"
  end
  local quoted = "'" .. text:gsub("'", "''") .. "'"
  if not text:find("\\", 1, true) then return quoted end
  -- Right whatever standard_conforming_strings says.
  return " E" .. quoted:gsub("\\", "\\\\")
end

---A value as SQL text.
---@param value any
---@return string
function M.literal(value)
  local kind = type(value)
  if M.is_raw(value) then return value.sql end
  if value == null then return "null" end
  if kind == "string" then return text_literal(value) end
  if kind == "boolean" then return tostring(value) end
  if kind == "number" and number.is_finite(value) then return number.text(value) end
  if kind == "table" then return text_literal(json.encode(value)) end
  errors.misuse("a %s is no literal: %s", kind, tostring(value))
end

return M
