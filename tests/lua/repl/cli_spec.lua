local program = require "program"

-- A home without anything in it, and no database anywhere.
local nowhere = {
  HOME = "/nonexistent", XDG_STATE_HOME = false, MOONPOOL_DSN = false, MOONPOOL_PRIMARY = false,
  MOONPOOL_REPLICA = false, DATABASE_URL = false, PGHOST = false, PGSERVICE = false, PGHOSTADDR = false,
}

local function run(arguments, input, more)
  local env = {}
  for name, value in pairs(nowhere) do env[name] = value end
  for name, value in pairs(more or {}) do env[name] = value end
  return program.run(arguments, { input = input, env = env })
end

local function folder_with(files)
  local folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir " .. folder)
  for name, text in pairs(files) do
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text)
    file:close()
  end
  return folder
end

describe("the command line", function()
  it("tells its version", function()
    assert.is_truthy(run({ "--version" }).out:match "^moonpool %d+%.%d+%.%d+\n$")
    assert.is_truthy(run({ "version", "--json" }).out:match '"schema_version": 1')
  end)

  it("suggests the nearest name, on stderr, with exit code 2", function()
    local ran = run { "migrat" }
    assert.equal(2, ran.code)
    assert.equal("", ran.out)
    assert.is_truthy(ran.err:find("did you mean 'migrate'?", 1, true))
    ran = run { "migrate", "up", "--dirr", "x" }
    assert.equal(2, ran.code)
    assert.is_truthy(ran.err:find("did you mean '--dir'?", 1, true))
    ran = run { "migrate", "stauts" }
    assert.is_truthy(ran.err:find("did you mean 'status'?", 1, true))
  end)
end)

describe("run", function()
  it("hands a script its arguments and lets it print", function()
    local folder = folder_with { ["a.lua"] = "#!/usr/bin/env moonpool\nprint(arg[0]:match '[^/]+$', ...)\n" }
    local ran = run { "run", folder .. "/a.lua", "--json", "two words" }
    assert.same({ out = "a.lua\t--json\ttwo words\n", err = "", code = 0 }, ran)
    assert.same(ran, run { folder .. "/a.lua", "--json", "two words" })
    os.execute("rm -r " .. folder)
  end)

  it("tells an error with its place and callers, and ends with 1", function()
    local folder = folder_with { ["a.lua"] = "local function f()\n  error 'oops'\nend\nf()\n" }
    local ran = run { "run", folder .. "/a.lua" }
    assert.equal(1, ran.code)
    assert.equal("", ran.out)
    assert.is_truthy(ran.err:find("a.lua:2: oops", 1, true))
    assert.is_truthy(ran.err:find("a.lua:4: in main chunk", 1, true))
    os.execute("rm -r " .. folder)
  end)

  it("tells a script that is not there", function()
    local ran = run { "run", "/nowhere/at/all.lua" }
    assert.equal(1, ran.code)
    assert.is_truthy(ran.err:find("/nowhere/at/all.lua", 1, true))
  end)

  it("reads a script from stdin", function()
    assert.equal("3\n", run({ "run", "-" }, "print(1 + 2)").out)
  end)

  it("lets the script choose its exit code", function()
    assert.equal(7, run({ "run", "-" }, "os.exit(7)").code)
  end)

  it("finds the library's modules, and the C ABI in the process", function()
    local ran = run({ "run", "-" }, "print(require('moonpool.core.ffi').loaded_from)")
    assert.equal("this process\n", ran.out)
  end)

  it("ends with 3 when no database can be reached", function()
    local ran = run({ "run", "-" }, "require('moonpool').connect('host=/nonexistent'):ping()")
    assert.equal(3, ran.code)
    assert.is_truthy(ran.err:find("/nonexistent", 1, true))
  end)
end)

describe("piped input", function()
  it("needs no database as long as it asks for none", function()
    assert.same({ out = "3\n", err = "", code = 0 }, run({}, "local x = 1\nx + 2\n"))
  end)

  it("stops at the first error", function()
    local ran = run({}, "print(1)\nprint(nothing.here)\nprint(2)\n")
    assert.equal("1\n", ran.out)
    assert.equal(1, ran.code)
    assert.is_truthy(ran.err:find("line 2: attempt to index global 'nothing'", 1, true))
    assert.is_truthy(ran.err:find("\n        ^", 1, true))
  end)

  it("ends with 3 when no database can be reached", function()
    local ran = run({ "--dsn", "host=/nonexistent" }, "select 1;\nprint 'not reached'\n")
    assert.equal(3, ran.code)
    assert.equal("", ran.out)
    assert.is_truthy(ran.err:find("/nonexistent", 1, true))
  end)

  it("names an unknown command's neighbour", function()
    local ran = run({}, "\\timin\n")
    assert.equal(1, ran.code)
    assert.is_truthy(ran.err:find('did you mean "\\timing"?', 1, true))
  end)

  it("never colours a pipe unless told to", function()
    assert.is_nil(run({}, "x.y").err:find "\27")
    assert.is_truthy(run({ "--color=always" }, "x.y").err:find "\27%[31m")
    assert.is_nil(run({}, "x.y", { NO_COLOR = "1", CLICOLOR_FORCE = "1" }).err:find "\27")
  end)

  it("shows what control characters are", function()
    assert.equal('"a\\x1b[31mb"\n', run({}, "'a\\27[31mb'\n").out)
  end)
end)

describe("-c", function()
  it("runs each in turn and stops at the first failure", function()
    local ran = run { "-c", "a = 1", "-c", "a + 1", "-c", "error 'no'", "-c", "print 'not reached'" }
    assert.equal("2\n", ran.out)
    assert.equal(1, ran.code)
  end)

  it("gives one document with --json", function()
    local ran = run { "--json", "-c", "1 + 1", "-c", "{ a = 'x' }" }
    assert.equal('{"schema_version":1,"results":[{"value":2},\n{"value":{"a":"x"}}]}\n', ran.out)
    ran = run { "--json", "-c", "error { code = 1 }" }
    assert.equal(1, ran.code)
    assert.is_truthy(ran.out:find('"error":{', 1, true))
  end)
end)

describe(".env", function()
  it("is read, and the real environment wins", function()
    local folder = folder_with { [".env"] = "FROM_FILE='yes'\nBOTH=file\n", ["a.lua"] =
      "print(os.getenv 'FROM_FILE', os.getenv 'BOTH')" }
    local function ran(arguments)
      return program.run(arguments, { folder = folder, env = { BOTH = "real" } })
    end
    assert.equal("yes\treal\n", ran({ "run", "a.lua" }).out)
    assert.equal("nil\treal\n", ran({ "--no-env-file", "run", "a.lua" }).out)
    os.execute("rm -r " .. folder)
  end)

  it("that cannot be understood is refused, without showing a value", function()
    local folder = folder_with { [".env"] = "PASSWORD='canary' more\n" }
    local ran = program.run({ "-c", "1" }, { folder = folder })
    assert.equal(2, ran.code)
    assert.is_truthy(ran.err:find(".env:1:", 1, true))
    assert.is_nil(ran.err:find "canary")
    os.execute("rm -r " .. folder)
  end)
end)
