local explain = require "moonpool.console.explain"
local formats = require "moonpool.console.formats"
local help = require "moonpool.console.help"
local history = require "moonpool.console.history"
local present = require "moonpool.console.present"

describe("history", function()
  it("remembers what was typed", function()
    assert.equal("select 1", history.worth "select 1\n")
    assert.equal("select 1,\n2", history.worth "select 1,\n2")
  end)

  it("keeps no secret", function()
    for _, text in ipairs {
      "alter role a password 'x'", "create user x", "\\c postgresql://me:pw@host/db", "x = { Password = 1 }",
      " select 1", "", "  ", "create user mapping for x server y", "-- my SECRET",
    } do
      assert.equal("", history.worth(text), text)
    end
    assert.equal("\\c postgresql://me@host/db", history.worth "\\c postgresql://me@host/db")
  end)
end)

describe("formats", function()
  it("write CSV that tells NULL from the empty text", function()
    assert.equal('a,"b,c"\n1,""\n,"say ""x"""\n"two\nlines",2\n',
      formats.csv({ "a", "b,c" }, { { "1", "" }, { false, 'say "x"' }, { "two\nlines", "2" } }))
  end)

  it("write Markdown", function()
    assert.equal("| a | b |\n| ---: | --- |\n| 1 | x\\|y<br>z |\n|  |  |\n",
      formats.markdown({ "a", "b" }, { { "1", "x|y\nz" }, { false, false } }, { true, false }))
  end)
end)

describe("time", function()
  it("is readable", function()
    assert.equal("0.4 ms", present.time(0.0004))
    assert.equal("999.0 ms", present.time(0.999))
    assert.equal("1.25 s", present.time(1.25))
    assert.equal("2:05.0 min", present.time(125))
  end)
end)

describe("help", function()
  it("reads what was written, also behind a guard", function()
    local range = require "moonpool.core.types.range"
    assert.matches("function Range:contains%(value%)", help.of_function(range.range(1, 2).contains))
  end)

  it("reads the comment above a function", function()
    local text = help.of_function(help.of_value)
    assert.is_truthy(text:find("function M.of_value(value, names)", 1, true))
    assert.is_truthy(text:find("Help on a value", 1, true))
    assert.is_truthy(text:find("gives: string", 1, true))
  end)

  it("says what a table holds, and owns up to what it does not know", function()
    assert.equal("It has: a, b", help.of_value({ a = 1, b = 2 }, { "a", "b" }))
    assert.is_truthy(help.of_value(print, {}):find "Lua's own")
  end)
end)

describe("explain", function()
  local plan = { { Plan = {
    ["Node Type"] = "Hash Join", ["Join Type"] = "Left", ["Plan Rows"] = 10, ["Actual Rows"] = 5000,
    ["Actual Loops"] = 1, ["Actual Total Time"] = 10, ["Hash Cond"] = "(a = b)",
    Plans = {
      { ["Node Type"] = "Seq Scan", ["Relation Name"] = "users", Alias = "u", ["Plan Rows"] = 5000,
        ["Actual Rows"] = 5000, ["Actual Loops"] = 1,
        ["Actual Total Time"] = 6, ["Rows Removed by Filter"] = 90000, Filter = "(age > 3)" },
      { ["Node Type"] = "Sort", ["Plan Rows"] = 1, ["Actual Rows"] = 1, ["Actual Loops"] = 2, ["Actual Total Time"] = 1,
        ["Sort Key"] = { "x", "y" }, ["Sort Space Type"] = "Disk", ["Sort Space Used"] = 2048 },
    },
  }, ["Planning Time"] = 0.5, ["Execution Time"] = 10 } }

  it("draws a tree with the time each step took itself", function()
    local lines = explain.lines(plan)
    assert.same({
      "Hash Join (Left)        ██░░░░░░░░  20%  2.0 ms, rows 5000",
      "│    hash cond: (a = b)",
      "│    ⚠ 500× more rows than planned",
      "├─ Seq Scan on users u  ██████░░░░  60%  6.0 ms, rows 5000",
      "│       filter: (age > 3)",
      "│       ⚠ the filter threw 90k rows away",
      "└─ Sort                 ██░░░░░░░░  20%  2.0 ms, rows 1 × 2",
      "        by x, y",
      "        ⚠ sorted on disk, 2048 kB",
      "planning 0.5 ms, execution 10.0 ms",
    }, lines)
  end)

  it("does with a plan that was not run", function()
    local lines = explain.lines { { Plan = { ["Node Type"] = "Result", ["Plan Rows"] = 1, ["Total Cost"] = 0.01 } } }
    assert.same({ "Result  rows 1, cost 0" }, lines)
  end)
end)
