--- `moonpool schema dump | diff | diagram`. Results go to stdout, talk to stderr; each command answers with its exit
--- code.

local handles = require "moonpool.core.handle"
local schema = require "moonpool.schema"
local suggest = require "moonpool.core.suggest"

local M = {}

local OK, FAILURE, USAGE, UNREACHABLE, DRIFT = 0, 1, 2, 3, 11

---@class moonpool.cli.SchemaOptions
---@field db? moonpool.Handle  the database; else `dsn`
---@field dsn? string
---@field format? string
---@field schemas? string[]
---@field exclude_schemas? string[]
---@field scratch? string  conninfo of a server for scratch databases
---@field strict? boolean
---@field secrets? boolean
---@field owners? boolean
---@field privileges? boolean
---@field comments? boolean
---@field json? boolean
---@field out? file*  instead of stdout
---@field talk? file*  instead of stderr

local function say(options, text)
  (options.talk or io.stderr):write("moonpool: ", text, "\n")
end

local function put(options, text)
  (options.out or io.stdout):write(text)
end

local function message_of(failure)
  return tostring(failure)
end

-- Runs a command; what it raises becomes a line on stderr and an exit code.
local function guarded(options, f)
  local ok, code = pcall(f)
  if ok then return code end
  if type(code) == "table" and code.usage then
    say(options, code.usage)
    return USAGE
  end
  say(options, message_of(code))
  local kind = type(code) == "table" and code.kind
  return (kind == "connection" or kind == "no_healthy_node" or kind == "pool_timeout") and UNREACHABLE or FAILURE
end

local function usage(text, ...)
  error({ usage = text:format(...) }, 0)
end

local function choose(what, value, known)
  for _, name in ipairs(known) do
    if value == name then return value end
  end
  usage("%s is one of %s, got %s%s", what, table.concat(known, ", "), tostring(value), suggest.hint(value, known))
end

-- Two sources may have the same to say.
local function warn(options, ...)
  local said = {}
  for _, set in ipairs { ... } do
    for _, warning in ipairs(set.warnings) do
      if not said[warning] then say(options, "warning: " .. warning) end
      said[warning] = true
    end
  end
end

-- The handle the options give, or a connection of our own, and whether it is ours to close.
local function open(options)
  if options.db then return options.db, false end
  return handles.connect(options.dsn), true
end

local function with_database(options, f)
  local db, own = open(options)
  local ok, result = pcall(f, db)
  if own then db:close "1s" end
  if not ok then error(result, 0) end
  return result
end

local function read_file(path)
  local file, failure = io.open(path, "rb")
  if not file then usage("cannot read %s", failure) end
  local text = file:read "*a"
  file:close()
  return text
end

local function is_dsn(text)
  return text:find "^postgres%a*://" ~= nil or text:find "^%s*%l[%w_]*%s*=" ~= nil
end

-- A server on which files can be read: the one asked for, else that of the other side, else the one given.
local function server_for(options, other)
  if options.db then return options.db, false end
  local dsn = options.dsn or is_dsn(other or "") and other or options.scratch
  return handles.connect(dsn), true
end

--- The facts of a source: a DSN, a snapshot, a schema file (.lua), an SQL file or dump.
---@param source string
---@param options moonpool.cli.SchemaOptions
---@param other? string  the source it is compared with
---@return moonpool.schema.FactSet
local function facts_of(source, options, other)
  if is_dsn(source) then
    return with_database({ dsn = source }, function(db) return schema.introspect(db, options) end)
  end
  local text = read_file(source)
  if text:find '^%s*{"moonpool_schema":' then return schema.from_json(text, source) end
  local db, own = server_for(options, other)
  local ok, set = pcall(function()
    if source:find "%.lua$" then return schema.elaborate(db, schema.load(text, source), options) end
    return schema.elaborate_sql(db, text, source, options)
  end)
  if own then db:close "1s" end
  if not ok then error(set, 0) end
  return set
end

--- Prints the whole schema: as SQL that recreates it, as a schema file in Lua, or as a snapshot.
---@param options moonpool.cli.SchemaOptions  format: sql (default), lua, json; source: a file instead of the database
---@return integer exit_code
function M.dump(options)
  return guarded(options, function()
    local format = choose("the format", options.format or "sql", { "sql", "lua", "json" })
    local set
    if options.source then
      set = facts_of(options.source, options)
    else
      set = with_database(options, function(db) return schema.introspect(db, options) end)
    end
    warn(options, set)
    if format == "lua" then
      put(options, set:to_lua())
    elseif format == "json" then
      put(options, set:to_json())
    else
      put(options, set:to_sql(options))
    end
    return OK
  end)
end

--- Prints what has to happen to the first to make it the second. Exit code 0: nothing, 11: something.
---@param a string  a DSN, a snapshot, a schema file, an SQL file
---@param b string
---@param options? moonpool.cli.SchemaOptions
---@return integer exit_code
function M.diff(a, b, options)
  options = options or {}
  return guarded(options, function()
    if type(a) ~= "string" or type(b) ~= "string" then
      usage "diff takes two sources: a DSN, a snapshot, a schema file (.lua) or an SQL file"
    end
    local left, right = facts_of(a, options, b), facts_of(b, options, a)
    warn(options, left, right)
    local changes = schema.diff(left, right, options)
    -- Texts that differ may still mean the same; that takes a server to tell.
    local server = options.db or options.dsn or options.scratch or is_dsn(a) and a or is_dsn(b) and b
    if not changes:is_empty() and server then
      local db, own = server_for(options, is_dsn(a) and a or b)
      local ok, settled = pcall(schema.compare, db, left, right, options)
      if own then db:close "1s" end
      if not ok then error(settled, 0) end
      changes = settled
    end
    put(options, (options.json or options.format == "json") and changes:to_json() .. "\n" or changes:format())
    local moved = schema.layout(left, right)
    for _, id in ipairs(moved) do say(options, "the columns stand in another order: " .. id) end
    return changes:is_empty() and OK or DRIFT
  end)
end

local function svg(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local pipe = io.popen("dot -Tsvg " .. path .. " 2>/dev/null")
  local picture = pipe and pipe:read "*a" or ""
  if pipe then pipe:close() end
  os.remove(path)
  if not picture:find "<svg" then
    usage "svg is drawn by dot, which was not found: install graphviz, or take --format dot or mermaid"
  end
  return picture
end

--- Prints a picture of the tables, their keys and references.
---@param options moonpool.cli.SchemaOptions  format: dot (default), mermaid, svg; source: a file to draw instead
---@return integer exit_code
function M.diagram(options)
  return guarded(options, function()
    local format = choose("the format", options.format or "dot", { "dot", "mermaid", "svg" })
    local set
    if options.source then
      set = facts_of(options.source, options)
    else
      set = with_database(options, function(db) return schema.introspect(db, options) end)
    end
    if format == "mermaid" then
      put(options, schema.diagram.mermaid(set))
    else
      local text = schema.diagram.dot(set)
      put(options, format == "svg" and svg(text) or text)
    end
    return OK
  end)
end

return M
