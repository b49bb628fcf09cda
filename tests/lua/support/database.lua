--- The database that the runner started: MOONPOOL_PRIMARY and MOONPOOL_REPLICA.

local moonpool = require "moonpool"

local M = {}

---@param more table|nil further settings
---@return moonpool.Handle
function M.connect(more)
  local settings = {
    primary = assert(os.getenv "MOONPOOL_PRIMARY", "MOONPOOL_PRIMARY names the server that these specs need"),
    replicas = { os.getenv "MOONPOOL_REPLICA" },
  }
  for key, value in pairs(more or {}) do settings[key] = value end
  return moonpool.connect(settings)
end

---The primary's conninfo or URI, with the schema that unqualified names live in.
---@param schema string
---@return string
function M.primary_in(schema)
  local dsn = os.getenv "MOONPOOL_PRIMARY"
  if dsn:find "^postgres" then
    return dsn .. (dsn:find("?", 1, true) and "&" or "?") .. "options=-csearch_path%3D" .. schema
  end
  return dsn .. " options='-c search_path=" .. schema .. "'"
end

---A handle on a schema of its own, made empty.
---@param schema string
---@return moonpool.Handle
function M.in_schema(schema)
  local db = moonpool.connect { primary = M.primary_in(schema) }
  db:script(("drop schema if exists %s cascade; create schema %s"):format(schema, schema))
  return db
end

---The error that f raises; fails when it raises none, or one that is no object.
---@param f function
---@param ... any
---@return moonpool.Error
function M.refusal(f, ...)
  local ok, e = pcall(f, ...)
  assert(not ok, "an error was expected")
  assert(type(e) == "table" and e.kind, "an error object was expected, got " .. tostring(e))
  return e
end

return M
