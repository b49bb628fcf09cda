local inspect = require "moonpool.console.inspect"

describe("text", function()
  local cases = {
    { nil, "nil" }, { 1, "1" }, { 1.5, "1.5" }, { -0.25, "-0.25" }, { 2 ^ 53, "9007199254740992" }, { "a", '"a"' },
    { 'say "a\\b"\n\27', [["say \"a\\b\"\n\x1b"]] }, { true, "true" }, { {}, "{}" }, { { 1, 2 }, "{ 1, 2 }" },
    { { b = 1, a = { c = 2 } }, "{ a = { c = 2 }, b = 1 }" },
    { { 1, x = 2, ["end"] = 3, ["a b"] = 4, [2.5] = 5 }, '{ 1, [2.5] = 5, ["a b"] = 4, ["end"] = 3, x = 2 }' },
    { 12345678901LL, "12345678901LL" },
  }
  for _, case in ipairs(cases) do
    it("shows " .. case[2], function() assert.equal(case[2], inspect.text(case[1])) end)
  end

  it("shows the same table the same way each time", function()
    local keys = {}
    for i = 1, 50 do keys["k" .. i] = i end
    local copy = {}
    for i = 50, 1, -1 do copy["k" .. i] = i end
    assert.equal(inspect.text(keys), inspect.text(copy))
  end)

  it("ends, however round and deep a table is", function()
    local round = { 1 }
    round.self = round
    assert.equal("{ 1, self = <the table around it> }", inspect.text(round))
    local deep = {}
    for _ = 1, 1000 do deep = { deep } end
    assert.is_true(#inspect.text(deep) < 200)
    local long = {}
    for i = 1, 1e5 do long[i] = i end
    assert.is_truthy(inspect.text(long):find("… 99900 more", 1, true))
  end)

  it("breaks what does not fit a line", function()
    assert.equal('{\n  aaaa = "xxxxxxxx",\n  bbbb = "yyyyyyyy",\n}',
      inspect.text({ aaaa = "xxxxxxxx", bbbb = "yyyyyyyy" }, 20))
  end)

  it("lets objects speak for themselves, safely", function()
    assert.equal("me\\x1b", inspect.text(setmetatable({}, { __tostring = function() return "me\27" end })))
    local broken = setmetatable({ 1 }, { __tostring = function() error "no" end })
    assert.equal("{ 1 }", inspect.text(broken))
    local trap = setmetatable({ a = 1 }, { __index = function() error "touched" end })
    assert.equal("{ a = 1 }", inspect.text(trap))
  end)

  it("says where a function is from", function()
    assert.equal("function: builtin", inspect.text(print))
    assert.is_truthy(inspect.text(function() end):match "inspect_spec.lua:%d+$")
  end)
end)
