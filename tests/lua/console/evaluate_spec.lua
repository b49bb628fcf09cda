local evaluate = require "moonpool.console.evaluate"

local function run(text, line)
  return evaluate.run(text, "=(prompt)", line or 1)
end

describe("run", function()
  it("gives the values of an expression, nils among them", function()
    assert.same({ n = 3, 1, nil, 3 }, (run "1, nil, 3"))
    assert.same({ n = 0 }, (run "x_of_spec = 1"))
    assert.equal(1, x_of_spec) -- luacheck: ignore
    assert.same({ n = 1 }, (run "nil"))
    assert.same({ n = 2, 1, 2 }, (run "return 1, 2"))
    assert.same({ n = 1, 3 }, (run "3; -- three"))
    assert.same({ n = 1, "-- no; comment" }, (run "'-- no; comment'"))
    assert.same({ n = 1, { n = 5 } }, (run "return { n = 5 }"))
  end)

  it("keeps a local for the next input", function()
    run "local kept_by_spec = 7"
    assert.same({ n = 1, 7 }, (run "kept_by_spec"))
  end)

  it("points at a syntax error", function()
    local values, why = run "local x = = 1"
    assert.is_nil(values)
    assert.equal("unexpected symbol near '='", why.message)
    assert.equal("local x = = 1", why.source)
    assert.equal(9, why.column)
  end)

  it("points at what was nil, and guesses what was meant", function()
    local _, why = run "local y = 1\nreturn prnt(1)"
    assert.equal(2, why.line)
    assert.equal("return prnt(1)", why.source)
    assert.equal(8, why.column)
    assert.is_truthy(why.message:find('did you mean "print"?', 1, true))
  end)

  it("takes wrong Lua that begins like SQL for a slip", function()
    local _, why = run "selct * from users"
    assert.is_truthy(why.message:find('did you mean "select"?', 1, true))
    local _, other = run "users * "
    assert.is_nil(other.message:find "did you mean")
  end)

  it("points at the place in an expression too", function()
    for _, text in ipairs { "x.y", "return x.y", "f(x.y)", "x.y -- why" } do
      local _, why = run(text)
      assert.equal(1, why.line)
      assert.equal(text, why.source)
      assert.equal((text:find("x", 1, true)), why.column)
    end
  end)

  it("counts lines where the text stood", function()
    local _, why = run("\nerror 'x'", 41)
    assert.equal(42, why.line)
    assert.equal("error 'x'", why.source)
  end)

  it("hands on what was raised", function()
    local raised = {}
    rawset(_G, "raised_by_spec", raised)
    local _, why = run "error(raised_by_spec)"
    assert.equal(raised, why.value)
  end)

  it("names the callers that are the user's", function()
    local path = os.tmpname()
    local file = io.open(path, "w")
    file:write "local M = {}\nfunction M.f() error 'deep' end\nfunction M.g() M.f() return 1 end\nreturn M\n"
    file:close()
    rawset(_G, "module_of_spec", dofile(path))
    local _, why = run "module_of_spec.g()"
    os.remove(path)
    assert.is_truthy(why.message:find "deep")
    assert.is_true(#why.trace >= 2)
    for _, frame in ipairs(why.trace) do
      assert.is_nil(frame:find "moonpool/console")
      assert.is_nil(frame:find "^%[C%]")
    end
  end)

  it("keeps the chunk where a hook can reach it", function()
    local seen = 0
    debug.sethook(function()
      seen = seen + 1
      if seen == 5 then
        debug.sethook()
        error("interrupted", 0)
      end
    end, "", 1000)
    local _, why = run "while true do end"
    debug.sethook()
    assert.is_true(evaluate.is_interrupt(why.value))
  end)
end)
