-- Names: what is read, what is quoted, what is refused.
local building = require "building"
local identifier = require "moonpool.sql.identifier"

local long = ("n"):rep(63)

describe("sql.identifier", function()
  it("reads columns", function()
    assert.equal('"id"', identifier.column("id").text)
    assert.equal('"u"."id"', identifier.column("u.id").text)
    assert.equal('"s"."t"."c"', identifier.column("s.t.c").text)
    assert.equal('"userId"', identifier.column("userId").text)
    assert.equal('"order"', identifier.column("order").text)
    assert.equal('"größe"', identifier.column("größe").text)
    assert.equal('"odd name"."it""s"', identifier.column('"odd name"."it""s"').text)
    assert.equal("it\"s", identifier.column('"it""s"').name)
    assert.equal('"' .. long .. '"', identifier.column(long).text)
  end)

  it("reads columns to select", function()
    local path, alias = identifier.selected "name as n"
    assert.equal('"name"', path.text)
    assert.equal('"n"', alias)
    assert.equal('"n"', select(2, identifier.selected "u.name n"))
    assert.equal("*", identifier.selected("*").text)
    assert.equal('"u".*', identifier.selected("u.*").text)
    assert.equal('"as"', identifier.selected("as").text)
  end)

  it("reads tables", function()
    assert.equal('"billing"."orders"', identifier.table("billing.orders").text)
    local path, alias = identifier.table "users AS u"
    assert.equal('"users"', path.text)
    assert.equal('"u"', alias)
    assert.equal('"u"', select(2, identifier.table "users  u "))
  end)

  it("reads orderings", function()
    local function told(text)
      local o = identifier.ordering(text)
      return { o.text, o.desc, o.nulls }
    end
    assert.same({ '"age"', false, nil }, told "age")
    assert.same({ '"age"', false, nil }, told "age asc")
    assert.same({ '"u"."age"', true, nil }, told "u.age DESC")
    assert.same({ '"age"', true, "last" }, told "age desc nulls last")
    assert.same({ '"age"', false, "first" }, told "age nulls first")
    assert.same({ '"desc"', true, nil }, told "desc desc")
  end)

  it("refuses what is no name, and says what to do", function()
    for _, bad in ipairs {
      "id; drop table users", "id--", "id/*", "count(*)", "a.b.c.d.e", "'id'", "id = 1", "1", "$1", "?", ":name",
      "a..b", ".a", "a.", "u.*.x", "", " ", '"', '"a', 'a"', '"a"b"', "a\nb", "a\tb", "a-b", "::text", "id desc",
      "name as n", "*", "u.*",
    } do
      local message = building.misuse(function() identifier.column(bad) end)
      assert.truthy(message:find("is not a column name", 1, true), bad .. ": " .. message)
      assert.truthy(message:find("moonpool.raw", 1, true))
    end
    for _, bad in ipairs { "id desc; drop", "id down", "id desc nulls", "id nulls none",
      "id desc nulls last x", "*" } do
      assert.truthy(building.misuse(function() identifier.ordering(bad) end):find("is not an ordering", 1, true), bad)
    end
    for _, bad in ipairs { "users u x", "users as", "users, orders", "users*", "*" } do
      assert.truthy(building.misuse(function() identifier.table(bad) end):find("is not a table name", 1, true), bad)
    end
    assert.truthy(building.misuse(function() identifier.column(7) end):find("must be written as a string", 1, true))
    assert.truthy(building.misuse(function() identifier.column(nil) end):find("got nil", 1, true))
  end)

  it("keeps names inside PostgreSQL's 63 bytes", function()
    assert.has_no_error(function() identifier.quote(long) end)
    local over = building.misuse(function() identifier.quote(long .. "n") end)
    assert.truthy(over:find("is 64 bytes long and PostgreSQL keeps 63", 1, true))
    assert.truthy(building.misuse(function() identifier.column("t." .. long .. "n") end):find("64 bytes", 1, true))
    -- A character across the edge counts with all its bytes.
    assert.truthy(building.misuse(function() identifier.quote(("n"):rep(62) .. "é") end):find("64 bytes", 1, true))
  end)

  it("refuses zero bytes and broken UTF-8", function()
    for _, bad in ipairs { "a\0b", "\0", "\xc0'", "\xe0\x27", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80", "a\xff",
      "\xc3" } do
      assert.has_error(function() identifier.quote(bad) end)
      assert.has_error(function() identifier.column('"' .. bad .. '"') end)
    end
    assert.equal('"‮"', identifier.quote "‮")
  end)

  it("joins parts that hold anything", function()
    assert.equal('"a.b"."c""d"', identifier.join("a.b", 'c"d'))
    assert.has_error(function() identifier.join() end)
    assert.has_error(function() identifier.join("a", nil, "b") end)
  end)

  it("takes one plain name where only one can be", function()
    assert.equal('"w"', identifier.single("w", "a window's name"))
    assert.truthy(building.misuse(function() identifier.single("a.b", "an alias") end)
      :find('an alias must be one plain name, got "a.b"', 1, true))
  end)
end)
