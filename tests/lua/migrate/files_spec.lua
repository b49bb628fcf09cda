local database = require "database"
local files = require "moonpool.migrate.files"
local folders = require "folder"
local scripts = require "moonpool.migrate.script"

local refusal = database.refusal

describe("migrate.files", function()
  local folder
  after_each(function() if folder then folder:delete() end end)

  it("finds Lua files and pairs of SQL files, by version", function()
    folder = folders.new {
      ["20260102000000_b.up.sql"] = "select 2", ["20260102000000_b.down.sql"] = "select -2",
      ["20260101000000_a.lua"] = "return {}", ["20260103000000_c-d.up.sql"] = "select 3",
      ["README.md"] = "", ["_helper.lua"] = "", [".hidden.sql"] = "", ["notes.txt"] = "",
    }
    local list = files.discover(folder.path)
    assert.equal(3, #list)
    assert.equal("20260101000000_a", list[1].title)
    assert.equal("lua", list[1].kind)
    assert.equal(20260102000000, list[2].version)
    assert.equal("select -2", list[2].down_content)
    assert.equal("c-d", list[3].name)
    assert.is_nil(list[3].down_content)
  end)

  it("passes nothing over in silence", function()
    for name, message in pairs {
      ["20260101000000_a.sql"] = "20260101000000_a.sql is no name of a migration",
      ["create.lua"] = "create.lua is no name of a migration",
      ["1234567890123456_a.lua"] = "has more than 15 digits",
      ["20260101000000_a.down.sql"] = "has no 20260101000000_a.up.sql beside it",
    } do
      folder = folders.new { [name] = "" }
      assert.matches(message:gsub("%p", "%%%0"), refusal(files.discover, folder.path).message)
      folder:delete()
    end
  end)

  it("refuses a version that two files have", function()
    for _, names in ipairs {
      { "1_a.lua", "1_b.lua" }, { "1_a.lua", "1_a.up.sql" }, { "1_a.up.sql", "1_b.up.sql" }, { "01_a.lua", "1_a.lua" },
    } do
      folder = folders.new { [names[1]] = "", [names[2]] = "" }
      assert.matches("two migrations have the version", refusal(files.discover, folder.path).message)
      folder:delete()
    end
  end)

  it("says when the folder is not there", function()
    local e = refusal(files.discover, "/nonexistent/folder")
    assert.equal("usage", e.kind)
    assert.matches("/nonexistent/folder: No such file or directory", e.message)
  end)

  it("does not take line endings or a byte order mark for a change", function()
    local plain = files.checksum "a\nb\n"
    assert.matches("^sha256:" .. ("%x"):rep(64) .. "$", plain)
    assert.equal(plain, files.checksum "a\r\nb\r\n")
    assert.equal(plain, files.checksum "\239\187\191a\nb\n")
    assert.is_false(plain == files.checksum "a\nb")
    assert.equal("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", files.checksum "abc")
  end)
end)

describe("migrate.script", function()
  local function load(content, kind, down)
    return scripts.load({
      path = "m/1_a." .. (kind or "lua"), kind = kind or "lua", content = content, title = "1_a",
      down_path = down and "m/1_a.down.sql", down_content = down,
    }, function() end)
  end

  it("loads functions", function()
    local script = load "return { up = function(m) return m end, transaction = false }"
    assert.equal(7, script.up(7))
    assert.is_nil(script.down)
    assert.is_false(script.transaction)
  end)

  it("names file and line of what is wrong", function()
    assert.equal("m/1_a.lua:2: unexpected symbol near '='", refusal(load, "return\n= 1").message)
    assert.matches("^m/1_a.lua:1: attempt to", refusal(load, "return nothing.at_all").message)
    assert.matches("m/1_a.lua returns a nil", refusal(load, "").message)
    assert.matches("has no function up", refusal(load, "return {}").message)
    assert.matches('has a field dwon %(did you mean "down"%?%)',
      refusal(load, "return { up = function() end, dwon = 1 }").message)
    assert.matches("down of m/1_a.lua is a string", refusal(load, "return { up = print, down = '' }").message)
    assert.matches("bytecode", refusal(load, string.dump(function() end)).message)
  end)

  it("keeps the machine out of reach", function()
    local script = load [[
      local found = {}
      for _, name in ipairs { "io", "require", "debug", "package", "ffi", "jit", "dofile", "loadfile", "loadstring",
        "load", "getfenv", "setfenv", "collectgarbage", "newproxy", "module" } do
        if _G[name] ~= nil then found[#found + 1] = name end
      end
      for _, name in ipairs { "execute", "exit", "getenv", "remove", "rename", "tmpname" } do
        if os[name] ~= nil then found[#found + 1] = "os." .. name end
      end
      if string.dump then found[#found + 1] = "string.dump" end
      if getmetatable "" then found[#found + 1] = "the metatable of strings" end
      return { up = function() string.own = 1; return table.concat(found, " ") end }
    ]]
    assert.equal("", script.up())
    assert.is_nil(rawget(string, "own"))
  end)

  it("cuts SQL at the semicolons that end statements", function()
    local script = load("-- a\nselect 1;\n\nselect ';';\n"
      .. "create function f() returns int as $$ select 1; $$ language sql;", "sql")
    assert.equal(3, #script.up)
    assert.equal(4, script.up[2].line)
    assert.is_true(script.transaction)
    assert.is_nil(script.down)
    assert.equal(1, #load("select 1", "sql", "select 2;").down)
  end)

  it("refuses to end its own transaction", function()
    for _, word in ipairs { "begin", "COMMIT", "rollback", "start transaction", "end", "abort",
      "prepare transaction 'x'" } do
      local e = refusal(load, "select 1;\n" .. word .. ";", "sql")
      assert.matches("^m/1_a.sql:2: " .. word:match("%a+"):upper(), e.message)
    end
    assert.matches("COMMIT", refusal(load, "/* x */ -- y\ncommit", "sql").message)
    assert.matches("1_a.down.sql:1: COMMIT", refusal(load, "select 1", "sql", "commit").message)
    assert.equal(3, #load("savepoint a; rollback to a; prepare p as select 1", "sql").up)
  end)

  it("reads how it is to be run", function()
    assert.is_false(load("-- why not\n-- moonpool: transaction = false\nselect 1", "sql").transaction)
    assert.is_true(load("select 1;\n-- moonpool: transaction = false", "sql").transaction)
  end)
end)
