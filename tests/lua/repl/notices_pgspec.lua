-- What the server says beside its answers, in the shell, in scripts, in migrations.

local database = require "database"
local folders = require "folder"
local program = require "program"

local function raising(level, text, more)
  return ("do $$ begin raise %s '%s'%s; end $$"):format(level, text, more or "")
end

-- Both streams in the order in which they were written.
local function together(words, input)
  local name = os.tmpname()
  local file = assert(io.open(name, "wb"))
  file:write(input or "")
  file:close()
  local pipe = io.popen(("env -u MOONPOOL_LUA %s --no-env-file %s <%s 2>&1"):format(program.path(), words, name))
  local text = pipe:read "*a"
  pipe:close()
  os.remove(name)
  return text
end

local function eventually(what)
  local deadline = os.time() + 60
  repeat
    local value = what()
    if value then return value end
    os.execute "sleep 0.05"
  until os.time() > deadline
  return nil
end

describe("a notice of the server", function()
  it("is told on stderr as psql tells it, results on stdout", function()
    local ran = program.run({}, { input = raising("warning", "careful", " using detail = 'why', hint = 'what'")
      .. ";\ndrop table if exists never_there;\n" })
    assert.equal("DO\nDROP TABLE\n", ran.out)
    assert.equal('WARNING:  careful\nDETAIL:  why\nHINT:  what\n'
      .. 'NOTICE:  table "never_there" does not exist, skipping\n', ran.err)
    assert.equal(0, ran.code)
  end)

  it("stands where it happened: SQL, Lua, transactions, COMMIT", function()
    assert.equal([[
DO
BEGIN
NOTICE:  in a transaction
DO
COMMIT
NOTICE:  by Lua
0
WARNING:  there is no transaction in progress
ROLLBACK
]], together("", table.concat({ raising("debug", "not asked for"), "begin", raising("notice", "in a transaction"),
      "commit" }, ";\n") .. ';\ndb:exec "' .. raising("notice", "by Lua") .. '"\nrollback;\n'))
  end)

  it("comes while the statement goes on", function()
    local db = database.connect()
    local lock = db:session { pinned = true }
    lock:query "select pg_advisory_lock(7412)"
    local said = os.tmpname()
    os.execute(("env -u MOONPOOL_LUA timeout 100 %s --no-env-file -c \"%s\" >%s 2>&1 &"):format(program.path(),
      "do \\$\\$ begin raise notice 'on its way'; perform pg_advisory_lock(7412); end \\$\\$", said))
    local function text()
      local file = io.open(said)
      local all = file:read "*a"
      file:close()
      return all
    end
    local first = eventually(function() return text():find "on its way" and text() end)
    lock:query "select pg_advisory_unlock(7412)"
    assert.equal("NOTICE:  on its way\n", first)
    assert.is_truthy(eventually(function() return text() == "NOTICE:  on its way\nDO\n" end))
    os.remove(said)
    lock:release()
    db:close()
  end)

  it("is chosen by client_min_messages", function()
    local ran = program.run({ "-c", "set client_min_messages = error; " .. raising("warning", "unheard") })
    assert.equal("", ran.err)
    ran = program.run({ "-c", "set client_min_messages = debug1; " .. raising("debug", "heard") })
    assert.equal("DEBUG:  heard\n", ran.err)
  end)

  it("does not steer the terminal", function()
    local ran = program.run { "-c", raising("notice", "%", ", E'a\\x1b[2J\\u0085b\\tc'") }
    assert.equal("NOTICE:  a?[2J?b\tc\n", ran.err)
  end)

  it("does not disturb a document", function()
    local ran = program.run { "--json", "-c", raising("notice", "beside") }
    assert.equal("NOTICE:  beside\n", ran.err)
    assert.matches('^{"schema_version":1,"results":%[{"tag":"DO"', ran.out)
  end)

  it("is told of scripts, until one of them takes it", function()
    local folder = folders.new { ["say.lua"] = [[
      local db = require "moonpool".connect()
      local function say(what) db:exec("do $$ begin raise notice '" .. what .. "'; end $$") end
      say "first"
      local taking = db:on("notice", function(e) print(e.severity, e.message, e.sqlstate) end)
      say "second"
      db:transaction(function(tx) tx:script "create temp table if not exists a (); create temp table if not exists a ()" end)
      taking:stop()
    ]] }
    local ran = program.run { "run", folder.path .. "/say.lua" }
    folder:delete()
    assert.equal("NOTICE:  first\n", ran.err)
    assert.equal('NOTICE\tsecond\t00000\nNOTICE\trelation "a" already exists, skipping\t42P07\n', ran.out)
  end)

  it("of a migration stands under its line", function()
    local folder = folders.new {
      ["1_one.up.sql"] = "do $$ begin raise notice E'one\\nmore' using hint = 'so'; end $$",
      ["2_two.lua"] = [[return { up = function(m) m:exec "drop table if exists never_there" end }]],
      ["3_three.up.sql"] = "do $$ begin raise notice 'before it failed'; perform 1/0; end $$",
    }
    local text = together("migrate up --dir " .. folder.path)
    folder:delete()
    program.run({}, { input = "drop table schema_migrations;" })
    assert.matches("^applied  1_one  %d+ ms\n  NOTICE:  one\n    more\n  HINT:  so\n"
      .. 'applied  2_two  %d+ ms\n  NOTICE:  table "never_there" does not exist, skipping\n'
      .. "  NOTICE:  before it failed\n", text)
    assert.matches("division by zero", text)
  end)
end)
