local moonpool = require "moonpool"
local placeholders = require "moonpool.core.placeholders"

local function refusal(sql, n, ...)
  local ok, e = pcall(function(...) return placeholders.bind(placeholders.scan(sql), n, ...) end, ...)
  assert.is_false(ok)
  assert.equal("usage", e.kind)
  return e
end

describe("core.placeholders", function()
  it("numbers ? and :name and leaves the rest alone", function()
    local scan = placeholders.scan "select ?, 'a?', \"b?\", $$?$$, x::int, a ?? b -- ?\n, ?"
    assert.equal("select $1, 'a?', \"b?\", $$?$$, x::int, a ? b -- ?\n, $2", scan.text)
    assert.equal("positional", scan.style)
    assert.equal(2, scan.n)
    scan = placeholders.scan "select :a, :b, :a::int"
    assert.equal("select $1, $2, $1::int", scan.text)
    assert.same({ "a", "b" }, scan.names)
    assert.equal("native", placeholders.scan("select $2").style)
    assert.equal(2, placeholders.scan("select $2").n)
    assert.equal("none", placeholders.scan("select 1").style)
  end)

  it("scans a text once", function()
    local sql = "select ? -- once"
    assert.equal(placeholders.scan(sql), placeholders.scan(sql))
  end)

  it("puts named parameters into order", function()
    local scan = placeholders.scan "select :b, :a"
    assert.same({ 2, 1 }, placeholders.bind(scan, 1, { a = 1, b = 2 }))
    assert.same({ moonpool.null, false }, placeholders.bind(scan, 1, { a = false, b = moonpool.null }))
  end)

  it("counts trailing nils", function()
    local scan = placeholders.scan "select ?, ?"
    assert.equal(1, placeholders.bind(scan, 2, 1, nil)[1])
    assert.matches("takes 2 parameters, got 1 %(number 2 is missing%)", refusal("select ?, ?", 1, 1).message)
  end)

  it("names what is missing and what is too much", function()
    assert.matches("takes 1 parameter, got 0 %(number 1 is missing%): select %?", refusal("select ?", 0).message)
    assert.matches("takes 3 parameters, got 1 %(numbers 2 to 3 are missing%)", refusal("select ?, ?, ?", 1, 1).message)
    assert.matches("takes no parameters, got 2 %(numbers 1 to 2 are too many%)", refusal("select 1", 2, 1, 2).message)
    assert.matches(":b is missing %(for NULL say moonpool.null%)", refusal("select :a, :b", 1, { a = 1 }).message)
    assert.matches('no :emial in this statement %(did you mean "email"%?%)',
      refusal("select :email", 1, { emial = 1 }).message)
    assert.matches("names its parameters %(:a%); give them in one table", refusal("select :a", 1, 5).message)
    assert.matches("give them in one table", refusal("select :a", 2, {}, {}).message)
  end)

  it("does not print the values", function()
    assert.is_nil(tostring(refusal("select ?", 2, "secret", "secret")):find "secret")
  end)

  it("refuses mixed spellings and what is never closed", function()
    assert.matches("mixes %? and :name", tostring(refusal("select ?, :a", 0)))
    assert.matches("this string is never closed", tostring(refusal("select 'a", 0)))
    assert.matches("a statement is a string, got a nil", tostring(refusal(nil, 0)))
  end)

  it("names the line that wrote the call", function()
    assert.matches("placeholders_spec%.lua:%d+", refusal("select ?", 0).where)
  end)
end)
