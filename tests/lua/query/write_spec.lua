-- Insert, update, delete as text, and what is refused.
local building = require "building"
local marks = require "moonpool.core.marks"
local moonpool = require "moonpool"
local null = require "moonpool.core.null"
local sql = require "moonpool.sql"

local c, raw, db, text, params, misuse = sql.cond, sql.raw, building.db, building.text, building.params, building.misuse

describe("insert", function()
  local t = db:insert_into "t"

  it("inserts a row, its columns in the order of their names", function()
    local q = t:values { c = 3, a = 1, b = null }
    assert.equal('insert into "t" ("a", "b", "c") values ($1, $2, $3)', text(q))
    assert.same({ 1, null, 3 }, params(q))
    assert.equal('insert into "t" ("a", "b") values ($1, now())', text(t:values { a = 1, b = raw "now()", c = nil }))
    assert.equal('insert into "t" ("a") values ((select max(x) from "u"))',
      text(t:values { a = db:from("u"):select(raw "max(x)") }))
    assert.equal('insert into "t" default values', text(t:default_values()))
    assert.equal('insert into "s"."t" as "x" ("a") values ($1)', text(db:insert_into("s.t x"):values { a = 1 }))
    assert.equal('insert into "t" ("id") overriding system value values ($1)',
      text(t:values({ id = 1 }):overriding "system"))
  end)

  it("inserts many rows with one text", function()
    local q = t:values { { a = 1, b = "x" }, { b = null, a = 2 } }
    assert.equal('insert into "t" ("a", "b") select * from unnest(coalesce($1, array[(null::"t")."a"]), '
      .. 'coalesce($2, array[(null::"t")."b"]))', text(q))
    assert.same({ { 1, 2 }, { "x", null } }, params(q))
    assert.equal(text(q), text(t:values { { a = 1, b = 2 }, { a = 1, b = 2 }, { a = 1, b = 2 } }))
    assert.equal('insert into "s"."t" as "x" ("a") select * from unnest(coalesce($1, array[(null::"s"."t")."a"]))',
      text(db:insert_into("s.t x"):values { { a = 1 }, { a = 2 } }))
  end)

  it("takes arrays and columns of NULLs along, with one text for any number of rows", function()
    local q = t:values { { id = 1, tags = { "x", "y" }, a = null }, { id = 2, tags = null, a = null } }
    assert.equal('insert into "t" ("a", "id", "tags") select null, u."id", array_cat(r."tags", null) from '
      .. 'unnest(coalesce($1, array[(null::"t")."id"]), $2::text[]) as u("id", "tags"), lateral json_populate_record('
      .. 'row((null::"t").*)::"t", row_to_json((select x from (select u."tags") as x))) as r', text(q))
    assert.same({ { 1, 2 }, { '{"x","y"}', null } }, params(q))
    assert.equal(text(q), text(t:values { { id = 1, tags = moonpool.array {}, a = null },
      { id = 2, tags = { { 1 } }, a = null }, { id = 2, tags = null, a = null } }))
    assert.equal('insert into "t" ("a") values ($1), ($2)', text(t:values { { a = null }, { a = null } }))
    assert.equal('insert into "t" ("a") values ($1), ($2)', text(t:values { { a = { 1 } }, { a = "x" } }))
  end)

  it("sends each value where rows differ, or hold SQL or composite values", function()
    local q = t:values { { a = 1, b = 2 }, { a = 3 }, { b = raw "now()" } }
    assert.equal('insert into "t" ("a", "b") values ($1, $2), ($3, default), (default, now())', text(q))
    assert.same({ 1, 2, 3 }, params(q))
    assert.equal('insert into "t" ("home") values ($1), ($2)', text(t:values { { home = moonpool.composite { "x" } },
      { home = null } }))
    assert.equal('insert into "t" ("a") values ($1), ($2)', text(t:values({ { a = 1 }, { a = 2 } },
      { batch = "values" })))
  end)

  it("stores plain tables: lists as arrays, maps as documents", function()
    local _, given = t:values({ tags = { "x" }, profile = { a = 1 }, m = { { 1, 2 }, { 3, 4 } } }):to_sql()
    assert.equal("array", marks.kind(given[1]))
    assert.equal("array", marks.kind(given[1][1]))
    assert.equal("json", marks.kind(given[2]))
    assert.equal("array", marks.kind(given[3]))
    local _, arrays = t:values({ { p = { a = 1 } }, { p = marks.json { 1 } } }):to_sql()
    assert.equal("json", marks.kind(arrays[1][1]))
    assert.truthy(misuse(function() t:values { a = {} } end):find("moonpool.array{}", 1, true))
  end)

  it("inserts the rows of a query", function()
    assert.equal('insert into "t" ("a", "b") select "x", "y" from "u" where "z" = $1',
      text(t:from_select({ "a", "b" }, db:from("u"):select("x", "y"):where { z = 1 })))
    assert.has_error(function() t:from_select(db:from "u") end)
    assert.has_error(function() t:from_select({ "a" }, "select 1") end)
  end)

  it("answers conflicts", function()
    local v = t:values { a = 1, b = 2, n = 3 }
    local head = 'insert into "t" ("a", "b", "n") values ($1, $2, $3) on conflict'
    assert.equal(head .. " do nothing", text(v:on_conflict():do_nothing()))
    assert.equal(head .. ' ("a", lower(b)) do nothing', text(v:on_conflict("a", raw "lower(b)"):do_nothing()))
    assert.equal(head .. ' ("a") where deleted_at is null do nothing',
      text(v:on_conflict({ "a", where = "deleted_at is null" }):do_nothing()))
    assert.equal(head .. ' on constraint "t_a_key" do update set "b" = excluded."b"',
      text(v:on_conflict({ constraint = "t_a_key" }):do_update { "b" }))
    assert.equal(head .. ' ("a") do update set "b" = excluded."b", "n" = t.n + $4 where ("t"."b" > $5) and (true)',
      text(v:on_conflict("a"):do_update({ "b", n = raw("t.n + ?", 1) }):where(c.gt("t.b", 0)):where "true"))
    assert.same({ 1, 2, 3, 1, 0 }, params(v:on_conflict("a"):do_update({ n = raw("t.n + ?",
      1) }):where(c.gt("t.b", 0))))
    assert.equal(head .. ' ("a") do update set "b" = excluded."b", "n" = excluded."n"',
      text(v:on_conflict("a"):do_update()))
    assert.truthy(misuse(function() v:on_conflict("a"):to_sql() end):find("no answer yet", 1, true))
    assert.truthy(misuse(function() v:do_nothing() end):find("say on_conflict", 1, true))
    assert.truthy(misuse(function() v:on_conflict():do_update { "b" } end):find("needs to know the conflict", 1, true))
    assert.truthy(misuse(function() v:on_conflict("a"):do_update {} end):find("empty table", 1, true))
    assert.truthy(misuse(function() v:on_conflict("a"):do_nothing():do_update { "b" } end)
      :find("another answer", 1, true))
    assert.truthy(misuse(function() v:on_conflict("a"):on_conflict "b" end):find("said already", 1, true))
    assert.truthy(misuse(function() v:on_conflict { "a", constraint = "x" } end):find("not both", 1, true))
    assert.truthy(misuse(function() v:where { a = 1 } end):find("behind do_update", 1, true))
    assert.has_error(function() v:on_conflict "a) do nothing --" end)
    assert.has_error(function() v:on_conflict("a"):do_update { 'b" = 1 --' } end)
  end)

  it("refuses rows that say nothing, or two things", function()
    assert.truthy(misuse(function() t:values {} end):find("default_values()", 1, true))
    assert.truthy(misuse(function() t:values { { a = 1 }, {} } end):find("row 2 of values has no columns", 1, true))
    assert.truthy(misuse(function() t:values { { a = 1 }, 7 } end):find("row 2", 1, true))
    assert.truthy(misuse(function() t:values { { a = 1 }, b = 2 } end):find("both", 1, true))
    assert.truthy(misuse(function() t:values { { a = 1 }, nil, { a = 2 } } end):find("row 2 of values is nil", 1, true))
    assert.truthy(misuse(function() t:values "x" end):find("needs a row", 1, true))
    assert.truthy(misuse(function() t:values { a = function() end } end):find("is a function", 1, true))
    assert.truthy(misuse(function() t:values { a = 1 }:values { a = 2 } end):find("has its rows already", 1, true))
    assert.truthy(misuse(function() t:to_sql() end):find("no rows", 1, true))
    assert.truthy(misuse(function() t:values { ["a) values (1) --"] = 1 } end):find("one plain name", 1, true))
    assert.truthy(misuse(function() t:values({ { a = 1 }, { a = raw "x" } }, { batch = "unnest" }) end)
      :find("cannot travel as arrays", 1, true))
    assert.truthy(misuse(function() db:insert_into(db:from "t") end):find("needs a table's name", 1, true))
    local rows = {}
    for i = 1, 40000 do rows[i] = { a = i, b = i } end
    assert.truthy(misuse(function() t:values(rows, { batch = "values" }) end):find("db:copy_in", 1, true))
    assert.has_no_error(function() t:values(rows) end)
  end)

  it("gives rows only where it was told to", function()
    assert.equal('insert into "t" ("a") values ($1) returning "id", now() as "n"',
      text(t:values({ a = 1 }):returning { "id", n = raw "now()" }))
    assert.equal('insert into "t" ("a") values ($1) returning *', text(t:record { a = 1 }))
    assert.truthy(misuse(function() t:values({ a = 1 }):all() end):find("returning", 1, true))
  end)
end)

