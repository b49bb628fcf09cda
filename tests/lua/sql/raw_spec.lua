-- SQL said aloud: placeholders, names, nested terms, what is refused.
local building = require "building"
local null = require "moonpool.core.null"
local sql = require "moonpool.sql"
local writer = require "moonpool.sql.writer"

local raw, c = sql.raw, sql.cond

local function written(term)
  local values = {}
  for i = 1, term.n do values[i] = term[i] end
  return writer.render(term.shape.tree).text, values
end

local function is(text, values, term)
  local got, params = written(term)
  assert.equal(text, got)
  assert.same(values, params)
end

describe("moonpool.raw", function()
  it("numbers its parameters", function()
    is("now()", {}, raw "now()")
    is("age + $1", { 1 }, raw("age + ?", 1))
    is("f($1, $2, $3)", { "a", false, 3 }, raw("f(?, ?, ?)", "a", false, 3))
  end)

  it("counts nil among them", function()
    is("f($1)", { null }, raw("f(?)", nil))
    is("f($1, $2)", { 1, null }, raw("f(?, ?)", 1, nil))
  end)

  it("leaves literals, names, comments and casts alone", function()
    is("'?' || \"?\" || $1::text -- ?\n", { "x" }, raw([['?' || "?" || ?::text -- ?]], "x"))
    is("$$ ? $$ || $1 /* ? /* ? */ */", { 1 }, raw("$$ ? $$ || ? /* ? /* ? */ */", 1))
    is("tags[1:2] || $1", { "x" }, raw("tags[1:2] || :t", { t = "x" }))
    is([[E'\'?' || $1]], { 1 }, raw([[E'\'?' || ?]], 1))
  end)

  it("writes ?? as the operator ?", function()
    is("profile ? $1", { "a" }, raw("profile ?? ?", "a"))
    is("profile ?| $1", { "a" }, raw("profile ??| ?", "a"))
    is("?$1", { 1 }, raw("???", 1))
    is("'??' ? $1", { 1 }, raw("'??' ?? ?", 1))
  end)

  it("takes names, each once however often it stands", function()
    is("a = $1 or b = $2 or c = $1", { 1, 2 }, raw("a = :x or b = :y or c = :x", { x = 1, y = 2 }))
  end)

  it("takes expressions, conditions and queries as parameters", function()
    is('lower("u"."name") = $1', { "ann" }, raw("lower(?) = ?", c.col "u.name", "ann"))
    is("(a + $1) * $2", { 1, 2 }, raw("? * ?", raw("a + ?", 1), 2))
    is('case when ("age" > $1) then $2 end', { 1, 2 }, raw("case when ? then ? end", c.gt("age", 1), 2))
    local sub = building.db:from("t"):select("id"):where { a = 7 }
    is('array(select "id" from "t" where "a" = $1) && $2', { 7, 8 }, raw("array? && ?", sub, 8))
    is("f((x + $1), (x + $1))", { 1 }, raw("f(:e, :e)", { e = raw("x + ?", 1) }))
  end)

  it("is the same object where nothing varies", function()
    assert.equal(raw "count(*)", raw "count(*)")
  end)

  it("refuses a wrong number of values", function()
    assert.equal('"a = ?" has 1 placeholder and was given 0 values',
      building.misuse(function() raw "a = ?" end))
    assert.equal('"a = 1" has 0 placeholders and was given 1 value',
      building.misuse(function() raw("a = 1", 1) end))
    assert.truthy(building.misuse(function() raw("a = :x", 1) end):find("names its parameters", 1, true))
    assert.truthy(building.misuse(function() raw("a = :x", { y = 1 }) end):find("asks for :x", 1, true))
    assert.truthy(building.misuse(function() raw("a = :x", { x = 1, y = 1 }) end):find("has no parameter :y", 1, true))
  end)

  it("refuses mixed spellings, numbers of its own, and what is not closed", function()
    assert.truthy(building.misuse(function() raw("a = ? and b = :x", 1) end):find("mixes ? and :name", 1, true))
    assert.truthy(building.misuse(function() raw("a = $1", 1) end):find("numbers its parameters itself", 1, true))
    assert.truthy(building.misuse(function() raw "a = 'x" end):find("never closed", 1, true))
    assert.truthy(building.misuse(function() raw "a /* x" end):find("never closed", 1, true))
    assert.truthy(building.misuse(function() raw "  " end):find("empty", 1, true))
    assert.truthy(building.misuse(function() raw "a\0" end):find("zero byte", 1, true))
    assert.truthy(building.misuse(function() raw(7) end):find("must be a string", 1, true))
  end)

  it("refuses tables that say nothing of what they are", function()
    local message = building.misuse(function() raw("a = ?", { 1, 2 }) end)
    assert.truthy(message:find("c.in_ for alternatives", 1, true))
    assert.has_error(function() raw("a = ?", function() end) end)
    -- A field that somebody could send does not make a term.
    assert.has_error(function() raw("a = ?", { shape = { tree = {} }, n = 0 }) end)
  end)

  it("keeps a comment at its end from swallowing what follows", function()
    local q = building.db:from("t"):where("a = 1 -- why"):where { b = 2 }
    assert.equal('select * from "t" where (a = 1 -- why\n) and "b" = $1', building.text(q))
  end)

  it("has over, filter and as", function()
    is("rank() over ()", {}, raw("rank()"):over())
    is('sum(x) over "w"', {}, raw("sum(x)"):over "w")
    is('sum(x) over (partition by "a", lower(b) order by "c" desc, "d" rows between 1 preceding and current row)', {},
      raw("sum(x)"):over { partition_by = { "a", raw "lower(b)" }, order_by = { "c desc", "d" },
        frame = "ROWS  between 1 preceding and current row" })
    is('count(*) filter (where "age" > $1)', { 18 }, raw("count(*)"):filter(c.gt("age", 18)))
    assert.truthy(building.misuse(function() raw("x"):overr() end):find('did you mean "over"', 1, true))
    assert.truthy(building.misuse(function() raw("x"):over { frame = "rows; drop" } end)
      :find("not a window frame", 1, true))
    assert.truthy(building.misuse(function() raw("x"):over { orderby = "a" } end)
      :find('did you mean "order_by"', 1, true))
    assert.truthy(building.misuse(function() raw("x"):as "a b" end):find("one plain name", 1, true))
  end)
end)

describe("c.col", function()
  it("is a column where a string would be a value", function()
    is('"o"."user_id" = "u"."id"', {}, c.eq("o.user_id", c.col "u.id"))
    is('"odd.name"."x y"', {}, c.col("odd.name", "x y"))
    assert.has_error(function() c.col "count(*)" end)
    assert.has_error(function() c.col() end)
  end)
end)
