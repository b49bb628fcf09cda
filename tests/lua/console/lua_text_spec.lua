local lua_text = require "moonpool.console.lua_text"

describe("judge", function()
  local cases = {
    whole = { "x = 1", "1 + 1", "f 'a'", "return 1", "-- a", "", "for i = 1, 2 do end", "[[ a ]]" },
    unfinished = { "for i = 1, 2 do", "x = {", "f(", "1 +", "function f()", "x = [[", "--[[ a", "if a then b() else" },
    wrong = { "x = = 1", "local 1", "'a", "end", "x y z", "f(]" },
  }
  for verdict, texts in pairs(cases) do
    for _, text in ipairs(texts) do
      it(("finds %s: %s"):format(verdict, text), function() assert.equal(verdict, lua_text.judge(text)) end)
    end
  end
end)

describe("keep_locals", function()
  local cases = {
    { "local x = 1", "x = 1" },
    { "local x", "x = nil" },
    { "local a, b = f()", "a, b = f()" },
    { "local a, b", "a, b = nil" },
    { "local x = 1; local y = x", "x = 1; y = x" },
    { "local function f() local z = 1 return z end", "function f() local z = 1 return z end" },
    { "for i = 1, 2 do local q = i end local r = 1", "for i = 1, 2 do local q = i end r = 1" },
    { "if a then local b = 1 elseif c then local d end local e = 2",
      "if a then local b = 1 elseif c then local d end e = 2" },
    { "repeat local x = 1 until x local y = 2", "repeat local x = 1 until x y = 2" },
    { "x = 'local y = 1' -- local z", "x = 'local y = 1' -- local z" },
    { "x = [[local y]]", "x = [[local y]]" },
    { "local x = function() local y = 1 return y end", "x = function() local y = 1 return y end" },
  }
  for _, case in ipairs(cases) do
    it("turns: " .. case[1], function()
      assert.equal(case[2], lua_text.keep_locals(case[1]))
      assert.is_truthy(loadstring(case[2]))
    end)
  end

  it("leaves what it does not understand to the compiler", function()
    for _, text in ipairs { "local", "local 1", "local = 1", "local function", "'local" } do
      assert.is_string(lua_text.keep_locals(text))
    end
  end)
end)
