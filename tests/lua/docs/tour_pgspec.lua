local database = require "database"
local migrate = require "moonpool.migrate"

describe("the tour", function()
  local db

  setup(function()
    db = database.in_schema "tour"
    migrate.new(db):up()
  end)

  teardown(function()
    db:exec "drop schema tour cascade"
    db:close()
  end)

  local function take()
    local dsn = database.primary_in "tour":gsub("'", "'\\''")
    local line = "MOONPOOL_PRIMARY='%s' MOONPOOL_REPLICA= luajit examples/tour.lua 2>&1; echo $?"
    local pipe = assert(io.popen(line:format(dsn)))
    local text = pipe:read "*a"
    pipe:close()
    local body, code = text:match "^(.-)(%d+)\n$"
    return tonumber(code), body
  end

  it("ends well, is brief, and can be taken again", function()
    local code, first = take()
    assert.equal(0, code, first)
    assert.matches("That was the tour", first)
    assert.matches("LINE 1: select nmae, price from products\n%s+%^", first)
    assert.matches("stock_never_negative", first)
    local _, lines = first:gsub("\n", "")
    assert.is_true(lines < 70)
    for line in first:gmatch "[^\n]+" do
      local _, width = line:gsub("[^\128-\191]", "")
      assert.is_true(width <= 160, line)
    end
    local again, second = take()
    assert.equal(0, again, second)
    assert.equal(first, second)
  end)

  it("says what is missing", function()
    db:script "drop schema tour cascade; create schema tour"
    local code, text = take()
    assert.equal(1, code)
    assert.matches("moonpool migrate up", text)
  end)
end)
