-- The builder against a server: the page's example word for word, and what its parts really do.

local database = require "database"
local moonpool = require "moonpool"

local c, raw, null = moonpool.cond, moonpool.raw, moonpool.null

describe("the query builder", function()
  local db

  setup(function()
    db = database.in_schema "builder"
    db:script [[
      create table users (
        id bigint generated always as identity primary key,
        email text not null unique, name text not null, age int,
        tags text[] not null default '{}', profile jsonb, balance numeric(12,2),
        created_at timestamptz not null default now());
      create table orders (id int primary key, user_id bigint references users (id), total numeric, state text);
      create table pairs (a int, b int, n int not null default 0, primary key (a, b));
    ]]
  end)

  teardown(function()
    db:exec "drop schema builder cascade"
    db:close()
  end)

  before_each(function()
    db:script "truncate users, orders, pairs restart identity"
    db:insert_into("users"):values({
      { email = "ann@x.io", name = "Ann", age = 31 }, { email = "bob@y.io", name = "Bob", age = 44 },
      { email = "cat@x.io", name = "Cat", age = 7 }, { email = "dan@x.io", name = "Dan", age = null },
    }):exec()
  end)

  it("runs the page's example", function()
    db:exec "truncate users restart identity cascade"
    db:insert_into("users"):values({ email = "ann@x.io", name = "Ann", age = 31 }):exec()
    local adults = db:from "users"
      :select("id", "name", "age")
      :where { active_only = nil, name = "Ann" }            -- equality; nil keys are no condition
      :where("age >= ?", 18)
      :where(c.any { c.like("email", "%@x.io"), c.in_("id", { 1, 2, 3 }), c.is_null "age" })
      :order_by("age desc", "id")
      :limit(10)
    assert(adults:to_sql():match "%$1")                     -- text, params = q:to_sql()
    local list  = adults:all()
    local first = adults:first()
    local many  = adults:count()
    local any   = adults:exists()
    assert.equal(1, #list)
    assert.equal("Ann", first.name)
    assert.equal(1, many)
    assert.is_true(any)

    local both = db:insert_into "users" :values { { email = "bob@x.io", name = "Bob", age = 44 },
                                 { email = "cat@x.io", name = "Cat", age = 7 } }
      :on_conflict("email"):do_update { "name", "age" }
      :returning("id", "email"):all()
    assert.equal("cat@x.io", both[2].email)

    assert.equal(1, db:update "users" :set { age = moonpool.raw "age + 1" } :where { email = "bob@x.io" } :exec())
    assert.equal(1, db:delete_from "users" :where(c.lt("age", 8)) :exec())

    local page = db:from "users" :order_by "id" :after { id = 1 } :limit(20):all()      -- keyset
    assert.equal(1, #page)
    assert.equal(45, page[1].age)
    local sub  = db:from "users" :select "id" :where(c.gt("age", 30))
    local inq  = db:from "users" :where(c.in_("id", sub)) :all()
    assert.equal(2, #inq)
    local ctes = db:with("grown", sub):from "grown" :count()
    assert.equal(2, ctes)
    local agg  = db:from "users" :select { n = moonpool.raw "count(*)", "age" } :group_by "age"
                   :having("count(*) > ?", 0):all()
    assert.equal(2, #agg)
    local locked = db:transaction(function(tx)
      return tx:from "users" :where { id = 1 } :for_update { skip_locked = true } :all()
    end)
    assert.equal(1, #locked)
  end)

  it("reads rows in every way", function()
    local q = db:from("users"):order_by "id"
    assert.same({ "Ann", "Bob", "Cat", "Dan" }, (q:pluck "name"))
    local ages, n = q:pluck "age"
    assert.equal(4, n)
    assert.is_nil(ages[4])
    assert.same({ { 1, "Ann" }, { 2, "Bob" } }, (q:limit(2):pluck("id", "name")))
    assert.equal("Dan", q:last().name)
    assert.equal("Bob", q:limit(2):last().name)
    assert.equal("Bob", q:find(2).name)
    assert.is_nil(q:find(99))
    assert.equal("Cat", q:find("cat@x.io", "email").name)
    assert.equal("Cat", q:find_by { name = "Cat" }.name)
    assert.equal(4, q:count())
    assert.equal(2, q:limit(2):count())
    assert.equal(1, q:select(raw "count(*)"):reorder(raw "count(*)"):count())
    assert.is_false(q:where({ name = "Eve" }):exists())
    assert.equal("Ann", q:select("name"):scalar())
    assert.same({ "ANN", "BOB", "CAT", "DAN" }, q:map(function(row) return row.name:upper() end))
    local names = {}
    for row in q:each() do names[#names + 1] = row.name end
    assert.equal(4, #names)
    assert.equal("Ann", q:where({ id = 1 }):one().name)
    assert.equal("too_many_rows", database.refusal(q.one, q).kind)
    assert.equal("no_data_found", database.refusal(function() q:where({ id = 99 }):one() end).kind)
    assert.equal("too_many_rows", database.refusal(function() q:where("id < 4"):one() end).kind)
    assert.equal("Ann", db:query(q:limit(1)):first().name)
    local results = db:batch(function(b)
      b:add(q:where { id = 2 })
      b:add(db:update("users"):set({ age = 1 }):where({ id = 2 }):returning "age")
    end)
    assert.equal("Bob", results[1]:first().name)
    assert.equal(1, results[2]:scalar())
  end)

  it("treats null as SQL does, when it is asked for by name", function()
    assert.equal("Dan", db:from("users"):where({ age = null }):one().name)
    assert.equal(3, db:from("users"):where(c.is_not_null "age"):count())
    assert.equal(2, db:from("users"):where(c.ne("age", 31)):count())
    assert.equal(3, db:from("users"):where(c.distinct_from("age", 31)):count())
    db:update("users"):set({ age = null }):where({ id = 1 }):exec()
    assert.equal(2, db:from("users"):where(c.is_null "age"):count())
    assert.equal(0, db:from("users"):where(c.in_("age", {})):count())
    assert.equal(4, db:from("users"):where(c.not_in("age", {})):count())
    assert.equal(4, db:from("users"):where(c.not_in("email", {})):count())
  end)

  it("joins, groups, looks through windows, and runs laterals", function()
    db:insert_into("orders"):values({
      { id = 1, user_id = 1, total = 10, state = "new" }, { id = 2, user_id = 1, total = 20, state = "paid" },
      { id = 3, user_id = 2, total = 5, state = "paid" },
    }):exec()
    local joined = db:from("users u"):left_join("orders o", "o.user_id = u.id and o.state = ?", "paid")
      :select("u.name", "o.total"):order_by("u.id"):all()
    assert.equal(4, #joined)
    assert.equal("20", joined[1].total)
    assert.is_nil(joined[3].total)
    local sums = db:from("orders"):select { "user_id", total = raw "sum(total)", paid = raw("count(*)")
      :filter(c.eq("state", "paid")) }:group_by("user_id"):having(c.gt(raw "sum(total)", 6)):all()
    assert.equal(1, #sums)
    assert.equal("30", sums[1].total)
    assert.equal(1, sums[1].paid)
    local ranked = db:from("orders"):select { "id", place = raw("rank()")
      :over { partition_by = "user_id", order_by = "total desc" } }:order_by("id"):all()
    assert.same({ 2, 1, 1 }, { ranked[1].place, ranked[2].place, ranked[3].place })
    local running = db:from("orders"):select { "id", sofar = raw("sum(total)"):over "w" }
      :window("w", { order_by = "id", frame = "rows between unbounded preceding and current row" }):order_by("id"):all()
    assert.equal("35", running[3].sofar)
    local latest = db:from("orders o"):where(c.eq("o.user_id", c.col "u.id")):order_by("o.id desc"):limit(1)
    local last = db:from("users u"):left_lateral(latest:as "l"):select("u.name", "l.total"):order_by("u.id"):all()
    assert.equal("20", last[1].total)
    assert.is_nil(last[4].total)
    assert.equal(2, db:from("users u"):where(c.exists(db:from("orders o"):where(c.eq("o.user_id", c.col "u.id")))):count())
    assert.equal("paid", db:from("orders"):distinct_on("user_id"):select("user_id", "state")
      :order_by("user_id", "id desc"):first().state)
    assert.equal(3, db:from("users"):select("id"):where({ id = 1 }):union_all(db:from("orders"):select("user_id")
      :where { state = "paid" }):count())
  end)

  it("walks a tree with a recursive expression", function()
    local ups = db:from(raw("(values (1, null::int), (2, 1), (3, 2), (4, 1)) as n(id, parent)"))
      :select("id", "parent"):where { id = 3 }
      :union_all(db:from(raw("(values (1, null::int), (2, 1), (3, 2), (4, 1)) as n(id, parent)"))
        :select("n.id", "n.parent"):join("up", "n.id = up.parent"))
    assert.same({ 1, 2, 3 }, (db:with_recursive("up", ups):from("up"):order_by("id"):pluck "id"))
  end)

  it("inserts in every way", function()
    local row = db:insert_into("users"):record({ email = "e@x", name = "Eve", tags = { "a", "b" }, profile = { n = { 1 } } })
      :one()
    assert.same({ "a", "b" }, setmetatable(row.tags, nil))
    assert.equal(1, row.profile.n[1])
    assert.equal(2, db:insert_into("users"):values({ { email = "f@x", name = "F", profile = { k = "v" } },
      { email = "g@x", name = "G", profile = moonpool.json { 1, 2 } } }):exec())
    assert.equal("v", db:from("users"):where({ email = "f@x" }):select(c.json_text("profile", "k"):as "k"):scalar())
    assert.equal(2, db:insert_into("users"):values({ { email = "h@x", name = "H" }, { email = "i@x", name = "I", age = 3 },
    }):exec())
    assert.is_nil(db:from("users"):find("h@x", "email").age)
    assert.equal(1, db:insert_into("pairs"):values({ a = 1, b = 1 }):on_conflict():do_nothing():exec())
    assert.equal(0, db:insert_into("pairs"):values({ a = 1, b = 1 }):on_conflict("a", "b"):do_nothing():exec())
    local bump = db:insert_into("pairs"):values({ a = 1, b = 1, n = 5 }):on_conflict("a", "b")
      :do_update { n = raw "pairs.n + excluded.n" }
    assert.equal(5, bump:returning("n"):scalar())
    assert.equal(10, bump:returning("n"):scalar())
    assert.equal(0, bump:where(c.lt("pairs.n", 10)):exec())
    assert.equal(1, bump:where(c.lt("pairs.n", 11)):exec())
    assert.equal(7, db:insert_into("pairs"):values({ a = 1, b = 1, n = 7 })
      :on_conflict({ constraint = "pairs_pkey" }):do_update():returning("n"):scalar())
    assert.equal(3, db:insert_into("pairs"):from_select({ "a", "b" },
      db:from(raw "generate_series(10, 12) as g(i)"):select(raw "i", raw "i * 2")):exec())
    local many = {}
    for i = 1, 70000 do many[i] = { a = i + 100, b = i, n = i % 7 } end
    assert.equal(70000, db:insert_into("pairs"):values(many):exec())
    assert.equal(70001, db:from("pairs"):where(c.gt("a", 99)):count() + 1)
    local e = database.refusal(function() db:insert_into("users"):values({ email = "e@x", name = "X" }):exec() end)
    assert.equal("unique_violation", e.kind)
    assert.equal("users_email_key", e.constraint)
  end)

  it("types the arrays of a batch by the columns they go to", function()
    db:script [[
      drop domain if exists small cascade; create domain small as int check (value < 100);
      drop type if exists mood cascade; create type mood as enum ('ok', 'sad');
      drop table if exists kinds; create table kinds (i int, n numeric(6,2), t timestamptz, d date, u uuid, j jsonb,
        v varchar(3), b boolean, y bytea, m mood, s small, f float8, c char(3), iv interval, ip inet, r int4range)]]
    local first = { i = 1, n = "1.50", t = "2026-01-01 00:00+00", d = "2026-01-01",
      u = "6ecd8c99-4036-403d-bf84-cf8400f67836", j = { a = 1 }, v = "abc", b = true, y = moonpool.bytea "\0\1'\"\\",
      m = "sad", s = 7, f = 0.1, c = "x", iv = "1 day", ip = "10.0.0.1", r = "[1,5)" }
    local second = {}
    for key in pairs(first) do second[key] = null end
    local rows = db:insert_into("kinds"):values({ first, second }, { batch = "unnest" }):returning("*"):all()
    assert.equal("1.50", rows[1].n)
    assert.equal("\0\1'\"\\", rows[1].y)
    assert.equal("sad", rows[1].m)
    assert.is_true(rows[1].b)
    assert.equal(1, rows[1].j.a)
    assert.equal("[1,5)", rows[1].r)
    for key in pairs(first) do assert.is_nil(rows[2][key], key) end
    second.v = "abcd"
    assert.equal("string_data_right_truncation", database.refusal(function()
      db:insert_into("kinds"):values({ first, second }):exec()
    end).kind)
    second.v, second.s = null, 100
    assert.equal("check_violation", database.refusal(function()
      db:insert_into("kinds"):values({ first, second }):exec()
    end).kind)
  end)

  it("updates and deletes what was meant, and refuses the rest before anything is sent", function()
    local e = database.refusal(function() db:update("users"):set({ age = 0 }):exec() end)
    assert.equal("usage", e.kind)
    assert.equal("usage", database.refusal(function() db:delete_from("users"):where { id = nil } end).kind)
    assert.equal(4, db:from("users"):count())
    assert.equal(1, db:update("users"):record({ id = 1, name = "Anna", age = 32 }):exec())
    assert.equal(32, db:from("users"):find(1).age)
    db:insert_into("orders"):values({ { id = 1, user_id = 1, total = 10 }, { id = 2, user_id = 2, total = 1 } }):exec()
    assert.equal(1, db:update("users u"):set({ balance = raw "o.total" }):from("orders o"):where("o.user_id = u.id")
      :where(c.gt("o.total", 5)):exec())
    assert.equal("10.00", db:from("users"):find(1).balance)
    local gone = db:delete_from("orders"):using("users u"):where("u.id = orders.user_id"):where({ ["u.name"] = "Bob" })
      :returning("orders.id"):all()
    assert.equal(2, gone[1].id)
    assert.equal(1, db:delete_from("orders"):record({ id = 1 }):exec())
    assert.equal(4, db:delete_from("users"):every_row():exec())
  end)

  it("moves rows with a deleting expression", function()
    db:insert_into("orders"):values({ { id = 1, total = 10 }, { id = 2, total = 1 } }):exec()
    local moved = db:with("gone", db:delete_from("orders"):where(c.lt("total", 5)):returning("id", "total"))
      :insert_into("pairs"):from_select({ "a", "b" }, db:from("gone"):select("id", "id")):returning("a"):all()
    assert.equal(1, #moved)
    assert.equal(1, db:from("orders"):count())
    assert.equal(1, db:from("pairs"):count())
  end)

  it("asks documents and arrays", function()
    db:insert_into("users"):values({
      { email = "j@x", name = "J", tags = { "red", "it's" }, profile = { city = "Kyiv", langs = { "uk", "en" }, n = 3 } },
      { email = "k@x", name = "K", tags = { "blue" }, profile = { city = "Lviv", ["odd key"] = { deep = { 1, 2 } } } },
    }):exec()
    local function names(condition) return (db:from("users"):where(condition):order_by("name"):pluck "name") end
    assert.same({ "J" }, names(c.eq(c.json_text("profile", "city"), "Kyiv")))
    assert.same({ "J" }, names(c.eq(c.json_text("profile", "langs", 1), "en")))
    assert.same({ "K" }, names(c.eq(c.json_text("profile", "odd key", "deep", 0), "1")))
    assert.same({ "J" }, names(c.json_contains("profile", { langs = { "en" } })))
    assert.same({ "J" }, names(c.json_contains(c.json("profile", "langs"), { "uk" })))
    assert.same({ "J" }, names(c.has_key("profile", "langs")))
    assert.same({ "J", "K" }, names(c.has_any_key("profile", { "langs", "odd key" })))
    assert.same({}, names(c.has_all_keys("profile", { "langs", "odd key" })))
    assert.same({ "J" }, names(c.json_path_exists("profile", "$.n ? (@ > 2)")))
    assert.same({ "J" }, names(c.json_path_matches("profile", "$.n == 3")))
    assert.same({ "J" }, names(raw("profile ?? ?", "langs")))
    assert.same({ "J" }, names(c.array_has("tags", "it's")))
    assert.same({ "J", "K" }, names(c.overlaps("tags", { "blue", "red" })))
    assert.same({ "J" }, names(c.array_contains("tags", { "red" })))
    assert.same({ "K" }, names(c.all { c.array_contained_by("tags", { "blue", "x" }), c.ne("tags", moonpool.array {}) }))
    assert.same({ "K" }, names(c.eq("tags", moonpool.array { "blue" })))
    assert.same({ "J" }, names(c.json_contained_by("profile", { city = "Kyiv", langs = { "uk", "en" }, n = 3 })))
  end)

  it("searches text", function()
    local function names(condition) return (db:from("users"):where(condition):order_by("name"):pluck "name") end
    db:insert_into("users"):values({ email = "100%@x.io", name = "The running cats" }):exec()
    assert.same({ "The running cats" }, names(c.search({ "name", "email" }, "cat run", { config = "english" })))
    assert.same({ "The running cats" }, names(c.search(raw "to_tsvector('simple', name)", "running",
      { kind = "plain", config = "simple" })))
    assert.same({ "The running cats" }, names(c.starts_with("email", "100%")))
    assert.same({}, names(c.starts_with("email", "1__%")))
    assert.same({ "Ann", "Cat", "Dan" }, names(c.all { moonpool.scopes.search({ "name", "email" }, "@X.io a"),
      c.not_matches("name", "running") }))
    assert.equal(5, db:from("users"):scope(moonpool.scopes.today "created_at"):count())
    assert.equal(5, db:from("users"):scope(moonpool.scopes.last("created_at", "1h")):count())
    assert.equal(0, db:from("users"):scope(moonpool.scopes.on_date("created_at", "2001-01-01")):count())
    assert.equal(5, db:from("users"):scope(moonpool.scopes.between_dates("created_at", "2001-01-01")):count())
  end)

  it("gathers one value of many rows", function()
    local q = db:from("users"):order_by "id"
    assert.equal(82, q:sum "age")
    assert.equal(7, q:min "age")
    assert.equal(44, q:max "age")
    assert.equal("27.3333333333333333", q:avg "age")
    assert.equal("Dan", q:max "name")
    assert.equal(75, q:limit(2):sum "age")
    assert.equal(164, q:sum(raw("age * ?", 2)))
    assert.equal(31, q:where({ name = "Ann" }):sum "users.age")
    assert.is_nil(q:where({ name = "Eve" }):sum "age")
    assert.equal(2, q:select({ n = raw "length(name) - 1" }):group_by(raw "length(name) - 1"):reorder("n"):max "n")
    assert.equal(82, db:from("users"):use_primary():distinct():select("age"):sum "age")
    assert.equal("usage", database.refusal(function() q:sum() end).kind)
    assert.equal("usage", database.refusal(function() q:sum("age", "id") end).kind)
    assert.matches("takes a column", database.refusal(function() q:max(7) end).message)
  end)

  it("streams, and writes JSON", function()
    local names = {}
    for row in db:from("users"):order_by("id"):where("id > ?", 1):use_primary():stream():each() do
      names[#names + 1] = row.name
    end
    assert.same({ "Bob", "Cat", "Dan" }, names)
    db:transaction(function(tx)
      local n = 0
      for row in tx:from("users"):order_by("id"):stream():each() do
        n = n + tx:from("users"):where({ id = row.id }):count()
      end
      assert.equal(4, n)
    end)
    assert.equal('[{"id":1,"name":"Ann"},{"id":2,"name":"Bob"}]',
      db:from("users"):select("id", "name"):order_by("id"):limit(2):to_json())
    assert.matches("cannot turn rows round", database.refusal(function()
      db:from("users"):order_by("id"):before({ id = 3 }):limit(1):stream()
    end).message)
    assert.equal('[{"id":2,"age":44}]', db:from("users"):select("id", "age"):order_by("id"):before({ id = 3 }):limit(1)
      :to_json())
  end)

  it("joins on SQL with its own parameters, and on conditions", function()
    db:insert_into("orders"):values({ { id = 1, user_id = 1, total = 5 }, { id = 2, user_id = 2, total = 50 } }):exec()
    local q = db:from("users u"):order_by "o.id"
    assert.same({ 2 }, (q:join("orders o", raw("o.user_id = u.id and o.total > ?", 10)):pluck "o.id"))
    assert.same({ 2 }, (q:join("orders o", c.all { c.eq("o.user_id", c.col "u.id"), c.gt("o.total", 10) }):pluck "o.id"))
    assert.same({ 1, 2 }, (q:join("orders o", "o.user_id = u.id"):pluck "o.id"))
    assert.same({ 1, 2 }, (db:from("users"):join(db:from("orders"):select { "id", user = "user_id" }:as "o",
      { ["o.user"] = c.col "users.id" }):order_by("o.id"):pluck "o.id"))
    assert.matches("names a column of its result", database.refusal(function()
      q:select { n = "u.id" }:sum "u.id"
    end).message)
    assert.equal(3, q:reorder("u.id"):join("orders o", "o.user_id = u.id"):select { n = "u.id" }:sum "n" + 0)
  end)

  it("says what was meant", function()
    local q = db:from "users"
    local function said(f) return database.refusal(f).message end
    assert.matches('no method whre %(did you mean "where"%?%)', said(function() return q:whre {} end))
    assert.matches("say :where%(c.any", said(function() return q:or_where {} end))
    assert.matches("a select gives rows", said(function() return q:exec() end))
    assert.matches("say :order_by", said(function() return q:sort "id" end))
    assert.matches("write { age = value }", said(function() return q:where("age", 5) end))
    assert.matches('"age = %?"', said(function() return q:having("age", 5) end))
    assert.matches("stands alone in an order", said(function() return q:order_by("age", "desc"):all() end))
    assert.matches(":limit%(n%):all%(%)", said(function() return q:first(2) end))
    assert.matches("from was called with a dot", said(function() return db.from "users" end))
    assert.matches("with a colon", said(function() return q.where { id = 1 } end))
    assert.equal(0, q:where({ id = 1 }):where("age > ?", 100):count())
  end)

  it("explains, and carries its comment to the server", function()
    assert.truthy(db:from("users"):where({ id = 1 }):explain():find("users", 1, true))
    local plan = db:from("users"):explain { analyze = true, format = "json" }
    assert.is_table(plan[1].Plan)
    local seen = db:from(raw "pg_stat_activity"):select("query"):where("pid = pg_backend_pid()")
      :tagged({ route = "/x", q = "*/ ' drop" }):scalar()
    assert.truthy(seen:find("/*q='%2A%2F%20%27%20drop',route='%2Fx'*/", 1, true))
  end)

  it("keeps a deadline", function()
    local started = os.time()
    local e = database.refusal(function()
      db:from("users"):where("pg_sleep(60) is not null"):timeout("300ms"):all()
    end)
    assert.equal("timeout", e.kind)
    assert.is_true(os.time() - started < 15)
  end)
end)
