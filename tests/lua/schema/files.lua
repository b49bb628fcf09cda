--- Both properties on schemas nobody prepared: any SQL files, any dumps. From the project's folder,
---   MOONPOOL_SCHEMA_FILES=FOLDER build/moonpool dev run -- tests/support/specs _pgspec tests/lua/schema
--- tries each .sql file of a folder as a test (files_pgspec), and
---   build/moonpool dev run -- luajit tests/lua/schema/files.lua FILE...
--- tells one line a file; `@NAME` is a database of the server that is there already.

local in_program = arg and arg[0] and arg[0]:find "files%.lua$" and not package.loaded.busted
if in_program then
  local root = arg[0]:match "^(.*)/tests/lua/schema/files%.lua$" or "."
  package.path = ("%s/lua/?.lua;%s/lua/?/init.lua;%s/?.lua;%s"):format(root, root, root, package.path)
end

local closure = require "tests.lua.schema.closure"
local moonpool = require "moonpool"
local schema = require "moonpool.schema"

local M = {}

--- What is made of the facts of the database itself, before any reload, says the same: PostgreSQL's texts may differ,
--- their meaning may not.
---@param database string
---@return string?
function M.check_at_once(database)
  local facts, made = closure.makeable(closure.facts(database)), database .. "_once"
  closure.load(made, facts)
  local db = moonpool.connect { primary = closure.conninfo(made), pool = { max = 1 } }
  local ok, result = pcall(function()
    local difference = schema.compare(db, facts, schema.introspect(db, { secrets = true }))
    return not difference:is_empty() and difference:format() or nil
  end)
  db:close "1s"
  closure.drop(made)
  if not ok then error(result, 0) end
  return result
end

local function snapshot(database)
  local facts = closure.facts(database)
  local again = schema.from_json(facts:to_json(), "snapshot")
  if not schema.diff(facts, again):is_empty() then return schema.diff(facts, again):format() end
  -- A snapshot holds no warnings, which head the script.
  local function script(set) return (set:to_sql():gsub("%-%- Warning: [^\n]*\n", "")) end
  if script(facts) ~= script(again) then return "another script is made of it" end
end

local function texts(database)
  local facts = closure.facts(database)
  if #facts:of_kind "index" + #facts:of_kind "constraint" == 0 then return nil end
  return closure.texts_that_differ(database)[1]
end

M.checks = {
  { "at once", M.check_at_once }, { "P1 and P2", closure.check }, { "schema file", closure.check_file },
  { "snapshot", snapshot }, { "texts", texts },
}

-- What pg_dump writes of some databases cannot be loaded either (an option that a validator of later days refuses):
-- of those, what is left after a reload is tried.
local function sound(database)
  if not closure.can_dump() then return database end
  local again = database .. "_sound"
  closure.fresh(again):close "1s"
  local out = closure.psql(again, closure.dump(database), true)
  if out:find "ERROR:" then return again, out:match "ERROR:[^\n]*" end
  closure.drop(again)
  return database
end

--- Tries a database. Gives what is wrong, a line each, and why it was tried after a reload if it was.
---@param database string
---@return string[]
---@return string?
function M.try(database)
  local wrong, whole = {}, database
  local why_not
  database, why_not = sound(whole)
  for _, check in ipairs(M.checks) do
    local ok, why = pcall(check[2], database)
    if not ok or why then
      wrong[#wrong + 1] = ("%s: %s"):format(check[1], tostring(why))
      for _, suffix in ipairs { "_base", "_made", "_once" } do pcall(closure.drop, database .. suffix) end
    end
  end
  if database ~= whole then closure.drop(database) end
  return wrong, why_not
end

--- Loads what the server takes of a file into a database of its own. Statements it refuses are left out: a file may
--- need extensions, roles and data that are not there.
---@param path string
---@return string database
---@return integer refused
function M.load(path)
  local name = path:match "([^/]+)$":gsub("%.sql$", ""):lower():gsub("[^%w]", "_"):sub(1, 40)
  local database = "files_" .. name
  closure.fresh(database):close "1s"
  local out = closure.psql(database, closure.read_file(path), true)
  local _, refused = out:gsub("ERROR:", "")
  return database, refused
end

--- The .sql files of a folder, in order.
---@param folder string
---@return string[]
function M.list(folder)
  local pipe, out = assert(io.popen(("ls -d '%s'/*.sql"):format((folder:gsub("'", "'\\''"))))), {}
  for path in pipe:lines() do out[#out + 1] = path end
  pipe:close()
  return out
end

local function main(args)
  local failed = 0
  closure.make_roles()
  for _, path in ipairs(args) do
    local there = path:match "^@(.+)$"
    local database, refused = there, 0
    if not there then database, refused = M.load(path) end
    local facts = closure.facts(database)
    local wrong, reloaded = M.try(database)
    print(("%s: %d facts, %d statements refused, %d unknown: %s"):format(path, facts:count(), refused, #facts.warnings,
      #wrong == 0 and "ok" or "WRONG"))
    for _, text in ipairs(wrong) do print("  " .. text:sub(1, 2000):gsub("\n", "\n  ")) end
    if reloaded then print("  after a reload, because pg_dump's own text is refused: " .. reloaded) end
    for i, warning in ipairs(facts.warnings) do
      if i <= 5 then print("  warning: " .. warning) end
    end
    io.stdout:flush()
    if not there then closure.drop(database) end
    failed = failed + (#wrong > 0 and 1 or 0)
  end
  closure.admin():close "1s"
  os.exit(failed == 0 and 0 or 1)
end

if in_program then main(arg) end

return M
