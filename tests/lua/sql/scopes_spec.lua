-- Ready conditions, and comments.
local building = require "building"
local comment = require "moonpool.sql.comment"
local sql = require "moonpool.sql"

local c, db, scopes = sql.cond, building.db, sql.scopes

local function is(text, params, scope)
  local q = db:from("t"):scope(scope)
  assert.equal('select * from "t"' .. text, building.text(q))
  assert.same(params, building.params(q))
end

describe("moonpool.scopes", function()
  it("speak of days", function()
    is(' where ("d" >= $1::date) and ("d" < $2::date + 1)', { "2026-01-01", "2026-01-31" },
      scopes.between_dates("d", "2026-01-01", "2026-01-31"))
    is(' where "d" >= $1::date', { "2026-01-01" }, scopes.between_dates("d", "2026-01-01"))
    is(' where "d" < $1::date + 1', { "2026-01-31" }, scopes.between_dates("d", nil, "2026-01-31"))
    is(' where ("d" >= $1::date) and ("d" < $2::date + 1)', { "2026-01-01", "2026-01-01" },
      scopes.on_date("d", "2026-01-01"))
    is(' where ("t"."d" >= current_date) and ("t"."d" < current_date + 1)', {}, scopes.today "t.d")
    is(' where "d" >= now() - $1::interval', { "7 days" }, scopes.last("d", "7d"))
    assert.has_error(function() scopes.last("d", "a week") end)
    assert.has_error(function() scopes.last("d", 7) end)
    assert.has_error(function() scopes.between_dates("d") end)
    assert.has_error(function() scopes.between_dates("d", 20260101) end)
    assert.has_error(function() scopes.today() end)
    assert.truthy(building.misuse(function() return scopes.tody end):find('did you mean "today"', 1, true))
  end)

  it("find every word somewhere", function()
    is(' where ("a" ilike $1 or "b" ilike $2) and ("a" ilike $3 or "b" ilike $4)',
      { "%x%", "%x%", "%50\\%%", "%50\\%%" }, scopes.search({ "a", "b" }, " x 50% "))
    is(' where "a" ilike $1', { "%x%" }, scopes.search("a", "x"))
    is("", {}, scopes.search("a", "  "))
    assert.has_error(function() scopes.search({}, "x") end)
    assert.has_error(function() scopes.search("a", nil) end)
  end)

  it("go wherever a condition goes", function()
    local q = db:from("t"):where(c.any { scopes.last("d", "1h"), c.not_(scopes.today "d") })
    assert.equal('select * from "t" where ("d" >= now() - $1::interval) or '
      .. 'not (("d" >= current_date) and ("d" < current_date + 1))', building.text(q))
  end)
end)

describe("sql.comment", function()
  it("encodes whatever could end it", function()
    assert.equal("a='1',route='%2Fusers'", comment.text { route = "/users", a = 1 })
    assert.equal("x='%2A%2F%20drop%20%27%20%2F%2A%0A'", comment.text { x = "*/ drop ' /*\n" })
    assert.equal("%27%2A%2F='1'", comment.text { ["'*/"] = "1" })
    assert.has_error(function() comment.text { x = {} } end)
    assert.has_error(function() comment.text { "x" } end)
  end)
end)

describe("sql.shape", function()
  it("forgets when texts never come again, and goes on working", function()
    local shape = require "moonpool.sql.shape"
    local _, before = shape.size()
    local base = db:from("t"):order_by "id"
    for i = 1, 30000 do base:where("a = " .. i) end
    local count, after = shape.size()
    assert.is_true(after > before)
    assert.is_true(count <= 20000)
    assert.equal('select * from "t" where a = 1 order by "id" limit $1',
      building.text(base:where("a = 1"):limit(3)))
  end)
end)
