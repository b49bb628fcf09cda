-- What holds for every chain: it never changes, it is compiled once, it says where it runs.
local building = require "building"
local sql = require "moonpool.sql"

local c, raw, db, text, params, misuse = sql.cond, sql.raw, building.db, building.text, building.params, building.misuse

describe("a chain", function()
  it("never changes what it was made from", function()
    local base = db:from("t"):where { a = 1 }
    local before = text(base)
    local one = base:where { b = 2 }:order_by("x"):limit(1)
    local two = base:where { c = 3 }:select "y"
    assert.equal(before, text(base))
    assert.same({ 1 }, params(base))
    assert.same({ 1, 2, 1 }, params(one))
    assert.same({ 1, 3 }, params(two))
    assert.equal('select * from "t" where "a" = $1 and "b" = $2 order by "x" limit $3', text(one))
    assert.equal('select "y" from "t" where "a" = $1 and "c" = $2', text(two))
  end)

  it("does not see a table that changes after the call", function()
    local equal, row, rows = { a = 1 }, { a = 1 }, { { a = 1 }, { a = 2 } }
    local q, i, many = db:from("t"):where(equal), db:insert_into("t"):values(row), db:insert_into("t"):values(rows)
    equal.a, equal.b, row.a, rows[1].a, rows[3] = 9, 9, 9, 9, { a = 9 }
    assert.same({ 1 }, params(q))
    assert.same({ 1 }, params(i))
    assert.same({ { 1, 2 } }, params(many))
  end)

  it("gives a list of its own each time", function()
    local q = db:from("t"):where { a = 1, b = 2 }
    for _ = 1, 5 do
      local _, list = q:to_sql()
      assert.same({ 1, 2 }, list)
      list[1], list[3] = 9, 9
    end
  end)

  it("is compiled once for its shape, whatever its values", function()
    local function build(a, list) return db:from("t"):where { a = a }:where(c.in_("b", list)):limit(3) end
    local first = build(1, { 1 })
    text(first)
    assert.equal(first.shape, build(2, { 1, 2, 3 }).shape)
    assert.is_table(build(3, {}).shape.compiled)
    assert.not_equal(first.shape, build(1, { 1 }):offset(1).shape)
  end)

  it("has one text for one meaning, in whatever order a table was filled", function()
    local names, seen = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" }, {}
    for seed = 1, 50 do
      math.randomseed(seed)
      local where, row, junk = {}, {}, {}
      for i = 1, math.random(0, 30) do junk["x" .. i] = true end
      for _, t in ipairs { where, row } do
        for key in pairs(junk) do t[key] = true end
        local rest = { unpack(names) }
        while #rest > 0 do
          local name = table.remove(rest, math.random(#rest))
          t[name] = name
        end
        for key in pairs(junk) do t[key] = nil end
      end
      local q = db:update("t"):set(row):where(where)
      seen[text(q)] = true
      local expected = {}
      for round = 0, 1 do for i, name in ipairs(names) do expected[round * 10 + i] = name end end
      assert.same(expected, params(q))
      seen[text(db:insert_into("t"):values(row))] = true
    end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.equal(2, count)
  end)

  it("takes more parameters than a function has registers", function()
    local list = {}
    for i = 1, 500 do list[i] = c.eq("c" .. i, i) end
    local q = db:from("t"):where(c.any(list)):where { z = 0 }
    for _ = 1, 5 do
      local got = params(q)
      assert.equal(501, #got)
      assert.equal(500, got[500])
      assert.equal(0, got[501])
    end
    local long = db:from "t"
    for i = 1, 100 do long = long:where("x" .. i .. " = ?", i) end
    for _ = 1, 5 do assert.equal(100, params(long)[100]) end
  end)

  it("leaves out values that the text has no use for", function()
    local q = db:from("t"):select(raw("?::int", 7)):where { a = 1 }:limit(2):limit(3)
    for _ = 1, 5 do assert.same({ 7, 1, 3 }, params(q)) end
    local ask = building.asked(db, function() db:from("t"):select("x"):order_by({ raw("f(?)", 9), "desc" })
      :where({ a = 1 }):count() end)
    assert.equal('select count(*) from "t" where "a" = $1', ask.sql)
    assert.same({ 1 }, ask.params)
    assert.equal(1, ask.n)
  end)

  it("prints as its text", function()
    assert.equal('select * from "t"', tostring(db:from "t"))
  end)

  it("answers a dot in place of a colon", function()
    assert.truthy(misuse(function() db.from "users" end):find("with a colon", 1, true))
    assert.truthy(misuse(function() db.insert_into "users" end):find("db:insert_into(...)", 1, true))
    local q = db:from "t"
    for name, args in pairs {
      where = { { a = 1 } }, select = { "a" }, order_by = { "a" }, limit = { 1 }, join = { "o", "true" }, all = {},
      to_sql = {}, count = {}, group_by = { "a" }, timeout = { "2s" }, after = { { id = 1 } }, for_update = {},
      find = { 1 }, paginate = {}, explain = {}, cached = { "k" }, tagged = { {} }, distinct = {},
    } do
      assert.truthy(misuse(function() q[name](unpack(args)) end):find("with a colon", 1, true), name)
    end
  end)

  it("answers unknown methods with the near name, at the line that wrote them", function()
    local message, where = misuse(function() return db:from("t"):oder_by "x" end)
    assert.truthy(message:find('a select has no method oder_by (did you mean "order_by"?)', 1, true))
    assert.truthy(where:find("chain_spec.lua:", 1, true))
    assert.truthy(misuse(function() return db:update("t"):valus {} end):find("an update has no method valus", 1, true))
  end)
end)

describe("a route", function()
  local function route(f) return building.asked(db, f).route end

  it("is a replica for what only reads", function()
    assert.equal("read", route(function() db:from("t"):all() end))
    assert.equal("read", route(function() db:with("x", db:from "t"):from("x"):count() end))
    assert.equal("write", route(function() db:from("t"):use_primary():all() end))
    local ask = building.asked(db, function() db:from("t"):use_replica():first() end)
    assert.equal("read", ask.route)
    assert.equal("eventual", ask.consistency)
  end)

  it("is the primary for whatever changes or locks rows, wherever it stands", function()
    local writes = db:insert_into("t"):values({ a = 1 }):returning "a"
    local locks = db:from("t"):for_update()
    for _, f in ipairs {
      function() writes:all() end,
      function() writes:use_replica():all() end,
      function() db:update("t"):set({ a = 1 }):where({ a = 2 }):exec() end,
      function() db:delete_from("t"):where({ a = 2 }):returning("a"):use_replica():first() end,
      function() locks:all() end,
      function() locks:use_replica():all() end,
      function() locks:count() end,
      function() locks:exists() end,
      function() db:from(locks:as "x"):all() end,
      function() db:from("u"):where(c.in_("a", locks:select "a")):all() end,
      function() db:from("u"):where(c.any { c.exists(locks), { a = 1 } }):all() end,
      function() db:from("u"):select(raw("array?", locks)):all() end,
      function() db:from("u"):select("a"):union_all(locks:select "a"):use_replica():all() end,
      function() db:with("x", writes):from("x"):all() end,
      function() db:with("x", writes):from("x"):use_replica():count() end,
      function() db:from("u"):with("x", writes):limit(1):first() end,
      function() db:from("u"):join(locks:as "l", "true"):order_by("id"):paginate() end,
    } do
      assert.equal("write", route(f))
    end
  end)

  it("carries deadline and repetition", function()
    local ask = building.asked(db, function() db:from("t"):timeout("250ms"):idempotent():all() end)
    assert.equal(0.25, ask.timeout)
    assert.is_true(ask.idempotent)
    assert.is_nil(building.asked(db, function() db:from("t"):all() end).timeout)
    assert.has_error(function() db:from("t"):timeout "soon" end)
    assert.has_error(function() db:from("t"):timeout(nil) end)
  end)
end)

describe("cached and invalidates", function()
  it("do nothing on what only stands in for a handle", function()
    local ask = building.asked(db, function() db:from("t"):cached("k"):invalidates("k"):all() end)
    assert.equal('select * from "t"', ask.sql)
  end)

  it("take keys and a length of time", function()
    assert.truthy(misuse(function() db:from("t"):cached() end):find("a key to keep the rows under", 1, true))
    assert.truthy(misuse(function() db:from("t"):cached {} end):find("a list of keys", 1, true))
    assert.truthy(misuse(function() db:from("t"):cached { "a", 7 } end):find("a list of keys", 1, true))
    assert.truthy(misuse(function() db:from("t"):cached("k", "soon") end):find("the ttl of cached", 1, true))
    assert.truthy(misuse(function() db:from("t"):invalidates(7) end):find("takes the keys of cached, got 7", 1, true))
    assert.truthy(misuse(function() db:from("t"):invalidates() end):find("needs a key", 1, true))
  end)
end)

describe("explain", function()
  it("takes known options only", function()
    local function asked(options) return building.asked(db, function() db:from("t"):explain(options) end).sql end
    assert.equal('explain select * from "t"', asked())
    assert.equal('explain (analyze, buffers, timing off, format json) select * from "t"',
      asked { analyze = true, buffers = true, timing = false, format = "json" })
    assert.truthy(misuse(function() db:from("t"):explain { analyse = true } end)
      :find('did you mean "analyze"', 1, true))
    assert.has_error(function() db:from("t"):explain { format = "json) select 1; --" } end)
    assert.has_error(function() db:from("t"):explain { analyze = "true) --" } end)
  end)
end)
