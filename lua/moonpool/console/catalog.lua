--- Names in the database, for completion: read in one query, kept until something changes them.

local native = require "moonpool.core.ffi"

local C = native.C

local M = {}

local KEPT_SECONDS = 60

local NAMES = [[select n.nspname as schema, c.relname as name, pg_table_is_visible(c.oid) as visible,
  coalesce(array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
    and not a.attisdropped order by a.attnum), '{}') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_toast'
  order by n.nspname in ('pg_catalog', 'information_schema'), c.relname limit 5000]]

---@class moonpool.console.Catalog
---@field relations { schema: string, name: string, visible: boolean, columns: string[] }[]
local Catalog = {}
Catalog.__index = Catalog

---@return moonpool.console.Catalog
function M.new()
  return setmetatable({ relations = {}, read_at = nil }, Catalog)
end

---Something was created, changed or dropped.
function Catalog:forget()
  self.read_at = nil
end

---Reads the names, when that was long ago. Without an answer the old ones stay.
---@param session moonpool.console.Session
function Catalog:refresh(session)
  local now = C.mp_clock()
  if self.read_at and now - self.read_at < KEPT_SECONDS then return end
  local ok, result = pcall(function() return session:ask(NAMES):all() end)
  if ok then self.relations = result end
  self.read_at = now
end

local function is_own(relation)
  return relation.schema == "pg_catalog" or relation.schema == "information_schema"
end

---Names of tables and views that can be written without a schema, and "schema.name" of the others.
---PostgreSQL's own are named to who asks for them: "pg_".
---@param prefix string
---@return string[]
function Catalog:tables(prefix)
  local names = {}
  for _, relation in ipairs(self.relations) do
    local name = relation.visible and relation.name or relation.schema .. "." .. relation.name
    local wanted = not is_own(relation) or prefix:match "^pg_" or prefix:match "%."
    if wanted and name:sub(1, #prefix) == prefix then names[#names + 1] = name end
    local full = relation.schema .. "." .. relation.name
    if relation.visible and prefix:find(".", 1, true) and full:sub(1, #prefix) == prefix then
      names[#names + 1] = full
    end
  end
  return names
end

---Columns of a table by its name, with or without its schema; nil where there is no such table.
---@param name string
---@return string[]|nil
function Catalog:columns(name)
  for _, relation in ipairs(self.relations) do
    if name == relation.schema .. "." .. relation.name or (relation.visible and name == relation.name) then
      return relation.columns
    end
  end
  return nil
end

return M
