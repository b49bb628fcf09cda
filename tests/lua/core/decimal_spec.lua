local moonpool = require "moonpool"

local d = moonpool.decimal

local function refusal(f, ...)
  local ok, e = pcall(f, ...)
  assert.is_false(ok)
  return e.message
end

describe("moonpool.decimal", function()
  it("reads and writes digits as they are", function()
    for text, want in pairs { ["1.50"] = "1.50", ["-0.05"] = "-0.05", ["007"] = "7", ["-0"] = "0", ["1e3"] = "1000",
      ["1.5e-3"] = "0.0015", [".5"] = "0.5", ["5."] = "5", ["+3"] = "3", [" 4 "] = "4", ["0.00"] = "0.00",
      ["12345678901234567890.123"] = "12345678901234567890.123", NaN = "NaN", infinity = "Infinity" } do
      assert.equal(want, tostring(d(text)), text)
    end
    assert.equal("0.1", tostring(d(0.1)))
    assert.equal("9223372036854775807", tostring(d(9223372036854775807LL)))
    for _, bad in ipairs { "", "x", "1.2.3", "1e", "--1", "0x10", "1e999999999" } do
      assert.matches("takes the digits of a number", refusal(d, bad))
    end
    assert.matches("got table", refusal(d, {}))
  end)

  it("reckons without losing anything", function()
    assert.equal(d "0.3", d "0.1" + d "0.2")
    assert.equal("0.30", tostring(d "0.10" + "0.2"))
    assert.equal("-0.1", tostring(d "0.1" - 0.2))
    assert.equal("0.0", tostring(d "0.1" - d "0.1"))
    assert.equal("0.02", tostring(d "0.1" * d "0.2"))
    assert.equal("-1", tostring(-d "1"))
    assert.equal("100000000000000000000", tostring(d "99999999999999999999" + 1))
    assert.equal("99999999999999999999", tostring(d "100000000000000000000" - 1))
    assert.equal("121932631137021795226185032733622923332237463801111263526900",
      tostring(d "123456789012345678901234567890" * d "987654321098765432109876543210"))
    assert.equal("0.3333333333", tostring(d "1":div(3, 10)))
    assert.equal("0.67", tostring(d "2":div("3", 2)))
    assert.equal("-0.67", tostring(d "-2":div(3, 2)))
    assert.equal("1.01", tostring(d "1.005":round(2)))
    assert.equal("-1.01", tostring(d "-1.005":round(2)))
    assert.equal("1.50", tostring(d "1.5":round(2)))
    assert.equal("2", tostring(d "1.5":round(0)))
    assert.equal("1.5", tostring(d "-1.5":abs()))
    assert.equal(1.5, d "1.50":tonumber())
    assert.equal("total 1.50", "total " .. d "1.50")
  end)

  it("compares values, not digits", function()
    assert.is_true(d "1.0" == d "1.00")
    assert.is_true(d "1.0" < d "1.01" and d "-2" < d "-1" and d "-1" < d "0.5" and d "2" <= d "2.0")
    assert.is_false(d "NaN" == d "NaN")
    assert.is_true(d "Infinity" == d "Infinity")
  end)

  it("says what it cannot do", function()
    assert.matches("a:div%(b, 2%)", refusal(function() return d "1" / 3 end))
    assert.matches("divided by zero", refusal(function() return d "1":div(0, 2) end))
    assert.matches("nothing can be reckoned with NaN", refusal(function() return d "NaN" + 1 end))
    assert.matches("how many digits", refusal(function() return d "1":round(1.5) end))
  end)

  it("agrees with long sums done another way", function()
    -- Numbers below 2^53 are exact in Lua as well.
    local seed = 7
    local function next_number()
      seed = seed * 16807 % 2147483647
      return seed % 90000000 - 45000000
    end
    for _ = 1, 2000 do
      local a, b = next_number(), next_number()
      assert.equal(("%d"):format(a + b), tostring(d(a) + d(b)))
      assert.equal(("%d"):format(a - b), tostring(d(a) - d(b)))
      assert.equal(("%d"):format(a * b), tostring(d(a) * d(b)))
      assert.equal(a < b, d(a) < d(b))
    end
  end)

  it("travels in documents and parameters", function()
    assert.equal('{"n":1.50}', moonpool.json_encode { n = d "1.50" })
    assert.equal('["NaN"]', moonpool.json_encode { d "NaN" })
    assert.equal("1.50", require("moonpool.core.params").text(d "1.50", 1))
  end)
end)
