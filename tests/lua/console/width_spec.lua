local width = require "moonpool.console.width"

describe("columns", function()
  local cases = {
    { "", 0 }, { "abc", 3 }, { "naïve", 5 }, { "日本語", 6 }, { "한국", 4 }, { "ｆｕｌｌ", 8 }, { "e\204\129", 1 },
    { "👍", 2 }, { "👍🏽", 2 }, { "👨‍👩‍👧", 2 }, { "❤️", 2 }, { "🇫🇮", 2 }, { "\255", 1 }, { "a\226\128\139b", 2 },
  }
  for _, case in ipairs(cases) do
    it(("counts %d for %q"):format(case[2], case[1]), function() assert.equal(case[2], width.columns(case[1])) end)
  end
end)

describe("shorten", function()
  it("never exceeds the room", function()
    for most = 1, 8 do
      assert.is_true(width.columns(width.shorten("日本語 text", most)) <= most)
    end
    assert.equal("日本…", width.shorten("日本語", 5))
    assert.equal("abc", width.shorten("abc", 3))
  end)
end)

describe("safe", function()
  it("shows what would act on a terminal", function()
    assert.equal("a\\x1b[31mb", width.safe "a\27[31mb")
    assert.equal("\\n\\t\\r\\x00\\x7f", width.safe "\n\t\r\0\127")
    assert.equal("a\nb", width.safe("a\nb", true))
    assert.equal("\\u{9b}31m", width.safe "\194\15531m")
    assert.equal("\\u{202e}abc", width.safe "\226\128\174abc")
    assert.equal("\\xff\\xc3", width.safe "\255\195")
  end)

  it("leaves text alone", function()
    for _, text in ipairs { "plain", "naïve 日本語 👍🏽", "" } do assert.equal(text, width.safe(text)) end
  end)

  it("lets no control character through, whatever comes", function()
    math.randomseed(11)
    for _ = 1, 2000 do
      local bytes = {}
      for i = 1, math.random(8) do bytes[i] = string.char(math.random(0, 255)) end
      local shown = width.safe(table.concat(bytes))
      assert.is_nil(shown:find "[%z\1-\31\127]")
      assert.is_nil(shown:find "\194[\128-\159]")
    end
  end)
end)
