local moonpool = require "moonpool"

local t = moonpool.time

local function refusal(f, ...)
  local ok, e = pcall(f, ...)
  assert.is_false(ok)
  return e.message
end

describe("moonpool.time", function()
  it("reads what PostgreSQL writes and ISO 8601, and writes it back", function()
    for _, text in ipairs { "2026-01-02T03:04:05.678+02:00", "2026-01-02T03:04:05", "1969-12-31T23:59:59.999999+00:00",
      "0044-03-15T12:00:00+00:00 BC", "12026-01-02T03:04:05+00:00", "1800-01-01T00:00:00+00:19:32", "infinity",
      "-infinity", "2024-02-29T00:00:00-03:30", "294276-12-31T23:59:59.999999+00:00", "4713-01-01T00:00:00 BC" } do
      assert.equal(text, tostring(t(text)))
    end
    assert.equal("2026-01-02T03:04:05+00:00", tostring(t "2026-01-02 03:04:05Z"))
    assert.equal("2026-01-02T03:04:05+02:00", tostring(t "2026-01-02 03:04:05+02"))
    assert.equal("2026-01-02T00:00:00", tostring(t "2026-01-02"))
    assert.equal("2026-01-02", t "2026-01-02":date())
    assert.equal("2026-01-02T03:04:00", tostring(t "2026-01-02 03:04"))
    assert.equal("2026-01-03T00:00:00", tostring(t "2026-01-02 24:00:00"))
    local time = t "2026-01-02 03:04:05.678+02"
    assert.same({ 2026, 1, 2, 3, 4, 5, 678000, 7200 },
      { time.year, time.month, time.day, time.hour, time.minute, time.second, time.microsecond, time.offset })
    assert.equal(-43, t "0044-03-15 BC".year)
  end)

  it("refuses what is none", function()
    for _, bad in ipairs { "soon", "2026-13-01", "2026-02-29", "2026-01-02 25:00", "2026-01-02 03:61", "02/01/2026", "",
      "2026-01-02T03:04:05+2" } do
      assert.matches("cannot read", refusal(t, bad), bad)
    end
    assert.matches("microseconds", refusal(t, "2026-01-02 03:04:05.1234567"))
    assert.matches("cannot read a boolean", refusal(t, true))
  end)

  it("knows instants", function()
    assert.equal(0, t "1970-01-01T00:00:00Z":epoch())
    assert.equal(1767323045.678, t "2026-01-02T03:04:05.678Z":epoch())
    assert.equal(t "2026-01-02T03:04:05Z", t "2026-01-02T05:04:05+02:00")
    assert.is_true(t "2026-01-02T03:04:05Z" < t "2026-01-02T03:04:05.000001Z")
    assert.is_true(t "0001-01-01T00:00:00Z BC" < t "0001-01-01T00:00:00Z")
    assert.is_true(t "-infinity" < t "4713-01-01T00:00:00Z BC" and t "9999-01-01T00:00:00Z" < t "infinity")
    assert.equal("2026-01-01T21:04:05-06:00", tostring(t "2026-01-02T03:04:05Z":at "-06:00"))
    assert.equal("2026-01-02T03:04:05+00:00", tostring(t "2026-01-02T05:04:05+02":at()))
    assert.equal("1970-01-01T00:00:01.500000", (tostring(t(1.5)):gsub("%.5%+00:00", ".500000")))
    assert.equal(2026, t { year = 2026, month = 5, day = 1, hour = 12 }.year)
    assert.is_true(math.abs(t():epoch() - os.time()) < 5)
  end)

  it("reckons", function()
    assert.equal("2026-01-03T03:04:05+00:00", tostring(t "2026-01-02T03:04:05Z" + "1d"))
    assert.equal("2024-02-29T23:59:59.999999", tostring(t "2024-03-01" - 0.000001))
    assert.equal(86400, t "2026-01-02" - t "2026-01-01")
    assert.equal(-0.5, t "2026-01-01T00:00:00Z" - t "2026-01-01T00:00:00.5Z")
    assert.equal("infinity", tostring(t "infinity" + 5))
    assert.matches("cannot be added", refusal(function() return t "2026-01-01" + t "2026-01-01" end))
    assert.matches("no offset", refusal(function() return t "2026-01-01" < t "2026-01-01T00:00:00Z" end))
    assert.is_false(t "2026-01-01" == t "2026-01-01T00:00:00Z")
  end)

  it("counts the days of every year as the calendar does", function()
    local day, n = t "0001-01-01", 0
    local last = day
    while day.year < 2 do
      day, n = day + 86400, n + 1
      assert.is_true(day > last)
      last = day
    end
    assert.equal(365, n)
    assert.equal(366 * 86400, t "2025-01-01" - t "2024-01-01")
    assert.equal(146097 * 86400, t "2400-01-01" - t "2000-01-01")
    assert.equal(1, (t "1900-02-28" + "1d").day)
  end)
end)
