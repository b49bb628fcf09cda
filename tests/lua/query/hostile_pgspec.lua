-- The corpus against a server: values come back byte for byte, names name what they say, and the canary lives.

local database = require "database"
local hostile = require "hostile"
local moonpool = require "moonpool"

local c, raw = moonpool.cond, moonpool.raw

describe("hostile text on a server", function()
  local db, sendable

  setup(function()
    db = database.in_schema "hostile"
    db:script "create table canary (id int); create table t (id int primary key, a text, j jsonb, tags text[])"
    sendable = {}
    for _, x in ipairs(hostile) do
      if not x:find "%z" and pcall(db.query, db, "select ?::text", x) then sendable[#sendable + 1] = x end
    end
  end)

  teardown(function()
    assert.equal(0, db:query("select count(*) from canary"):scalar())
    db:exec "drop schema hostile cascade"
    db:close()
  end)

  before_each(function() db:exec "truncate t" end)

  it("refuses what cannot be text, before it is sent", function()
    assert.equal(9, #hostile - #sendable)
    for _, x in ipairs { "\0", "\xff" } do
      assert.equal("usage", database.refusal(function() db:from("t"):where({ a = x }):all() end).kind)
    end
  end)

  it("stores and finds every text", function()
    local rows = {}
    for i, x in ipairs(sendable) do
      rows[i] = { id = i, a = x, j = moonpool.object { [x] = x }, tags = { x, "other" } }
    end
    db:insert_into("t"):values(rows):exec()
    db:delete_from("t"):every_row():exec()
    for i, x in ipairs(sendable) do rows[i] = { id = i, a = x, j = moonpool.object { [x] = x } } end
    db:insert_into("t"):values(rows, { batch = "unnest" }):exec()
    for i, x in ipairs(sendable) do
      db:update("t"):set({ tags = { x, "other" } }):where({ id = i, a = x }):exec()
      local row = db:from("t"):find(i)
      assert.equal(x, row.a)
      assert.equal(x, row.j[x])
      assert.equal(x, row.tags[1])
      for name, condition in pairs {
        equality = { a = x, id = i }, list = c.all { c.in_("a", { x }), { id = i } }, has = c.array_has("tags", x),
        key = c.has_key("j", x), keys = c.has_any_key("j", { x }), json = c.eq(c.json_text("j", x), x),
        document = c.json_contains("j", { [x] = x }), overlaps = c.overlaps("tags", { x }), starts = c.starts_with("a", x),
        ends = c.ends_with("a", x), contains = c.contains("a", x), raw = raw("a = ?", x), row = c.in_({ "id", "a" }, { { i, x } }),
      } do
        local found = false
        for _, id in ipairs((db:from("t"):where(condition):pluck "id")) do found = found or id == i end
        assert.is_true(found, name .. ": " .. x)
      end
    end
    assert.equal(#sendable, db:from("t"):count())
  end)

  it("names columns and tables with every text that fits", function()
    local tried = 0
    for _, x in ipairs(sendable) do
      local ok, column = pcall(c.col, "odd", x)
      if ok then
        tried = tried + 1
        local quoted = moonpool.quote(x)
        db:script(('create table odd (id int, %s text); insert into odd values (1, \'v\')'):format(quoted))
        assert.equal("v", db:from("odd"):select(column):scalar())
        assert.equal("v", db:from("odd"):select(quoted):where({ [quoted] = "v" }):order_by(quoted .. " desc"):scalar())
        assert.equal(1, db:update("odd"):set({ [quoted] = "w" }):where(c.eq(column, "v")):exec())
        assert.equal(x, db:insert_into("odd"):values({ { [quoted] = x }, { [quoted] = x } }):returning(quoted):all()[1][x])
        assert.equal(2, db:delete_from("odd"):where(c.eq(quoted, x)):exec())
        assert.equal(1, db:from("odd"):select { [quoted] = raw "1" }:first()[x])
        db:exec "drop table odd"
      end
    end
    assert.is_true(tried > 80)
  end)

  it("carries every text in a comment", function()
    for _, x in ipairs(hostile) do
      assert.equal(1, db:from(raw "(values (1)) as v(x)"):tagged({ tag = x }):scalar())
    end
  end)

  it("takes every text as a cursor, and refuses it", function()
    for _, x in ipairs(hostile) do
      assert.equal("invalid_cursor", database.refusal(function()
        db:from("t"):order_by("id"):paginate { cursor = x }
      end).kind)
    end
  end)
end)
