-- Keyset pagination and cursors, as text.
local building = require "building"
local cursor = require "moonpool.query.cursor"
local null = require "moonpool.core.null"
local sql = require "moonpool.sql"

local raw, db, text, params, misuse = sql.raw, building.db, building.text, building.params, building.misuse

local function is(where, order, q)
  assert.equal('select * from "t" where ' .. where .. ' order by ' .. order, text(q))
end

describe("after and before", function()
  local t = db:from "t"

  it("compare one column", function()
    is('"id" > $1', '"id"', t:order_by("id"):after { id = 1 })
    is('"id" < $1', '"id" desc', t:order_by("id desc"):after { id = 1 })
    is('"id" < $1', '"id"', t:order_by("id"):before { id = 1 })
    is('"t"."id" > $1', '"t"."id"', t:order_by("t.id"):after { id = 1 })
    is('"t"."id" > $1', '"t"."id"', t:order_by("t.id"):after { ["t.id"] = 1 })
  end)

  it("compare whole rows where all go one way and no nulls follow", function()
    is('("a", "b") < ($1, $2)', '"a" desc, "b" desc', t:order_by("a desc", "b desc"):after { a = 1, b = 2 })
    is('("a", "b") > ($1, $2)', '"a", "b"', t:order_by("a", "b"):after({ b = 2, a = 1 }, { not_null = true }))
    is('("a", "b") < ($1, $2)', '"a", "b"', t:order_by("a", "b"):before { a = 1, b = 2 })
  end)

  it("look for nulls where they follow", function()
    is('("a" > $1 or "a" is null) or ("a" = $1 and ("b" > $2))', '"a", "b"', t:order_by("a",
      "b"):after { a = 1, b = 2 })
    is('"a" is null and ("b" > $1)', '"a", "b"', t:order_by("a", "b"):after { a = null, b = 2 })
    is('"a" is not null or ("a" is null and ("b" > $1))', '"a" desc, "b"',
      t:order_by("a desc", "b"):after { a = null, b = 2 })
    is('("a" < $1 or "a" is null) or ("a" = $1 and ("b" > $2))', '"a" desc nulls last, "b"',
      t:order_by("a desc nulls last", "b"):after { a = 1, b = 2 })
  end)

  it("go several ways at once, with a bound for the index in front", function()
    is('"a" <= $1 and ("a" < $1 or ("a" = $1 and ("b" > $2)))', '"a" desc, "b"',
      t:order_by("a desc", "b"):after { a = 1, b = 2 })
    is('"a" <= $1 and ("a" < $1 or ("a" = $1 and (("b" > $2 or "b" is null) or ("b" = $2 and ("c" < $3)))))',
      '"a" desc, "b", "c" desc', t:order_by("a desc", "b", "c desc"):after { a = 1, b = 2, c = 3 })
  end)

  it("stand beside other conditions, and each value is sent once", function()
    local q = t:where("x or y"):order_by("a desc", "b"):after({ a = 1, b = 2 }):where { z = 3 }
    assert.equal('select * from "t" where (x or y) and "z" = $1 and "a" <= $2 and ("a" < $2 or '
      .. '("a" = $2 and ("b" > $3))) order by "a" desc, "b"', text(q))
    assert.same({ 3, 1, 2 }, params(q))
  end)

  it("turn the order round where before has a limit", function()
    assert.equal('select * from "t" where "id" < $1 order by "id" desc limit $2',
      text(t:order_by("id"):before({ id = 9 }):limit(3)))
    assert.equal('select * from "t" where "id" < $1 order by "id" desc limit $2',
      text(t:order_by("id"):limit(3):before { id = 9 }))
    assert.equal('select * from "t" where "id" > $1 and "id" < $2 order by "id" limit $3',
      text(t:order_by("id"):after({ id = 1 }):before({ id = 9 }):limit(3)))
  end)

  it("say what is missing, what is too much, and what comes first", function()
    assert.truthy(misuse(function() t:after { id = 1 } end):find("needs an order", 1, true))
    assert.truthy(misuse(function() t:order_by("a", "id"):after { id = 1 } end):find('needs "a"', 1, true))
    assert.truthy(misuse(function() t:order_by("id"):after { id = 1, x = 2 } end):find('got "x"', 1, true))
    assert.truthy(misuse(function() t:order_by("id"):after { id = { 1 } } end):find("is a table", 1, true))
    assert.truthy(misuse(function() t:order_by("id"):after(1) end):find("like { id = 7 }", 1, true))
    assert.truthy(misuse(function() t:order_by("id"):after({ id = 1 }, { nonull = true }) end)
      :find("no option", 1, true))
    assert.truthy(misuse(function() t:order_by("id"):after({ id = 1 }):order_by "a" end):find("put it before", 1, true))
    assert.truthy(misuse(function() t:order_by(raw "x"):after { id = 1 } end):find("each direction", 1, true))
    assert.truthy(misuse(function() t:order_by { raw "x", "desc" }:after { id = 1 } end):find("expression", 1, true))
  end)
end)

describe("cursors", function()
  it("give back what was put in", function()
    for _, values in ipairs {
      { "1" }, { "", "x" }, { false }, { "a:b", false, "3:x" }, { ("x"):rep(1000), "é" }, { "\1\2\3" },
        { "ab" }, { "abcd" },
    } do
      for _, forward in ipairs { true, false } do
        local written = cursor.write("shape", forward, values)
        assert.truthy(written:find "^[%w_-]+$")
        local way, read = cursor.read("shape", written)
        assert.equal(forward, way)
        assert.same(values, read)
      end
    end
  end)

  it("refuse what is not theirs", function()
    local written = cursor.write("shape", true, { "17", "x" })
    local function refused(shape, given)
      local ok, e = pcall(cursor.read, shape, given)
      return not ok and e.kind == "invalid_cursor"
    end
    assert.is_true(refused("other", written))
    for i = 1, #written do
      assert.is_true(refused("shape", written:sub(1, i - 1)), "cut at " .. i)
      local c = written:sub(i, i) == "A" and "B" or "A"
      -- The last letter may hold bits that nobody reads.
      if i < #written then assert.is_true(refused("shape", written:sub(1, i - 1) .. c .. written:sub(i + 1)),
        "at " .. i) end
    end
    for _, bad in ipairs { "", "x", "!!!!", "' or 1=1 --", ("A"):rep(70000), 7, true } do
      assert.is_true(refused("shape", bad))
    end
  end)
end)
