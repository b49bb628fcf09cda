-- SQL of somebody's own in a schema file, as far as it is judged before any server is asked.

local m = require "moonpool.schema"

local HEAD = 'local m = require "moonpool.schema"\n'

local function refusal(body, options)
  local ok, failure = pcall(m.load, HEAD .. body, "s.lua", options)
  assert.is_false(ok)
  return tostring(failure)
end

local function has(text, part)
  assert.is_truthy(text:find(part, 1, true), text)
end

local function of(text) return 'return { m.table "t" { m.int "a" }, m.sql [==[' .. text .. "]==] }" end

-- The statements of a schema file, each by its first words.
local function order(body)
  local out = {}
  for _, item in ipairs(require "moonpool.schema.emitter".new(m.load(HEAD .. body, "s.lua")):statements()) do
    out[#out + 1] = item.sql:match "^%u+ %u+ (%S+)" or item.sql
  end
  return table.concat(out, " ")
end

describe("SQL in a schema file", function()
  it("stands in the order where it is written", function()
    assert.matches("public.b first public.v second$", order [[return {
      m.table "b" { m.int "id" },
      m.sql "first",
      m.view "v" "select 1",
      m.sql "second" }]])
  end)

  it("gives way to what is needed, and to what is asked for", function()
    local body = [[return {
      m.view "v" "select id from z",
      m.sql "one" %s,
      m.table "a" { m.int "id" },
      m.table "z" { m.int "id" } } ]]
    assert.matches("public.z public.v one public.a", order(body:format ""))
    assert.matches("one public.a public.z public.v", order(body:format ':before "z"'))
    assert.matches("public.a public.z public.v one", order(body:format ':after "a"'))
    assert.matches("public.z public.v one", order(body:format ':after "table:public.z"'))
    has(refusal((body:gsub('"z"', '"zebra"'):format ':after "zebar"')),
      's.lua:4: nothing in this file is called "zebar" (did you mean "zebra"?)')
    has(refusal(body:format ':after()'), "s.lua:4: after takes the names of what the file declares")
    has(refusal(body:format ':before(1)'), "s.lua:4: before takes names as text, got a number")
    assert.error_matches(function() order(body:format ':after "v" :before "z"') end, "goes in circles: s.lua:")
  end)

  it("ends no transaction and is in one", function()
    has(refusal(of "create table t (a int);\ncommit"),
      "s.lua:3: each sql of a schema file is one transaction already: leave COMMIT out")
    has(refusal(of "begin; create table t (a int); end"), "s.lua:2: each sql of a schema file is one transaction already: "
      .. "leave BEGIN out")
    has(refusal(of "prepare transaction 'x'"), "leave PREPARE out")
    has(refusal(of "create unique index /* ! */ concurrently on t (a)"), "s.lua:2: CONCURRENTLY cannot be had")
    has(refusal(of "drop index concurrently x"), "CONCURRENTLY cannot be had")
    assert.is_truthy(m.load(HEAD .. of("create function f() returns int begin atomic select 1; end; "
      .. "comment on table t is 'commit; concurrently'"), "s.lua"))
  end)

  it("makes what a schema has", function()
    for text, why in pairs {
      ["\ninsert into t values (1)"] = "s.lua:3: INSERT writes rows, and rows are no part of a schema",
      ["copy t from stdin;\n1\n\\.\n"] = "COPY writes rows", ["truncate t"] = "TRUNCATE writes rows",
      ["vacuum full"] = "VACUUM makes nothing", ["listen x"] = "LISTEN makes nothing",
      ["-- nothing\n;"] = "s.lua:2: there is no SQL in it", [""] = "s.lua:2: there is no SQL in it",
      ["create view v as select 1;\n\\connect other"] = "s.lua:3: \\connect is a command of psql",
      ["\nselect 1;\ncreate table t (a text default 'x)"] = "s.lua:4: a string without an end",
    } do has(refusal(of(text)), why) end
    assert.is_truthy(m.load(HEAD .. of "\\restrict abc\nselect 1;\n\\unrestrict abc", "s.lua"))
  end)

  it("leaves the server alone", function()
    for text, why in pairs {
      ["create role sql_spec_role"] = "s.lua:2: CREATE ROLE is about the server",
      ["create database sql_spec"] = "CREATE DATABASE is about the server",
      ["grant sink_alice to sink_bob"] = "GRANT of a role is about the server",
      ["reassign owned by a to b"] = "REASSIGN OWNED is about the server",
      ["alter system set work_mem = 1"] = "ALTER SYSTEM is about the server",
      ["comment on database x is 'y'"] = "is about the server",
      ["grant connect on database x to y"] = "GRANT ON DATABASE is about the server",
      ["create subscription s connection '' publication p"] = "declare it by m.subscription",
    } do has(refusal(of(text)), why) end
    for _, text in ipairs { "grant select on t to x", "grant select, insert (a) on all tables in schema s to x",
      "create user mapping for x server s", "alter user mapping for x server s options (a 'b')",
      'grant "on" on t to x', "comment on table t is 'role'", "drop table t", "revoke all on function f() from public" } do
      assert.is_truthy(m.load(HEAD .. of(text), "s.lua"))
    end
  end)

  it("stands by itself", function()
    has(refusal 'return { m.table "t" {\n m.sql "create table u ()" } }', "s.lua:3: sql stands by itself, beside the table")
    has(refusal 'return { m.table "t" {\nm.text "a" :default(m.sql "now()" :after "x") } }',
      "s.lua:3: sql with before or after stands by itself")
    has(refusal 'return { m.table "t" { m.text "a" :default(m.sql_file "x.sql") } }', "s.lua:2: sql_file stands by itself")
    has(refusal 'return {\nm.sql(nil) }', "s.lua:3: sql takes text, got a nil")
    local wish = m.load(HEAD .. 'return { m.sql "create table u ()" }', "s.lua")
    assert.error_matches(function() wish:to_lua() end, "schema.elaborate")
    assert.error_matches(function() wish:to_json() end, "schema.elaborate")
    assert.matches("create table u %(%);", wish:to_sql())
  end)

  it("may lie in a file below the schema file's folder, which somebody else has to read", function()
    for _, path in ipairs { "/etc/passwd", "../x.sql", "a/../../x.sql", "a\\..\\..\\x.sql", "c:/x" } do
      has(refusal(("return { m.sql_file %q }"):format(path)), "s.lua:2: sql_file takes a path below")
    end
    has(refusal 'return { m.sql_file "x.sql" }', "s.lua:2: sql_file needs to be told how files are read")
    local asked
    local wish = m.load(HEAD .. 'return { m.sql_file "x/y.sql" }', "db/s.lua", {
      read = function(path)
        asked = path
        return "create table t ()"
      end,
    })
    assert.equal("db/x/y.sql", asked)
    assert.matches("create table t %(%);", wish:to_sql())
    local ok, failure = pcall(m.load, HEAD .. 'return { m.sql_file "y.sql" }', "db/s.lua", {
      read = function() return "create table t ();\ncommit" end,
    })
    assert.is_false(ok)
    has(failure, "db/y.sql:2: each sql of a schema file is one transaction already")
  end)
end)
