local names = require "moonpool.schema.names"

describe("names", function()
  it("quotes what needs it and nothing else", function()
    assert.equal("plain_1", names.quote "plain_1")
    for _, odd in ipairs { "Upper", "with space", "1st", "select", "ü", "a.b", "😀", "dash-ed" } do
      assert.equal('"' .. odd .. '"', names.quote(odd))
    end
    assert.equal('"a""b"', names.quote 'a"b')
  end)

  it("gives every name one id, and takes it apart again", function()
    local odd = { "a", "a.b", 'q"q', "with space", "(paren)", "comma,", "😀", "UPPER", "a:b", "" .. ("x"):rep(63), "select", "$1" }
    local seen = {}
    for _, schema in ipairs(odd) do
      for _, name in ipairs(odd) do
        local id = names.id("table", schema, name)
        assert.is_nil(seen[id])
        seen[id] = true
        local kind, parts, args = names.parse(id)
        assert.equal("table", kind)
        assert.same({ schema, name }, parts)
        assert.is_nil(args)
      end
    end
  end)

  it("reads argument types behind a name", function()
    local kind, parts, args = names.parse 'function:public."f(x)"(integer, "Odd".t[])'
    assert.equal("function", kind)
    assert.same({ "public", "f(x)" }, parts)
    assert.equal('integer, "Odd".t[]', args)
  end)

  it("knows operators' symbols as names", function()
    local _, parts, args = names.parse "operator:sink.===(integer,none)"
    assert.same({ "sink", "===" }, parts)
    assert.equal("integer,none", args)
  end)

  it("refuses what is no id", function()
    assert.has_error(function() names.parse "no id" end)
  end)

  it("doubles quotes in literals and leaves backslashes alone", function()
    assert.equal("'it''s \\n'", names.literal "it's \\n")
  end)
end)
