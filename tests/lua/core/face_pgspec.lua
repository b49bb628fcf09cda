-- `moonpool` as scripts see it: the parts that are loaded when their name is first said.
local database = require "database"
local moonpool = require "moonpool"

describe("moonpool", function()
  local db
  setup(function() db = database.connect() end)
  teardown(function() db:close() end)

  it("tells its version and knows no other names", function()
    assert.matches("^%d+%.%d+%.%d+$", moonpool.version)
    assert.is_nil(moonpool.nothing_of_the_kind)
    assert.is_nil(db.nothing_of_the_kind)
  end)

  it("has queries as chains on every handle", function()
    db:transaction(function(tx)
      tx:exec "create temporary table face (id int, name text) on commit drop"
      tx:insert_into "face":values({ { id = 1, name = "a" }, { id = 2, name = "b" } }):exec()
      assert.equal("b", tx:from "face":where { id = 2 }:first().name)
      assert.equal(1, tx:from "face":where("id > ?", 1):count())
      local c = moonpool.cond
      assert.equal(2, tx:from "face":where(c.any { c.gt("id", 5), c.like("name", "%") }):count())
      tx:update "face":set { name = moonpool.raw "upper(name)" }:where { id = 1 }:exec()
      local grown = tx:from "face":where("id > ?", 0)
      assert.equal(2, tx:with("grown", grown):from "grown":count())
      assert.equal(1, tx:with { timeout = "5s" }:query("select 1"):scalar())
      tx:delete_from "face":where { id = 1 }:exec()
      local r = tx:batch(function(b)
        b:add(tx:from "face":select "name")
        b:add "select 1"
      end)
      assert.equal("b", r[1]:scalar())
      assert.equal("b", tx:query(tx:from "face"):first().name)
    end)
  end)

  it("has transactions, batches, tasks and COPY beside each other", function()
    db:script [[drop table if exists users;
      create table users (id serial primary key, email text unique, name text, age int not null default 1)]]
    db:exec "insert into users (email, name) values ('ann@x.io', 'Ann')"

    db:transaction(function(tx)
      tx:exec("update users set age = age + 1 where email = ?", "ann@x.io")
      local ok, e = moonpool.try(tx.transaction, tx, function(sp)     -- savepoint
        sp:exec "insert into users (email, name) values ('ann@x.io', 'again')"
      end)
      assert(not ok and e.kind == "unique_violation")
    end, { isolation = "serializable", retries = 3 })

    local r = db:batch(function(b)                                    -- one round trip
      b:add("select 1 as one")
      b:add(db:from "users" :select "id" :limit(1))
    end)
    assert(r[1]:scalar() == 1)

    local users, orders = moonpool.gather(                            -- side by side, one thread
      function() return db:from "users" :count() end,
      function() return db:query("select 2"):scalar() end)

    db:copy_in("users", { "email", "name" }, function(put)            -- COPY
      for i = 1, 1000 do put("u" .. i .. "@x.io", "User " .. i) end
    end)

    assert.same({ 1, 2 }, { users, orders })
    assert.equal(1001, db:from "users" :count())
    assert.equal(2, db:query("select age from users where email = 'ann@x.io'"):scalar())
    db:exec "drop table users"
  end)

  it("makes migrators", function()
    assert.is_function(moonpool.migrator(db).up)
  end)
end)
