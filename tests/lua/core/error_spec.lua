local errors = require "moonpool.core.error"
local moonpool = require "moonpool"

describe("core.error", function()
  it("hands back what a function returned, or what it raised", function()
    assert.same({ 1, nil, 3, n = 3 }, { n = 3, moonpool.try(function(...) return ... end, 1, nil, 3) })
    local value, e = moonpool.try(error, "plain text", 0)
    assert.is_nil(value)
    assert.equal("plain text", e)
    local own = errors.new { kind = "timeout", message = "too slow" }
    value, e = moonpool.try(error, own)
    assert.is_nil(value)
    assert.equal(own, e)
  end)

  it("wants a function to try", function()
    local ok, e = pcall(moonpool.try, { 1 })
    assert.is_false(ok)
    assert.matches("try takes a function and what it is called with", e.message)
    assert.equal("called", moonpool.try(setmetatable({}, { __call = function() return "called" end })))
  end)

  it("has every field, and one readable line", function()
    local e = errors.new { kind = "timeout", message = "too slow", hint = "be faster", where = "a.lua:7" }
    assert.equal("a.lua:7: timeout: too slow\nHINT: be faster", tostring(e))
    assert.equal("seen: a.lua:7: timeout: too slow\nHINT: be faster", "seen: " .. e)
    assert.is_false(e.retryable)
    assert.is_false(e.in_doubt)
    assert.same({}, e.causes)
    assert.is_nil(e.sqlstate)
  end)

  it("is recognised by kind, family, SQLSTATE and its class", function()
    local e = errors.new { kind = "unique_violation", message = "", sqlstate = "23505" }
    e.family = "server"
    for _, name in ipairs { "unique_violation", "server", "23505", "23" } do assert.is_true(e:is(name), name) end
    for _, name in ipairs { "timeout", "23503", "2", "40" } do assert.is_false(e:is(name), name) end
    assert.is_true(errors.is_error(e))
    assert.is_false(errors.is_error {})
    assert.is_false(errors.is_error "text")
  end)

  it("names the caller's line, not its own", function()
    local ok, e = pcall(function() errors.misuse("wrong: %s", "this") end)
    assert.is_false(ok)
    assert.matches("error_spec%.lua:%d+$", e.where)
    assert.equal("wrong: this", e.message)
  end)
end)
