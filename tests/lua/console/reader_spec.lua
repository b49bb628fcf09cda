local reader = require "moonpool.console.reader"

-- What comes out, as "kind: text", with the lines that were pushed one by one.
local function read(interactive, ...)
  local own, out = reader.new(interactive), {}
  local function add(inputs)
    for _, input in ipairs(inputs) do out[#out + 1] = input.kind .. ": " .. input.text end
  end
  for _, line in ipairs { ... } do add(own:push(line)) end
  local waiting = own:is_waiting()
  add(own:finish())
  return out, waiting
end

describe("a prompt", function()
  it("runs a statement on one line at once", function()
    local own = reader.new(true)
    assert.equal("select 1", own:push("select 1")[1].text)
    assert.is_false(own:is_waiting())
    assert.equal("x = 1", own:push("x = 1")[1].text)
  end)

  it("waits for the semicolon of SQL that spans lines", function()
    local own = reader.new(true)
    assert.same({}, own:push "select a,")
    assert.same({}, own:push "b from t")
    assert.is_true(own:is_waiting())
    assert.equal("select a,\nb from t\nwhere c;", own:push("where c;")[1].text)
  end)

  it("ends SQL at a blank line, but not inside a literal", function()
    assert.same({ "sql: select *\nfrom t" }, (read(true, "select *", "from t", "")))
    assert.same({ "sql: select 'a\n\nb';" }, (read(true, "select 'a", "", "b';")))
  end)

  it("continues Lua until it is whole", function()
    assert.same({ "lua: for i = 1, 2 do\n  print(i)\nend" }, (read(true, "for i = 1, 2 do", "  print(i)", "end")))
    assert.same({ "lua: x = {\n\n1 }" }, (read(true, "x = {", "", "1 }")))
    assert.same({ "lua: x = [[\n]]" }, (read(true, "x = [[", "]]")))
    assert.same({ "lua: 1 +\n2" }, (read(true, "1 +", "2")))
  end)

  it("runs a wrong line so that its error is shown", function()
    assert.same({ "lua: local x = = 1" }, (read(true, "local x = = 1")))
  end)

  it("takes a paste of several lines as it is meant", function()
    assert.same({ "sql: select id\nfrom t\nwhere x" }, (read(true, "select id\nfrom t\nwhere x")))
    assert.same({ "lua: db:from 't'\n  :where { a = 1 }", "sql: select 2" },
      (read(true, "db:from 't'\n  :where { a = 1 }\nselect 2")))
  end)

  it("forgets what is abandoned", function()
    local own = reader.new(true)
    own:push "select ("
    own:abandon()
    assert.is_false(own:is_waiting())
    assert.equal("select 2", own:push("select 2")[1].text)
  end)
end)

describe("piped input", function()
  it("looks at the next line before it takes SQL for whole", function()
    assert.same({ "sql: select id\nfrom t", "sql: select 2", "lua: print(1)" },
      (read(false, "select id", "from t", "select 2", "print(1)")))
  end)

  it("lets a chain of calls go on", function()
    assert.same({ "lua: q = db:from 't'\n  :where { a = 1 }\n  :limit(1)", "lua: print(q)" },
      (read(false, "q = db:from 't'", "  :where { a = 1 }", "  :limit(1)", "print(q)")))
  end)

  it("cuts several statements on a line", function()
    assert.same({ "sql: select 1;", "sql:  select 2;", "lua:  print(3)" },
      (read(false, "select 1; select 2; print(3)")))
  end)

  it("tells commands and calls for help", function()
    assert.same({ "command: \\d users", "command: .explain select 1", "help: db:query" },
      (read(false, "\\d users", "  .explain select 1", "? db:query")))
  end)

  it("skips comments and blank lines", function()
    assert.same({ "sql: select 1" }, (read(false, "-- one", "", "/* two", "*/", "select 1")))
  end)

  it("hands over an unfinished end, so that its error is seen", function()
    assert.same({ "lua: for i = 1, 2 do" }, (read(false, "for i = 1, 2 do")))
    assert.same({ "sql: select (" }, (read(false, "select (")))
  end)

  it("knows on which line an input begins", function()
    local own, lines = reader.new(false), {}
    for _, text in ipairs { "", "select 1;", "x = {", "1 }", "select", "2; y = 3" } do
      for _, input in ipairs(own:push(text)) do lines[#lines + 1] = input.line end
    end
    for _, input in ipairs(own:finish()) do lines[#lines + 1] = input.line end
    assert.same({ 2, 3, 5, 6 }, lines)
  end)

  it("takes Windows line ends", function()
    assert.same({ "sql: select 1\nfrom t" }, (read(false, "select 1\r\nfrom t\r\n")))
  end)
end)

describe("a backslash outside of quotes", function()
  local function commands(...)
    local own, out = reader.new(true), {}
    for _, line in ipairs { ... } do
      for _, input in ipairs(own:push(line)) do
        local of = input.of and " of " .. input.of.kind .. ": " .. input.of.text or ""
        out[#out + 1] = input.kind .. ": " .. input.text .. of
      end
    end
    return out, own:is_waiting()
  end

  it("runs what stands before it", function()
    assert.same({ "command: \\gx of sql: select 1" }, (commands "select 1 \\gx"))
    assert.same({ "command: \\g of sql: select 1,\n2" }, (commands("select 1,", "2 \\g")))
    assert.same({ "sql: select 1;", "command: \\x" }, (commands "select 1; \\x"))
  end)

  it("leaves what is not whole", function()
    local out, waits = commands("select 1,", "\\x", "2;")
    assert.same({ "command: \\x of sql: select 1,", "sql: select 1,\n2;" }, out)
    assert.is_false(waits)
    assert.same({ "command: \\x of lua: x = {", "lua: x = {\n1 }" }, (commands("x = {", "\\x", "1 }")))
  end)

  it("forgets it where that is asked for", function()
    local out, waits = commands("select (", "\\r")
    assert.same({ "command: \\r of sql: select (" }, out)
    assert.is_false(waits)
  end)

  it("is a letter inside of them", function()
    assert.same({ "sql: select '\\x'" }, (commands "select '\\x'"))
    assert.same({ "sql: select 'a\n\\x\nb';" }, (commands("select 'a", "\\x", "b';")))
    assert.same({ "lua: x = [[\n\\x\n]]" }, (commands("x = [[", "\\x", "]]")))
  end)
end)

describe("an equals sign in front", function()
  it("asks for a value, as at Lua's own prompt", function()
    assert.same({ "lua:  1 + 2", "lua: == 1" }, (read(true, "=1 + 2", "== 1")))
  end)
end)
