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

  it("makes migrators", function()
    assert.is_function(moonpool.migrator(db).up)
  end)
end)
