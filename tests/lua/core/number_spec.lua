local ffi = require "ffi"
local number = require "moonpool.core.number"

describe("core.number", function()
  it("writes integers without an exponent", function()
    assert.equal("0", number.text(0))
    assert.equal("-17", number.text(-17))
    assert.equal("99999999999999", number.text(99999999999999))
    assert.equal("100000000000000", number.text(1e14))
    assert.equal("9007199254740992", number.text(2 ^ 53))
    assert.equal("1152921504606846976", number.text(2 ^ 60))
    assert.equal("100000000000000000000", number.text(1e20))
    assert.equal("1e+21", number.text(1e21))
  end)

  it("writes the shortest text that reads back as the same number", function()
    for text in ("0.1 0.3 1.5 -2.25 3.141592653589793 0.30000000000000004 1e-07 1.7976931348623157e+308")
      :gmatch "%S+" do
      assert.equal(text, number.text(tonumber(text)))
    end
  end)

  it("loses nothing over many numbers", function()
    local seed = 42
    for _ = 1, 20000 do
      seed = (seed * 16807) % 2147483647
      local n = (seed / 2147483647 - 0.5) * 10 ^ (seed % 60 - 30)
      assert(tonumber(number.text(n)) == n, number.text(n))
    end
  end)

  it("keeps the sign of zero", function()
    assert.equal("-0", number.text(-0.0))
  end)

  it("writes the digits of 64-bit integers and of nothing else", function()
    assert.equal("9223372036854775807", number.digits(9223372036854775807LL))
    assert.equal("-9223372036854775808", number.digits(-9223372036854775807LL - 1))
    assert.equal("18446744073709551615", number.digits(18446744073709551615ULL))
    assert.is_nil(number.digits(ffi.new "char[4]"))
  end)
end)
