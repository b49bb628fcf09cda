local database = require "database"
local rigs = require "migration_rig"

local refusal, titles = database.refusal, rigs.titles

describe("a migrator with a history", function()
  local rig, db, folder

  local function migrator(more) return rig:migrator(more) end
  local function states() return rig:states() end
  local function tables() return rig:tables() end

  before_each(function()
    rig = rigs.new()
    db, folder = rig.db, rig.folder
  end)

  after_each(function() rig:delete() end)

  it("refuses to go down where there is no way back, before anything runs", function()
    folder:write("3_three.up.sql", "create table three (id int)")
    folder:write("4_four.lua", "return { up = function(m) m:exec 'create table four (id int)' end,"
      .. " down = function(m) m:drop_table 'four' end }")
    migrator():up()
    local e = refusal(function() migrator():down(2) end)
    assert.equal("migration_refused", e.kind)
    assert.matches("3_three has no way back", e.message)
    assert.equal("four one three two", tables())
    assert.equal("4_four", titles(migrator():down(1)))
  end)

  it("recognises the tables of other tools and leaves them alone", function()
    for tool, columns in pairs {
      ["Rails or dbmate"] = "version varchar primary key", Ecto = "version bigint primary key, inserted_at timestamp",
      ["golang-migrate"] = "version bigint primary key, dirty boolean", ["another tool"] = "id int, label text",
    } do
      db:script("drop table if exists schema_migrations; create table schema_migrations (" .. columns .. ")")
      local e = refusal(function() migrator():up() end)
      assert.equal("migration_refused", e.kind)
      assert(e.message:find("schema_migrations was made by " .. tool, 1, true), e.message)
      assert.equal("migration_refused", refusal(function() migrator():status() end).kind)
    end
    db:exec "create table ar_internal_metadata (key text)"
    db:script "drop table schema_migrations; create table schema_migrations (version varchar)"
    assert.matches("made by Rails %(", refusal(function() migrator():up() end).message)
    assert.equal("1_one 2_two", titles(migrator { table = "own_history" }:up()))
    assert.equal(2, db:query("select count(*) from own_history"):scalar())
  end)

  it("does not lose data on the way back unless that loss was named", function()
    migrator():up()
    local cases = {
      { "drop table if exists one, two cascade", "drop_table", "the rows of two" },
      { "drop table mig.two", "drop_table", "the rows of mig.two" },
      { "-- gone\nDROP TABLE \"two\";", "drop_table", 'the rows of "two"' },
      { "alter table two drop column id", "drop_column", "a column: alter table two drop column id" },
      { "truncate two", "truncate", "rows: truncate two" },
      { "drop schema mig cascade", "drop_schema", "a schema" },
    }
    for _, case in ipairs(cases) do
      for _, file in ipairs { { "3_three.up.sql", "select 1", "3_three.down.sql", case[1] },
        { "3_three.lua", "return { up = function(m) end, down = function(m) m:exec [=[" .. case[1] .. "]=] end }" } } do
        folder:write(file[1], file[2])
        if file[3] then folder:write(file[3], file[4]) end
        migrator():up()
        local e = refusal(function() migrator():down() end)
        assert.equal("migration_refused", e.kind)
        assert(e.message:find(case[3], 1, true), e.message)
        assert.matches("%-%-allow " .. case[2], e.hint)
        db:exec "delete from schema_migrations where version = 3"
        folder:remove(file[1])
        if file[3] then folder:remove(file[3]) end
      end
    end
    assert.matches('got drop_tabel %(did you mean "drop_table"%?%)',
      refusal(function() migrator():down { allow = { "drop_tabel" } } end).message)
  end)

  it("shows what it would do and does not", function()
    assert.equal("1_one 2_two", titles(migrator():up { dry_run = true }))
    assert.equal("1_one", titles(migrator():up { dry_run = true, steps = 1 }))
    assert.equal("", tables())
    migrator():up()
    assert.equal("2_two 1_one", titles(migrator():down { dry_run = true, steps = 2 }))
    assert.equal("2_two", titles(migrator():down { dry_run = true, to = 1 }))
    assert.equal("one two", tables())
  end)

  it("goes back to a version, and does the last one again", function()
    migrator():up()
    assert.equal("2_two", titles(migrator():down { to = 1, allow = { "drop_table" } }))
    assert.equal("1_one=applied 2_two=pending", states())
    migrator():up()
    db:exec "delete from two"
    assert.equal("2_two", titles(migrator():redo()))
    assert.equal(2, db:query("select count(*) from two"):scalar())
    assert.equal("1_one=applied 2_two=applied", states())
  end)

  it("verifies, and accepts what changed where that is meant", function()
    migrator():up()
    assert.same({}, migrator():verify())
    folder:write("2_two.up.sql", "create table two (id bigint)")
    assert.equal("2_two", titles(migrator():verify()))
    assert.equal("changed", migrator():verify()[1].state)
    folder:write("3_three.up.sql", "create table three (id int)")
    assert.equal("3_three", titles(migrator():up { accept = true }))
    assert.same({}, migrator():verify())
    folder:write("1_one.lua", "return { up = function(m) end }")
    assert.same({}, migrator():verify { accept = true })
    assert.equal("1_one=applied 2_two=applied 3_three=applied", states())
  end)

  it("takes a database as it is", function()
    db:script "create table one (id bigint); create table two (id int)"
    assert.matches("there is no migration 9", refusal(function() migrator():baseline { version = 9 } end).message)
    assert.equal("1_one", titles(migrator():baseline { version = 1 }))
    assert.equal("1_one=applied 2_two=pending", states())
    assert.matches("were applied here already", refusal(function() migrator():baseline() end).message)
    db:exec "truncate schema_migrations"
    assert.equal("1_one 2_two", titles(migrator():baseline()))
    assert.same({}, migrator():up())
  end)

  it("takes over the history of other tools", function()
    for from, sql in pairs {
      rails = "create table schema_migrations (version varchar); insert into schema_migrations values ('1'), ('77')",
      dbmate = "create table schema_migrations (version varchar); insert into schema_migrations values ('1')",
      ecto = "create table schema_migrations (version bigint, inserted_at timestamp);"
        .. " insert into schema_migrations values (1, now())",
      ["golang-migrate"] = "create table schema_migrations (version bigint, dirty boolean);"
        .. " insert into schema_migrations values (1, false)",
    } do
      db:script("drop schema mig cascade; create schema mig; " .. sql)
      assert.matches("baseline %-%-from", refusal(function() migrator():up() end).hint)
      assert.equal("1_one", titles(migrator():baseline { from = from }))
      assert.equal("1_one=applied 2_two=pending", states())
      assert.equal("2_two", titles(migrator():up()))
      assert.is_true(db:query("select count(*) > 0 from schema_migrations_of_" .. from:gsub("%W", "_")):scalar())
    end
    assert.matches("no table schema_migrations of another tool",
      refusal(function() migrator():baseline { from = "rails" } end).message)
    assert.equal("usage", refusal(function() migrator():baseline { from = "flyway" } end).kind)
  end)
end)
