local grid = require "moonpool.console.grid"

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

local drawn = {
  columns = { "id", "naïve", "note" },
  rows = { { "1", "日本", "x" }, { "22", false, "two\nlines" }, { "3", "", false } },
  right = { true, false, false },
}

describe("a table", function()
  it("is aligned by what the eye sees", function()
    assert.same(lines [[
 id │ naïve │ note
────┼───────┼───────────
  1 │ 日本  │ x
 22 │ ∅     │ two↵lines
  3 │       │ ∅]], grid.table_lines(drawn))
  end)

  it("knows its width", function()
    assert.equal(24, grid.table_width(drawn))
    assert.equal(3, grid.table_width { columns = { "a" }, rows = {} })
  end)

  it("escapes what would act on the terminal", function()
    local text = table.concat(grid.table_lines { columns = { "a\27" }, rows = { { "b\27[2J" } } }, "\n")
    assert.is_nil(text:find "\27")
    assert.is_truthy(text:find("b\\x1b[2J", 1, true))
  end)

  it("takes another mark for NULL", function()
    local text = table.concat(grid.table_lines { columns = { "a" }, rows = { { false } }, null = "(none)" }, "\n")
    assert.is_truthy(text:find("(none)", 1, true))
  end)

  it("paints without moving anything", function()
    local painted = { columns = drawn.columns, rows = drawn.rows, right = drawn.right,
      paint = function(text) return "<" .. text .. ">" end }
    local plain = grid.table_lines(drawn)
    for i, line in ipairs(grid.table_lines(painted)) do assert.equal(plain[i], (line:gsub("[<>]", ""))) end
  end)
end)

describe("records", function()
  it("show a column a line, and line breaks as they are", function()
    assert.same(lines [[
─[ 1 ]───────────────────
id    │ 1
naïve │ 日本
note  │ x
─[ 2 ]───────────────────
id    │ 22
naïve │ ∅
note  │ two
      │ lines
─[ 3 ]───────────────────
id    │ 3
naïve │
note  │ ∅]], grid.expanded_lines(drawn))
  end)
end)
