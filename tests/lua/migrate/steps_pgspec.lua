local database = require "database"
local migrate = require "moonpool.migrate"
local rigs = require "migration_rig"

local refusal, titles = database.refusal, rigs.titles

describe("a migration that is more than one transaction", function()
  local rig, db, folder, talk

  local function migrator(more) return rig:migrator(more) end
  local function states() return rig:states() end
  local function tables() return rig:tables() end

  before_each(function()
    rig = rigs.new()
    db, folder, talk = rig.db, rig.folder, rig.talk
  end)

  after_each(function() rig:delete() end)

  it("tries again when a table is locked for a moment", function()
    migrator():up()
    folder:write("3_three.up.sql", "alter table one add column x int")
    local co = coroutine.wrap(function()
      db:transaction(function(tx)
        tx:exec "lock table one in access share mode"
        coroutine.yield()
      end)
    end)
    co()
    local waits = 0
    local list = migrate.new(db, { dir = folder.path, lock_timeout = "100ms", talk = function(line)
      if line:find "lock_not_available.*trying again" then
        waits = waits + 1
        if waits == 1 then co() end
      end
    end }):up()
    assert.equal("3_three", titles(list))
    assert.is_true(waits >= 1)
  end)

  it("runs alone what no transaction can hold, and takes up where it broke off", function()
    migrator():up()
    db:exec "insert into one select i, 'same' from generate_series(1, 12) i"
    folder:write("3_three.lua", [[return {
      up = function(m)
        m:add_column("one", "age", "int")
        m:backfill("one", { age = 7 }, { batch = 5 })
        m:create_index("one", { "name" }, { concurrently = true, unique = true })
        m:exec "insert into two values (3)"
      end,
      down = function(m)
        m:exec "delete from two where id = 3"
        m:drop_index("one_name_idx", { concurrently = true })
        m:drop_column("one", "age")
      end,
    }]])
    local e = refusal(function() migrator():up() end)
    assert.equal("unique_violation", e.cause.kind)
    assert.matches("2 steps of it done, and kept; mend it, then `moonpool migrate up`", e.hint)
    assert.equal("1_one=applied 2_two=applied 3_three=running", states())
    assert.equal(12, db:query("select count(*) from one where age = 7"):scalar())
    assert.is_false(db:query("select indisvalid from pg_index where indexrelid = 'one_name_idx'::regclass"):scalar())
    assert.equal("migration_refused", refusal(function() migrator():down() end).kind)

    db:exec "update one set name = name || id, age = 8"
    assert.equal("3_three", titles(migrator():up()))
    assert.matches("3_three was cut short after step 2; going on from there", table.concat(talk, "\n"))
    assert.is_true(db:query("select indisvalid from pg_index where indexrelid = 'one_name_idx'::regclass"):scalar())
    assert.equal(12, db:query("select count(*) from one where age = 8"):scalar())
    assert.equal(1, db:query("select count(*) from two where id = 3"):scalar())

    e = refusal(function() migrator():down() end)
    assert.equal("migration_refused", e.kind)
    assert.matches("3_three: going back would lose what is in one.age", e.message)
    assert.matches("%-%-allow drop_column; 2 steps of its way back done, and kept", e.hint)
    assert.equal("3_three", titles(migrator():down { allow = { "drop_column" } }))
    assert.is_nil(db:query("select to_regclass('one_name_idx')"):scalar())
    assert.equal("1_one=applied 2_two=applied 3_three=pending", states())
  end)

  it("takes a way back up where it broke off", function()
    folder:write("3_three.lua", [[return {
      up = function(m) m:exec "create table three (id int)"; m:exec "create index i on three (id)" end,
      down = function(m) m:drop_index("i", { concurrently = true }); m:exec "drop table three, gone" end,
    }]])
    migrator():up()
    local e = refusal(function() migrator():down() end)
    assert.matches("1 step of its way back done", e.hint)
    assert.equal("1_one=applied 2_two=applied 3_three=reverting", states())
    assert.matches("3_three is half undone", refusal(function() migrator():up() end).message)
    db:exec "create table gone (id int)"
    -- The index is gone already: the step that dropped it is not run again.
    assert.equal("3_three", titles(migrator():down()))
    assert.equal("one two", tables())
  end)

  it("does not begin what fails at its first step", function()
    folder:write("3_three.lua", [[return {
      up = function(m) m:create_index("nowhere", "x", { concurrently = true }) end,
      down = function(m) m:drop_index("nowhere_x_idx", { concurrently = true }) end,
    }]])
    assert.matches("nothing of it was kept", refusal(function() migrator():up() end).hint)
    assert.equal("1_one=applied 2_two=applied 3_three=pending", states())
    folder:write("3_three.lua", [[return {
      up = function(m) end,
      down = function(m) m:drop_index("nowhere_x_idx", { concurrently = true }) end,
    }]])
    migrator():up()
    assert.matches("it is applied as before", refusal(function() migrator():down() end).hint)
    assert.equal("1_one=applied 2_two=applied 3_three=applied", states())
  end)

  it("tells whom a concurrent build waits for, and does not wait for ever", function()
    migrator():up()
    folder:write("3_three.lua",
      [[return { up = function(m) m:create_index("one", "name", { concurrently = true }) end }]])
    local tx = db:begin { isolation = "repeatable read" }
    local pid = tx:query("select pg_backend_pid()"):scalar()
    tx:exec "select pg_sleep(1.1)"
    local waits = 0
    local list = migrate.new(db, { dir = folder.path, index_timeout = "200ms", talk = function(line)
      if line:find("waiting for transactions that are older: pid " .. pid, 1, true) then waits = waits + 1 end
      if line:find "lock_not_available.*trying again" and tx then
        tx:rollback()
        tx = nil
      end
    end }):up()
    assert.equal("3_three", titles(list))
    assert.equal(1, waits)
    assert.is_true(db:query("select indisvalid from pg_index where indexrelid = 'one_name_idx'::regclass"):scalar())
  end)

  it("runs files without a transaction, statement by statement", function()
    local first = "-- moonpool: transaction = false\ncreate index concurrently one_idx on one (name);\n"
    folder:write("3_three.up.sql", first .. "create table three (id int);\nselect 1 / 0;\ncreate table four (id int)")
    local e = refusal(function() migrator():up() end)
    assert.matches("3_three%.up%.sql:4: division_by_zero", tostring(e))
    assert.matches("2 steps of it done", e.hint)
    folder:write("3_three.up.sql", first .. "create table three (id int);\nselect 1;\ncreate table four (id int)")
    assert.equal("3_three", titles(migrator():up()))
    assert.equal("four one three two", tables())
    folder:write("4_four.lua", [[return { transaction = false, up = function(m)
      m:exec "create index concurrently two_idx on two (id)"
      m:exec("insert into two values (?)", 9)
    end }]])
    assert.equal("4_four", titles(migrator():up()))
    assert.equal(1, db:query("select count(*) from two where id = 9"):scalar())
  end)

  it("says what to write when a transaction is in the way", function()
    folder:write("3_three.up.sql", "create index concurrently one_idx on one (name)")
    assert.matches("moonpool: transaction = false", tostring(refusal(function() migrator():up() end)))
  end)
end)
