--- `moonpool schema dump | diff | check | diagram`. Results on stdout, talk on stderr; the exit code is returned.

local errors = require "moonpool.core.error"
local exit = require "moonpool.cli.exit"
local json = require "moonpool.schema.json"
local schema = require "moonpool.schema"
local sources = require "moonpool.cli.schema_source"
local suggest = require "moonpool.core.suggest"

local M = {}

---@class moonpool.cli.SchemaOptions
---@field action "dump"|"diff"|"check"|"diagram"
---@field args string[]|nil  the words behind it: sources
---@field dsn string|nil
---@field format string|nil
---@field json boolean|nil
---@field output string|nil  a file instead of stdout
---@field schema string[]|nil  only these schemas
---@field exclude_schema string[]|nil
---@field scratch string|nil  a server for scratch databases
---@field strict boolean|nil  what is not modelled is an error
---@field secrets boolean|nil  passwords and connection strings too
---@field cluster boolean|nil  roles, memberships, tablespaces too
---@field no_owners boolean|nil
---@field no_privileges boolean|nil
---@field no_comments boolean|nil

local function talk(line) io.stderr:write(line, "\n") end

local function choose(value, known)
  for _, name in ipairs(known) do
    if value == name then return value end
  end
  errors.misuse("--format takes %s, not '%s'%s", table.concat(known, ", "), tostring(value),
    suggest.hint(value, known))
end

-- A file is replaced whole or not at all.
local function put(opts, text)
  if not opts.output then
    io.stdout:write(text)
    return
  end
  local beside = opts.output .. ".part"
  local file, failure = io.open(beside, "wb")
  if not file then errors.misuse("cannot write %s", failure) end
  local ok, why = file:write(text)
  local closed, late = file:close()
  if ok and closed then ok, why = os.rename(beside, opts.output) end
  if not ok or not closed then
    os.remove(beside)
    error(("cannot write %s: %s"):format(opts.output, tostring(why or late)), 0)
  end
end

-- Two sources may have the same to say.
local function warn(...)
  local said = {}
  for _, set in ipairs { ... } do
    for _, warning in ipairs(set.warnings) do
      if not said[warning] then talk("warning: " .. warning) end
      said[warning] = true
    end
  end
end

-- A schema that is asked for by name is there.
local function require_schemas(set, opts)
  for _, list in ipairs { opts.schema or {}, opts.exclude_schema or {} } do
    for _, name in ipairs(list) do
      if not set:get(schema.id("schema", name)) then
        local known = {}
        for i, fact in ipairs(set:of_kind "schema") do known[i] = fact.name end
        errors.misuse("there is no schema '%s'%s", name, suggest.hint(name, known))
      end
    end
  end
end

local function one_source(opts)
  local args = opts.args or {}
  if #args > 1 then errors.misuse("%s takes one source, got %d", opts.action, #args) end
  local set = sources.facts(args[1], opts)
  require_schemas(set, opts)
  warn(set)
  return sources.within(set, opts)
end

local function emit_options(opts)
  return { owners = not opts.no_owners, privileges = not opts.no_privileges, comments = not opts.no_comments }
end

local commands = {}

function commands.dump(opts)
  local format = choose(opts.format or opts.json and "json" or "sql", { "sql", "lua", "json" })
  if opts.json and format ~= "json" then errors.misuse("--json and --format %s do not go together", format) end
  local set = one_source(opts)
  if format == "sql" then
    put(opts, set:to_sql(emit_options(opts)))
  else
    set = schema.without(set, emit_options(opts))
    put(opts, format == "lua" and set:to_lua() or set:to_json())
  end
  return exit.OK
end

-- Texts that differ may still mean the same; that takes a server to tell. Without one they count as different.
local function settled(a, b, opts, options)
  local left, right = sources.within(a, opts), sources.within(b, opts)
  local changes = schema.diff(left, right, options)
  if changes:is_empty() then return changes end
  local ok, result = pcall(sources.with_server, opts, function(db) return schema.compare(db, a, b, options) end)
  if not ok then
    talk("warning: what differs in its text alone was not looked into: " .. exit.text(result))
    return changes
  end
  if not result then return changes end
  return result:filter(function(id) return left:get(id) ~= nil or right:get(id) ~= nil end)
