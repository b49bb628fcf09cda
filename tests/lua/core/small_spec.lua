-- The small helpers: near names, lengths of time, the bounded memory, back-off.
local backoff = require "moonpool.core.backoff"
local cache = require "moonpool.core.cache"
local duration = require "moonpool.core.duration"
local sequence = require "moonpool.core.sequence"
local suggest = require "moonpool.core.suggest"

describe("core.suggest", function()
  it("finds the near name and no far one", function()
    local names = { "name", "email", "created_at", "id" }
    assert.equal("name", suggest.near("nmae", names))
    assert.equal("email", suggest.near("Emial", names))
    assert.equal("created_at", suggest.near("createdat", names))
    assert.is_nil(suggest.near("password", names))
    assert.is_nil(suggest.near("x", { "y" }))
    assert.equal(' (did you mean "name"?)', suggest.hint("nam", names))
    assert.equal("", suggest.hint(17, names))
  end)
end)

describe("core.duration", function()
  it("reads units and numbers", function()
    assert.equal(0.25, duration.seconds("250ms", "t"))
    assert.equal(5, duration.seconds("5s", "t"))
    assert.equal(1800, duration.seconds("30m", "t"))
    assert.equal(90, duration.seconds("1.5m", "t"))
    assert.equal(0.5, duration.seconds(0.5, "t"))
    assert.equal(2, duration.seconds("2", "t"))
    assert.is_nil(duration.seconds(nil, "t"))
  end)

  it("quotes what it cannot read", function()
    for _, bad in ipairs { "soon", "5 parsecs", "-1s", "", "1..5s" } do
      local ok, e = pcall(duration.seconds, bad, "timeout")
      assert.is_false(ok, bad)
      assert(e.message:find('timeout takes a length of time such as "250ms", "5s", "30m"', 1, true))
      assert(e.message:find('got "' .. bad .. '"', 1, true))
    end
    assert.has_error(function() duration.seconds(-1, "t") end)
    assert.has_error(function() duration.seconds(math.huge, "t") end)
    assert.has_error(function() duration.seconds({}, "t") end)
  end)
end)

describe("core.cache", function()
  it("keeps what is used and forgets what is not", function()
    local memory = cache.new(3)
    memory:put("kept", 1)
    for i = 1, 20 do
      memory:put(i, i)
      assert.equal(1, memory:get "kept")
    end
    assert.is_nil(memory:get(1))
    assert.equal(20, memory:get(20))
    local n = 0
    for i = 1, 20 do n = n + (memory:get(i) and 1 or 0) end
    assert.is_true(n <= 6)
  end)
end)

describe("core.backoff", function()
  it("stays below a limit that doubles up to its cap", function()
    local largest, sum = 0, 0
    for _ = 1, 1000 do
      assert.is_true(backoff.delay(1, 0.02, 1) <= 0.02)
      local delay = backoff.delay(20, 0.02, 1)
      assert.is_true(delay >= 0 and delay <= 1)
      largest, sum = math.max(largest, delay), sum + delay
    end
    assert.is_true(largest > 0.9)
    assert.is_true(sum > 400 and sum < 600)
  end)
end)

describe("core.sequence", function()
  it("tells lists from maps", function()
    assert.equal(3, sequence.length { 1, 2, 3 })
    assert.equal(3, (sequence.length { 1, nil, 3 }))
    assert.equal(2, sequence.hole({ 1, nil, 3 }, 3))
    assert.is_nil((sequence.length { 1, x = 2 }))
    assert.is_nil((sequence.length { [1.5] = 1 }))
    assert.same({ "a", "b" }, sequence.names { b = 1, a = 2 })
    assert.is_nil((sequence.names { a = 1, 2 }))
  end)
end)
