local json = require "moonpool.core.json"
local moonpool = require "moonpool"

local function refusal(f, ...)
  local ok, e = pcall(f, ...)
  assert.is_false(ok)
  assert.equal("usage", e.kind)
  return e.message
end

describe("core.json", function()
  it("reads what JSON can say", function()
    local v = json.decode [[ {"a": [1, -2.5, 1e3, true, false, null], "b": {"c": "x\n\u00e9\ud83d\ude00\/"}} ]]
    assert.same({ 1, -2.5, 1000, true, false, moonpool.null }, v.a)
    assert.equal("x\né😀/", v.b.c)
    assert.equal(7, json.decode "7")
    assert.equal(moonpool.null, json.decode "null")
  end)

  it("keeps every digit of every number, and writes it back", function()
    for _, text in ipairs { "9007199254740993", "-123456789012345678901234567890", "1" .. ("0"):rep(400),
      "0.12345678901234567890", "1e400", "1e-400", "9007199254740992.5", "0.1000000000000000055511151231257827" } do
      local value = json.decode(text)
      assert.is_table(value, text)
      assert.equal(moonpool.decimal(text), value)
      assert.equal(tostring(moonpool.decimal(text)), json.encode(value))
    end
    for text, value in pairs { ["9007199254740992"] = 9007199254740992, ["0.1"] = 0.1, ["1.10"] = 1.1, ["1e3"] = 1000,
      ["0.30000000000000004"] = 0.30000000000000004, ["0.5730969999999999"] = 0.5730969999999999,
      ["4.3499999999999996"] = 4.35, ["1.7976931348623157e308"] = 1.7976931348623157e308,
      ["0.0000001"] = 1e-7, ["1e22"] = 1e22, ["0"] = 0, ["0.0"] = 0, ["100000000000000000000"] = nil } do
      assert.equal(value, json.decode(text), text)
    end
  end)

  it("gives the same document back, empty tables included", function()
    for _, text in ipairs { "[]", "{}", '{"a":[],"b":{},"c":[{},[]]}', '[null,true,"x"]', '"\\u0001\\"\\\\"', "0.1" } do
      assert.equal(text, json.encode(json.decode(text)))
    end
  end)

  it("writes keys in order", function()
    assert.equal('{"a":1,"b":2,"c":3}', json.encode { c = 3, a = 1, b = 2 })
  end)

  it("follows marks", function()
    assert.equal('{"list":[],"map":{}}', json.encode { list = moonpool.array {}, map = moonpool.object {} })
    assert.equal("[1,2]", json.encode(moonpool.json { 1, 2 }))
    assert.equal('{"n":9223372036854775807}', json.encode { n = 9223372036854775807LL })
  end)

  it("refuses what JSON cannot say and names the place", function()
    assert.matches('"a%.b" cannot be written as JSON: an empty table', refusal(json.encode, { a = { b = {} } }))
    assert.matches('"a%.2" .*JSON has no nan', refusal(json.encode, { a = { 1, 0 / 0 } }):gsub("%-nan", "nan"))
    assert.matches("item 2 of 3 is nil", refusal(json.encode, { 1, nil, 3 }))
    assert.matches("has the key x", refusal(json.encode, { 1, x = 2 }))
    assert.matches("has the key true", refusal(json.encode, { [true] = 1 }))
    assert.matches('"f" .*it is a function', refusal(json.encode, { f = print }))
    assert.matches("a zero byte at byte 2", refusal(json.encode, { x = "a\0b" }))
    assert.matches("broken UTF%-8 at byte 1", refusal(json.encode, { x = "\255" }))
    assert.matches("it is bytes", refusal(json.encode, { x = moonpool.bytea "a" }))
    local loop = { x = {} }
    loop.x.y = loop
    assert.matches('"x%.y" .*it contains itself', refusal(json.encode, loop))
  end)

  it("lets a table stand in two places", function()
    local twice = { 1 }
    assert.equal("[[1],[1]]", json.encode { twice, twice })
  end)

  it("bounds the depth both ways", function()
    local deep = ("["):rep(1001) .. ("]"):rep(1001)
    assert.matches("nested more than 1000 deep", refusal(json.decode, deep))
    assert.is_table(json.decode(("["):rep(1000) .. ("]"):rep(1000)))
    local t = { 1 }
    for _ = 1, 1001 do t = { t } end
    assert.matches("nested more than 1000 deep", refusal(json.encode, t))
  end)

  it("says where broken text breaks", function()
    for text, place in pairs {
      ["[1,]"] = "a value at byte 4", ["[1 2]"] = '"," or "]" at byte 4', ["{a:1}"] = "a name in quotes at byte 2",
      ['{"a" 1}'] = '":" at byte 6', ['"abc'] = 'a closing " at byte 5', ['"\\q"'] = "an escape that JSON knows",
      ["tru"] = "true at byte 1", ["01"] = "a value at byte 1", ["1 2"] = "the end at byte 3",
      [""] = "a value at byte 1",
      ['"\\ud83d"'] = "the second half of a surrogate pair", ['"a\nb"'] = 'a closing " at byte 3',
    } do
      assert(refusal(json.decode, text):find(place, 1, true), text .. ": " .. refusal(json.decode, text))
    end
  end)
end)