end

function commands.diff(opts)
  local args = opts.args or {}
  if #args ~= 2 then
    errors.misuse("diff takes two sources, got %d: each is a DSN, a schema file (.lua), an SQL file or a snapshot",
      #args)
  end
  local a, b = sources.facts(args[1], opts), sources.facts(args[2], opts)
  warn(a, b)
  local options = emit_options(opts)
  options.scratch = opts.scratch
  local changes = settled(a, b, opts, options)
  local moved = schema.layout(sources.within(a, opts), sources.within(b, opts))
  put(opts, opts.json and changes:to_json { layout = moved } .. "\n" or changes:format())
  for _, id in ipairs(moved) do talk("the columns stand in another order: " .. id) end
  return changes:is_empty() and exit.OK or exit.DRIFT
end

-- One line a form, and below it what is different; or one document.
function commands.check(opts)
  local set = one_source(opts)
  local results = sources.with_server(opts, function(db)
    return schema.check(db, set, { scratch = opts.scratch, secrets = opts.secrets })
  end)
  if not results then
    errors.misuse "check makes the schema again on a server: name one with --dsn, --scratch or the environment"
  end
  local same, lines, forms = true, { ("%d facts"):format(set:count()) }, {}
  for i, result in ipairs(results) do
    same = same and result.same
    local why = result.failure and exit.text(result.failure) or not result.same and result.diff:format() or nil
    lines[#lines + 1] = ("as a %s: %s"):format(result.form, result.same and "the same" or result.failure
      and "cannot be made again" or "different")
    if why then lines[#lines + 1] = "  " .. why:gsub("%s+$", ""):gsub("\n", "\n  ") end
    forms[i] = ('{"form":%s,"same":%s,"why":%s}'):format(json.encode(result.form), tostring(result.same),
      why and json.encode(why) or "null")
  end
  put(opts, opts.json and ('{"facts":%d,"forms":[%s],"same":%s,"schema_version":1}\n'):format(set:count(),
    table.concat(forms, ","), tostring(same)) or table.concat(lines, "\n") .. "\n")
  return same and exit.OK or exit.DRIFT
end

-- Graphviz draws; it is not needed for anything else.
local function svg(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local pipe = io.popen("dot -Tsvg " .. path .. " 2>/dev/null")
  local picture = pipe and pipe:read "*a" or ""
  if pipe then pipe:close() end
  os.remove(path)
  if picture:find "<svg" then return picture end
  error("svg is drawn by Graphviz's `dot`, which did not answer: install graphviz, or take --format dot or mermaid", 0)
end

function commands.diagram(opts)
  if opts.json then errors.misuse "a diagram has no JSON form; `moonpool schema dump --json` tells the same" end
  local format = choose(opts.format or "dot", { "dot", "mermaid", "svg" })
  local set = one_source(opts)
  if format == "mermaid" then
    put(opts, schema.diagram.mermaid(set))
  else
    local text = schema.diagram.dot(set)
    put(opts, format == "svg" and svg(text) or text)
  end
  return exit.OK
end

local function run(opts)
  local command = commands[opts.action]
  if not command then
    errors.misuse("schema has no action %s; it has dump, diff, check, diagram", tostring(opts.action))
  end
  return command(opts)
end

---Runs the subcommand.
---@param opts moonpool.cli.SchemaOptions
---@return integer exit code
function M.run(opts)
  local ok, result = pcall(run, opts)
  if ok then return result end
  local text = exit.text(result)
  talk(text)
  if opts.json then
    local kind = errors.is_error(result) and result.kind or "script"
    io.stdout:write(('{"error":{"kind":%s,"message":%s},"schema_version":1}\n')
      :format(json.encode(kind), json.encode(text)))
  end
  return exit.code(result)
end

return M
