-- Select: each clause as text, and what is refused.
local building = require "building"
local sql = require "moonpool.sql"

local c, raw, db, text, params, misuse = sql.cond, sql.raw, building.db, building.text, building.params, building.misuse

describe("select", function()
  it("reads tables, functions and queries", function()
    assert.equal('select * from "users"', text(db:from "users"))
    assert.equal('select * from "billing"."orders" as "o"', text(db:from "billing.orders o"))
    assert.equal('select * from "users" as "u"', text(db:from("users", "u")))
    assert.equal('select * from (select "id" from "t") as "q"', text(db:from(db:from("t"):select("id"):as "q")))
    assert.equal('select * from (select * from "t") as "q"', text(db:from(db:from "t", "q")))
    assert.equal('select * from generate_series(1, $1) as "g"', text(db:from(raw("generate_series(1, ?)", 3):as "g")))
    assert.equal("select * from unnest($1::int[]) as u(x)", text(db:from(raw("unnest(?::int[]) as u(x)", "{1}"))))
    assert.truthy(misuse(function() db:from(db:from "t") end):find('needs a name; say from(query:as "t")', 1, true))
    assert.truthy(misuse(function() db:from() end):find("needs a table's name", 1, true))
    assert.truthy(misuse(function() db:from(c.eq("a", 1)) end):find("needs a table's name", 1, true))
  end)

  it("selects columns in the order in which they were said", function()
    assert.equal('select "id", "u".*, "name" as "n", count(*) from "t"',
      text(db:from("t"):select("id", "u.*", "name as n"):select(raw "count(*)")))
    assert.equal('select "age", count(*) as "n", "x"."y" as "z" from "t"',
      text(db:from("t"):select { z = "x.y", n = raw "count(*)", "age" }))
    assert.equal('select (select count(*) from "o") as "orders", "age" > $1 as "grown" from "t"',
      text(db:from("t"):select(db:from("o"):select(raw "count(*)"):as "orders", raw('"age" > ?', 18):as "grown")))
    assert.equal('select "b" from "t"', text(db:from("t"):select("a"):reselect "b"))
    assert.equal('select "a", "b", "c", "d", "e", "f", "g", "h" from "t"',
      text(db:from("t"):select("a", "b", "c", "d", "e", "f", "g", "h")))
    assert.truthy(misuse(function() db:from("t"):select() end):find("at least one column", 1, true))
    assert.truthy(misuse(function() db:from("t"):select {} end):find("empty table", 1, true))
    assert.truthy(misuse(function() db:from("t"):select("a", nil, "b") end)
      :find("argument 2 of select is nil", 1, true))
    assert.truthy(misuse(function() db:from("t"):select("a", {}) end):find("got a table", 1, true))
    assert.truthy(misuse(function() db:from("t"):select(7) end):find("got 7", 1, true))
    assert.truthy(misuse(function() db:from("t"):select "count(*)" end):find('moonpool.raw("count(*)")', 1, true))
    assert.truthy(misuse(function() db:from("t"):select { ['n"; drop'] = raw "1" } end):find("one plain name", 1, true))
  end)

  it("is distinct", function()
    assert.equal('select distinct "a" from "t"', text(db:from("t"):select("a"):distinct()))
    assert.equal('select distinct on ("a", lower(b)) * from "t"', text(db:from("t"):distinct_on("a", raw "lower(b)")))
    assert.has_error(function() db:from("t"):distinct_on "a; drop" end)
  end)

  it("joins", function()
    assert.equal('select * from "u" join "o" on o.u = u.id and o.x = $1 left join "p" on "p"."id" = "o"."p" '
      .. 'right join "q" using ("id") full join "r" using ("a", "b") cross join "s"',
      text(db:from("u"):join("o", "o.u = u.id and o.x = ?", 1):left_join("p", c.eq("p.id", c.col "o.p"))
        :right_join("q", { using = "id" }):full_join("r", { using = { "a", "b" } }):cross_join "s"))
    local latest = db:from("o"):where(c.eq("o.u", c.col "u.id")):order_by("id desc"):limit(1)
    local q = db:from("u"):where { a = 1 }:lateral(latest:as "l"):left_lateral(latest:as "m", "m.x = ?", 2)
    assert.equal('select * from "u" join lateral (select * from "o" where "o"."u" = "u"."id" order by "id" desc '
      .. 'limit $1) as "l" on true left join lateral (select * from "o" where "o"."u" = "u"."id" order by "id" desc '
      .. 'limit $2) as "m" on m.x = $3 where "a" = $4', text(q))
    assert.same({ 1, 1, 2, 1 }, params(q))
    assert.truthy(misuse(function() db:from("u"):join "o" end):find("cross_join", 1, true))
    assert.truthy(misuse(function() db:from("u"):join(latest, "true") end):find("needs a name", 1, true))
    assert.truthy(misuse(function() db:from("u"):lateral("o", "true") end):find("needs a query", 1, true))
    assert.truthy(misuse(function() db:from("u"):join("o", { a = nil }) end):find("came out empty", 1, true))
    assert.has_error(function() db:from("u"):join("o", { using = 'id") --' }) end)
  end)

  it("filters rows and groups", function()
    local q = db:from("t"):select("a"):where { b = 1 }:group_by("a", raw("b + ?", 2)):having("count(*) > ?", 3)
      :having(c.lt(raw "sum(x)", 4))
    assert.equal('select "a" from "t" where "b" = $1 group by "a", b + $2 having (count(*) > $3) and (sum(x)) < $4',
      text(q))
    assert.same({ 1, 2, 3, 4 }, params(q))
    assert.equal('select * from "t" group by "a", "b"', text(db:from("t"):group_by { "a", "b" }))
    assert.equal('select * from "t" where (a = $1 or b = $2) and "c" = $2', (function()
      local t = text(db:from("t"):where_named("a = :x or b = :y", { x = 1, y = 2 }):where { c = 3 })
      return (t:gsub("%$3", "$2"))
    end)())
    assert.truthy(misuse(function() db:from("t"):where() end):find("was given nil", 1, true))
    assert.truthy(misuse(function() db:from("t"):where({ a = 1 }, 2) end):find("values after SQL text only", 1, true))
    assert.truthy(misuse(function() db:from("t"):where("age", ">", 18) end):find('"age > ?" and then', 1, true))
    assert.truthy(misuse(function() db:from("t"):where(db:from "t") end):find("a query is no condition", 1, true))
    assert.truthy(misuse(function() db:from("t"):where(raw("a"):as "b") end):find("alias", 1, true))
    assert.truthy(misuse(function() db:from("t"):group_by {} end):find("empty table", 1, true))
    assert.has_error(function() db:from("t"):group_by "a, (select 1)" end)
  end)

  it("orders", function()
    assert.equal('select * from "t" order by "a" desc, "b" nulls first, lower(c), (lower(d)) desc nulls last, "e" desc',
      text(db:from("t"):order_by("a desc", "b nulls first"):order_by(raw "lower(c)",
        { raw "lower(d)", "desc", nulls = "last" }, { "e", "desc" })))
    assert.equal('select * from "t" order by "a", "b"', text(db:from("t"):order_by { "a", "b" }))
    assert.equal('select * from "t" order by "b"', text(db:from("t"):order_by("a"):reorder "b"))
    assert.has_error(function() db:from("t"):order_by("a", "b; drop table t") end)
    assert.has_error(function() db:from("t"):order_by { "a", "sideways", nulls = "last" } end)
    assert.has_error(function() db:from("t"):order_by { "a", "desc", nulls = "last; drop" } end)
    assert.has_error(function() db:from("t"):order_by { "a", nulls = "last", extra = 1 } end)
    assert.has_error(function() db:from("t"):order_by(7) end)
  end)

  it("limits with parameters, so that pages share one text", function()
    local q = db:from("t"):limit(10):offset(20)
    assert.equal('select * from "t" limit $1 offset $2', text(q))
    assert.same({ 10, 20 }, params(q))
    assert.same({ 5, 20 }, params(q:limit(5)))
    for _, bad in ipairs { "10", -1, 1.5, 0 / 0, math.huge, {}, false } do
      assert.truthy(misuse(function() q:limit(bad) end):find("whole number of rows", 1, true))
    end
    assert.has_error(function() q:limit(nil) end)
  end)

  it("has windows", function()
    assert.equal('select rank() over "w" as "r" from "t" window "w" as (partition by "a" order by "b" desc '
      .. "groups between unbounded preceding and 2 following exclude ties)",
      text(db:from("t"):select { r = raw("rank()"):over "w" }:window("w", { partition_by = "a", order_by = "b desc",
        frame = "groups between unbounded preceding and 2 following exclude ties" })))
    for _, frame in ipairs { "rows", "rows 1", "rows between 1 preceding", "rows 1 preceding; drop", "1",
      "range between x" } do
      assert.has_error(function() db:from("t"):window("w", { frame = frame }) end)
    end
    assert.has_error(function() db:from("t"):window('w" as ()--', {}) end)
  end)

  it("combines queries", function()
    local a, b = db:from("a"):select("x"):where { y = 1 }, db:from("b"):select("x"):where { y = 2 }
    local q = a:union(b):order_by("x"):limit(3)
    assert.equal('select "x" from "a" where "y" = $1 union select "x" from "b" where "y" = $2 order by "x" limit $3',
      text(q))
    assert.same({ 1, 2, 3 }, params(q))
    assert.equal('(select "x" from "a" where "y" = $1 limit $2) union all (select "x" from "b" where "y" = $3 '
      .. 'order by "x")', text(a:limit(1):union_all(b:order_by "x")))
    assert.equal('(select "x" from "a" where "y" = $1 intersect select "x" from "b" where "y" = $2) except '
      .. 'select "x" from "a" where "y" = $3', text(a:intersect(b):except(a)))
    assert.truthy(misuse(function() q:where { x = 1 } end):find('db:from(query:as "t"):where', 1, true))
    assert.truthy(misuse(function() q:select "x" end):find("changes nothing", 1, true))
    assert.truthy(misuse(function() q:for_update() end):find("other rows", 1, true))
    assert.truthy(misuse(function() a:union "b" end):find("needs another select", 1, true))
    assert.truthy(misuse(function() a:union(db:update "t") end):find("needs another select", 1, true))
  end)

  it("names queries with with", function()
    local grown = db:from("u"):where(c.gt("age", 30))
    local q = db:with("grown", grown):from("grown"):where { a = 1 }
    assert.equal('with "grown" as (select * from "u" where "age" > $1) select * from "grown" where "a" = $2', text(q))
    assert.same({ 30, 1 }, params(q))
    assert.equal('with "a" ("x", "y") as materialized (select 1, 2), "b" as not materialized (select * from "a") '
      .. 'select * from "b"', text(db:with("a", raw "select 1, 2", { columns = { "x", "y" }, materialized = true })
        :with("b", db:from "a", { materialized = false }):from "b"))
    local tree = db:from("n"):select("id"):where { id = 1 }
      :union_all(db:from("n"):select("n.id"):join("tree t", "t.id = n.parent"))
    assert.equal('with recursive "tree" as (select "id" from "n" where "id" = $1 union all select "n"."id" from "n" '
      .. 'join "tree" as "t" on t.id = n.parent) select * from "tree"', text(db:with_recursive("tree",
        tree):from "tree"))
    -- The expressions of a part stand at the beginning of the whole.
    assert.equal('with "g" as (select * from "u" where "age" > $1) select "x" from "g" union select "x" from "b"',
      text(db:with("g", grown):from("g"):select("x"):union(db:from("b"):select "x")))
    assert.truthy(misuse(function() db:with("a; b", grown) end):find("one plain name", 1, true))
    assert.truthy(misuse(function() db:with("a", "select 1") end):find("needs a query", 1, true))
    assert.truthy(misuse(function() db:with("a", grown, { recursive = true }) end):find("no option", 1, true))
    assert.truthy(misuse(function() db:with("a", grown):all() end):find("has no method all", 1, true))
  end)

  it("locks", function()
    assert.equal('select * from "t" where "id" = $1 for update of "t", "u" skip locked for share nowait',
      text(db:from("t"):where { id = 1 }:for_update { skip_locked = true, of = { "t",
        "u" } }:for_share { nowait = true }))
    assert.equal('select * from "t" for no key update for key share',
      text(db:from("t"):for_no_key_update():for_key_share()))
    assert.has_error(function() db:from("t"):for_update { nowait = true, skip_locked = true } end)
    assert.has_error(function() db:from("t"):for_update { wait = true } end)
    assert.has_error(function() db:from("t"):for_update { of = "t; drop" } end)
    assert.truthy(misuse(function() db:from("t"):group_by("a"):for_update() end):find("other rows", 1, true))
  end)

  it("applies scopes", function()
    local function adult(q, age) return q:where(c.ge("age", age)) end
    assert.equal('select * from "t" where "age" >= $1', text(db:from("t"):scope(adult, 18)))
    assert.truthy(misuse(function() db:from("t"):scope(function() end) end):find("must return a query", 1, true))
    assert.truthy(misuse(function() db:from("t"):scope "x" end):find("function or a condition", 1, true))
  end)

  it("carries a comment", function()
    assert.equal("select * from \"t\" /*job='a%27b',route='%2Fx'*/",
      text(db:from("t"):tagged { route = "/x" }:tagged { job = "a'b" }))
    assert.has_error(function() db:from("t"):tagged "x" end)
    assert.has_error(function() db:from("t"):tagged { x = {} } end)
  end)

  it("counts and asks without changing what is counted", function()
    local function asked(f)
      return building.asked(db, f).sql
    end
    local q = db:from("t"):where { a = 1 }:order_by "id"
    assert.equal('select count(*) from "t" where "a" = $1', asked(function() q:count() end))
    assert.equal('select count(*) from "t" where "a" = $1', asked(function() q:select("a", "b"):count() end))
    assert.equal('select count(*) from (select * from "t" where "a" = $1 order by "id" limit $2) as "counted"',
      asked(function() q:limit(3):count() end))
    assert.equal('select count(*) from (select distinct "a" from "t" where "a" = $1 order by "id") as "counted"',
      asked(function() q:select("a"):distinct():count() end))
    assert.equal('select count(*) from (select unnest(tags) from "t") as "counted"',
      asked(function() db:from("t"):select(raw "unnest(tags)"):count() end))
    assert.equal('with "x" as (insert into "t" ("a") values ($1) returning "a") '
      .. 'select count(*) from (select max(a) from "x") as "counted"',
      asked(function()
        db:with("x", db:insert_into("t"):values({ a = 1 }):returning "a"):from("x"):select(raw "max(a)"):count()
      end))
    assert.equal('select exists (select * from "t" where "a" = $1) as "exists"', asked(function() q:exists() end))
    assert.equal('select * from "t" where "a" = $1 order by "id" desc limit $2', asked(function() q:last() end))
    assert.equal('select * from "t" order by "a" nulls first, "b" desc nulls last limit $1',
      asked(function() db:from("t"):order_by("a desc nulls last", "b nulls first"):last() end))
    assert.equal('select "a" from "t" where "a" = $1 order by "id"', asked(function() q:pluck "a" end))
    assert.equal('select * from "t" where "id" = $1 limit $2', asked(function() db:from("t"):find(7) end))
    assert.equal('select * from "t" where "a" = $1 and "b" = $2 limit $3',
      asked(function() db:from("t"):find { b = 1, a = 2 } end))
    assert.equal('select * from "t" as "x" join "u" on true where "x"."uuid" = $1 limit $2',
      asked(function() db:from("t x"):join("u", "true"):find("7", "uuid") end))
    assert.equal('select * from "t" limit $1', asked(function() db:from("t"):one() end))
    assert.truthy(misuse(function() db:from("t"):last() end):find("needs an order", 1, true))
    assert.truthy(misuse(function() db:from("t"):order_by(raw "x desc"):last() end):find("each direction", 1, true))
    assert.truthy(misuse(function() db:from("t"):find(nil) end):find("needs a key, got nil", 1, true))
    assert.truthy(misuse(function() db:from("t"):find { a = nil } end):find("empty", 1, true))
    assert.truthy(misuse(function() db:from("t"):find_by {} end):find("any row", 1, true))
    assert.truthy(misuse(function() db:from("t"):find_by { id = nil } end):find("any row", 1, true))
  end)
end)
