--- Both properties on schemas nobody prepared: any SQL files, any dumps. From the project's folder,
---   MOONPOOL_SCHEMA_FILES=FOLDER build/moonpool dev run -- tests/support/specs _pgspec tests/lua/schema/again
--- tries each .sql file of a folder as a test (files_pgspec), and
---   build/moonpool dev run -- luajit tests/lua/schema/files.lua FILE...
--- tells one line a file; `@NAME` is a database of the server that is there already.

local in_program = arg and arg[0] and arg[0]:find "files%.lua$" and not package.loaded.busted
if in_program then
  local root = arg[0]:match "^(.*)/tests/lua/schema/files%.lua$" or "."
  package.path = ("%s/lua/?.lua;%s/lua/?/init.lua;%s/?.lua;%s"):format(root, root, root, package.path)
end

local closure = require "tests.lua.schema.closure"
local schema = require "moonpool.schema"

local M = {}

--- What is made of the facts of the database itself, before any reload, says the same: PostgreSQL's texts may differ,
--- their meaning may not.
---@param database string
---@return string?
function M.check_at_once(database)
  local facts, made = closure.makeable(closure.facts(database)), database .. "_once"
  closure.load(made, facts)
  local ok, result = pcall(function()
    local difference = schema.compare(closure.handle(made), facts, closure.facts(made))
    return not difference:is_empty() and difference:format() or nil
  end)
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

-- Most schemas are the same at once, down to the byte, and need no more. With others PostgreSQL's own texts change, and
-- what pg_dump makes of some cannot be loaded at all: what is made of the facts says the same for all that.
local function closed(database)
  local ok, same = pcall(closure.is_same_at_once, database)
  if ok and same then return nil end
  local at_once
  ok, at_once = pcall(M.check_at_once, database)
  if not ok or at_once then return "at once: " .. tostring(at_once) end
  return closure.check(database)
end

M.checks = {
  { "again", closed }, { "schema file", closure.check_file }, { "snapshot", snapshot }, { "texts", texts },
}

--- Tries a database as it is. Gives what is wrong, a line each.
---@param database string
---@return string[]
function M.try_all(database)
  local wrong = {}
  for _, check in ipairs(M.checks) do
    local ok, why = pcall(check[2], database)
    if not ok or why then wrong[#wrong + 1] = ("%s: %s"):format(check[1], tostring(why)) end
  end
  if #wrong > 0 then
    for _, suffix in ipairs { "_quick", "_base", "_made", "_once" } do pcall(closure.drop, database .. suffix) end
  end
  return wrong
end

-- What pg_dump writes of some databases cannot be loaded either (an option that a validator of later days refuses).
-- Gives what is left of such a one after a reload, and what was refused.
local function reload(database)
  local again = database .. "_sound"
  closure.fresh(again):close "1s"
  local out = closure.psql(again, closure.dump(database), true)
  return again, out:match "ERROR:[^\n]*"
end

--- Tries a database. Gives what is wrong, a line each, and why it was tried after a reload if it was.
---@param database string
---@return string[]
---@return string?
function M.try(database)
  local wrong = M.try_all(database)
  if #wrong == 0 or not closure.can_dump() then return wrong end
  local again, refused = reload(database)
  if refused then wrong = M.try_all(again) end
  closure.drop(again)
  return wrong, refused
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
