local catalog = require "moonpool.schema.catalog"
local hash = require "moonpool.schema.hash"
local json = require "moonpool.schema.json"

describe("JSON of facts", function()
  it("is one text for one value", function()
    assert.equal('{"a":[1,"x",true],"b":{"c":-0.5}}', json.encode { b = { c = -0.5 }, a = { 1, "x", true } })
  end)

  it("comes back as it was", function()
    local value = { text = 'quote " back\\slash\n\ttab \1 😀', list = { 1, 2.5, -3 }, yes = true, map = { a = "b" } }
    assert.same(value, json.decode(json.encode(value)))
  end)

  it("reads what others write", function()
    assert.same({ a = { 1, "é😀" } }, json.decode ' { "a" : [ 1 , "\\u00e9\\ud83d\\ude00" ] } ')
  end)

  it("says where it cannot be read", function()
    assert.error_matches(function() json.decode '{"a": }' end, "byte 7")
    assert.error_matches(function() json.decode '["a"' end, "expected")
  end)
end)

describe("the hash", function()
  it("is the same on every machine", function()
    assert.equal("00000000000000000000000000000000", hash.of "")
    assert.equal(hash.of(("moonpool "):rep(100)), hash.of(("moonpool "):rep(100)))
    assert.equal(32, #hash.of "x")
  end)

  it("tells near texts apart", function()
    local seen = {}
    for i = 1, 20000 do
      local h = hash.of("column:public.t." .. i)
      assert.is_nil(seen[h])
      seen[h] = true
    end
  end)

  it("looks at the end of a text of any length", function()
    for n = 0, 40 do assert.not_equal(hash.of(("a"):rep(n) .. "x"), hash.of(("a"):rep(n) .. "y")) end
  end)
end)

describe("the catalogs' arrays", function()
  it("are read with quotes, escapes and NULLs", function()
    assert.same({ "a", "b c", 'q"q', "back\\slash", "", false, "{}" },
      catalog.array [[{a,"b c","q\"q","back\\slash","",NULL,"{}"}]])
    assert.same({}, catalog.array "{}")
    assert.same({}, catalog.array(nil))
  end)

  it("of oids come as int4", function()
    assert.same({ 1, 2147483647, -2147483648, -1 }, catalog.numbers "1 2147483647 2147483648 4294967295")
  end)

  it("of options keep their order only where it is not the sorted one", function()
    local attrs = {}
    catalog.set_options(attrs, "options", catalog.options "{fillfactor=70,autovacuum_enabled=false}")
    assert.same({ fillfactor = "70", autovacuum_enabled = "false" }, attrs.options)
    assert.same({ "fillfactor", "autovacuum_enabled" }, attrs._options)
    attrs = {}
    catalog.set_options(attrs, "options", catalog.options "{a=1,b=2=3}")
    assert.same({ a = "1", b = "2=3" }, attrs.options)
    assert.is_nil(attrs._options)
  end)
end)
