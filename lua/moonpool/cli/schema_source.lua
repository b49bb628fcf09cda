--- What `moonpool schema` reads: a database, a schema file in Lua, an SQL file or dump, a snapshot.

local connect = require "moonpool.cli.connect"
local errors = require "moonpool.core.error"
local handles = require "moonpool.core.handle"
local schema = require "moonpool.schema"

local M = {}

local function is_dsn(text)
  return text:find "^postgres%a*://" ~= nil or text:find "^%s*%l[%w_]*%s*=" ~= nil
end

local function using(db, f)
  local ok, result = pcall(f, db)
  pcall(db.close, db, "1s")
  if not ok then error(result, 0) end
  return result
end

local function read_options(opts)
  return { strict = opts.strict, secrets = opts.secrets, cluster = opts.cluster, scratch = opts.scratch }
end

-- The server that was named: for scratch databases, as the database itself, as one of the sources.
local function named_server(opts)
  if opts.scratch or opts.dsn then return opts.scratch or opts.dsn end
  for _, word in ipairs(opts.args or {}) do
    if is_dsn(word) then return word end
  end
end

--- Calls `f` with a handle of a server on which scratch databases may be made; nothing if none was named.
---@param opts moonpool.cli.SchemaOptions
---@param f fun(db: moonpool.Handle): any
---@return any
function M.with_server(opts, f)
  local dsn = named_server(opts)
  if not dsn and (os.getenv "MOONPOOL_DSN" or os.getenv "DATABASE_URL" or os.getenv "MOONPOOL_PRIMARY") == nil then
    return nil
  end
  return using(dsn and handles.connect(dsn) or connect.open(opts), f)
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function read_file(path)
  if path == "-" then return io.read "*a" end
  local file, failure = io.open(path, "rb")
  if not file then
    errors.misuse("cannot read %s (a source is a DSN, a schema file, an SQL file or a snapshot)", failure)
  end
  local text, why = file:read "*a"
  file:close()
  if not text and exists(path .. "/toc.dat") then
    errors.misuse("%s is a dump in pg_dump's directory format, and no SQL: pg_restore -f - %s writes the SQL in it",
      path, path)
  end
  if not text then errors.misuse("cannot read %s: %s", path, tostring(why)) end
  return text
end

-- What a schema file takes in from its folder.
local function read_beside(path)
  local file, failure = io.open(path, "rb")
  local text, why
  if file then
    text, why = file:read "*a"
    file:close()
  end
  if not text then error(("cannot read %s"):format(failure or path .. ": " .. tostring(why)), 0) end
  return text
end

--- The facts of a source.
---@param source string|nil  a DSN, a file, `-` for stdin; nil is the database the options and the environment name
---@param opts moonpool.cli.SchemaOptions
---@return moonpool.schema.FactSet
function M.facts(source, opts)
  local options = read_options(opts)
  if not source then
    return using(connect.open(opts), function(db) return schema.introspect(db, options) end)
  end
  if is_dsn(source) and not exists(source) then
    return using(handles.connect(source), function(db) return schema.introspect(db, options) end)
  end
  local text, name = read_file(source), source == "-" and "stdin" or source
  if schema.is_snapshot(text) then return schema.from_json(text, name) end
  if source:find "%.json$" then errors.misuse("%s is no snapshot: `moonpool schema dump --json` writes one", name) end
  local is_lua = source:find "%.lua$" ~= nil
  local wish = is_lua and schema.load(text, name, { read = read_beside })
  local dsn = named_server(opts)
  return using(dsn and handles.connect(dsn) or connect.open(opts), function(db)
    if is_lua then return schema.elaborate(db, wish, options) end
    return schema.elaborate_sql(db, text, name, options)
  end)
end

--- The part of a set that the options ask for.
---@param set moonpool.schema.FactSet
---@param opts moonpool.cli.SchemaOptions
---@return moonpool.schema.FactSet
function M.within(set, opts)
  return schema.within(set, { schemas = opts.schema, exclude_schemas = opts.exclude_schema })
end

return M