describe("update", function()
  local t = db:update "t"

  it("sets values and expressions", function()
    local q = t:set({ b = 2, a = 1, n = null }):where { id = 7 }
    assert.equal('update "t" set "a" = $1, "b" = $2, "n" = $3 where "id" = $4', text(q))
    assert.same({ 1, 2, null, 7 }, params(q))
    assert.equal('update "t" set "a" = a + $1, "b" = $2, c = c || $3 where "id" = $4',
      text(t:set({ a = raw("a + ?", 1), b = 2 }):set("c = c || ?", "x"):where { id = 1 }))
    assert.equal('update "t" set "a" = (select max(x) from "u") where "id" = $1',
      text(t:set({ a = db:from("u"):select(raw "max(x)") }):where { id = 1 }))
    assert.equal('update "t" as "x" set "a" = o.b from "o" join "p" on p.id = o.id where x.id = o.id returning "x".*',
      text(db:update("t x"):set({ a = raw "o.b" }):from("o"):join("p",
        "p.id = o.id"):where("x.id = o.id"):returning "x.*"))
    assert.truthy(misuse(function() t:set {} end):find("nothing to set", 1, true))
    assert.truthy(misuse(function() t:set { a = nil } end):find("nothing to set", 1, true))
    assert.truthy(misuse(function() t:set { "a" } end):find("got a list", 1, true))
    assert.truthy(misuse(function() t:set(7) end):find("got 7", 1, true))
    assert.truthy(misuse(function() t:set({ a = 1 }):set { a = 2 } end):find("set twice", 1, true))
    assert.truthy(misuse(function() t:where("true"):to_sql() end):find("sets nothing", 1, true))
    assert.truthy(misuse(function() t:join("o", "true") end):find(":from(", 1, true))
    assert.has_error(function() t:set { ["a = 1, b"] = 2 } end)
  end)

  it("is refused without a condition", function()
    local q = t:set { a = 1 }
    assert.truthy(misuse(function() q:to_sql() end):find(":every_row()", 1, true))
    assert.truthy(misuse(function() q:exec() end):find(":every_row()", 1, true))
    assert.truthy(misuse(function() q:where { id = nil } end):find("came out empty", 1, true))
    assert.truthy(misuse(function() q:where(c.all {}) end):find("came out empty", 1, true))
    assert.truthy(misuse(function() q:where(c.any { { id = nil }, { a = 1 } }) end):find("came out empty", 1, true))
    assert.truthy(misuse(function() q:where({ a = 1 }):where { id = nil } end):find("came out empty", 1, true))
    assert.truthy(misuse(function() db:with("x", q:returning "a"):from("x"):to_sql() end):find(":every_row()", 1, true))
    assert.equal('update "t" set "a" = $1', text(q:every_row()))
  end)

  it("stores a record by its key", function()
    local q = t:record({ id = 7, a = 1, b = 2 }):returning "*"
    assert.equal('update "t" set "a" = $1, "b" = $2 where "id" = $3 returning *', text(q))
    assert.same({ 1, 2, 7 }, params(q))
    assert.equal('update "t" set "a" = $1 where "k" = $2 and "l" = $3',
      text(t:record({ k = 1, l = 2, a = 3 }, { "k", "l" })))
    assert.truthy(misuse(function() t:record { a = 1 } end):find('has no "id"', 1, true))
    assert.truthy(misuse(function() t:record { id = 1 } end):find("nothing but its key", 1, true))
    assert.truthy(misuse(function() t:record { id = null, a = 1 } end):find('has no "id"', 1, true))
    assert.has_error(function() t:record(7) end)
    assert.has_error(function() t:record({ id = 1, a = 1 }, {}) end)
  end)
end)

describe("delete", function()
  local t = db:delete_from "t"

  it("deletes", function()
    assert.equal('delete from "t" where "a" < $1', text(t:where(c.lt("a", 8))))
    assert.equal('delete from "t" using "o" join "p" on true where t.id = o.id returning "t"."id"',
      text(t:using("o"):join("p", "true"):where("t.id = o.id"):returning "t.id"))
    assert.equal('delete from "t" where "id" = $1', text(t:record { id = 1, a = 2 }))
    assert.equal('delete from "t"', text(t:every_row()))
    assert.truthy(misuse(function() t:to_sql() end):find(":every_row()", 1, true))
    assert.truthy(misuse(function() t:where { id = nil } end):find("came out empty", 1, true))
    assert.truthy(misuse(function() t:wher { id = 1 } end):find('did you mean "where"', 1, true))
  end)

  it("goes into a common table expression", function()
    assert.equal('with "gone" as (delete from "t" where "a" = $1 returning "id") insert into "log" ("id") '
      .. 'select "id" from "gone"', text(db:with("gone", t:where({ a = 1 }):returning "id")
        :insert_into("log"):from_select({ "id" }, db:from("gone"):select "id")))
  end)
end)
