local database = require "database"
local migrate = require "moonpool.migrate"
local moonpool = require "moonpool"
local rigs = require "migration_rig"

local refusal, titles = database.refusal, rigs.titles

describe("a migrator", function()
  local rig, db, folder, talk

  local function migrator(more) return rig:migrator(more) end
  local function states() return rig:states() end
  local function tables() return rig:tables() end

  before_each(function()
    rig = rigs.new()
    db, folder, talk = rig.db, rig.folder, rig.talk
  end)

  after_each(function() rig:delete() end)

  it("applies each migration once and takes it back", function()
    assert.equal("1_one=pending 2_two=pending", states())
    assert.equal("", tables())
    assert.equal("1_one 2_two", titles(migrator():up()))
    assert.equal("one two", tables())
    assert.equal(2, db:query("select count(*) from two"):scalar())
    assert.equal("1_one=applied 2_two=applied", states())
    assert.equal("", titles(migrator():up()))
    db:exec "truncate two"
    assert.equal("2_two", titles(migrator():down()))
    assert.equal("one", tables())
    assert.equal("2_two", titles(migrator():up()))
    assert.equal("2_two 1_one", titles(migrator():down { steps = 7, allow = { "drop_table" } }))
    assert.equal("", tables())
    assert.equal("", titles(migrator():down()))
  end)

  it("remembers who, when, what and how long", function()
    migrator():up()
    local row = db:query_row [[select *, extract(epoch from duration)::float8 as s
      from schema_migrations where version = 2]]
    assert.equal("two", row.name)
    assert.equal("sql", row.kind)
    assert.equal("applied", row.state)
    assert.matches("^sha256:%x+$", row.checksum)
    assert.equal("create table two (id int);\ninsert into two values (1), (2);", row.content)
    assert.is_string(row.applied_by)
    assert.is_true(row.s > 0)
  end)

  it("goes up to a version", function()
    assert.equal("1_one", titles(migrator():up { to = "1" }))
    assert.equal("usage", refusal(function() migrator():up { to = 9 } end).kind)
    assert.equal("usage", refusal(function() migrator():up { too = 1 } end).kind)
    assert.equal("usage", refusal(function() migrator():down(0) end).kind)
  end)

  it("keeps nothing of a migration that fails, says so, and goes on from there", function()
    folder:write("3_three.lua", [[return { up = function(m)
      m:create_table("three", function(t) t:int "id" end)
      m:exec "insert into three values (1)"
      m:exec("insert into nowhere values (?)", 1)
    end }]])
    local e = refusal(function() migrator():up() end)
    assert.equal("migration_failed", e.kind)
    assert.equal("3_three", e.title)
    assert.equal("undefined_table", e.cause.kind)
    assert.matches("3_three%.lua:4: undefined_table: relation \"nowhere\" does not exist", tostring(e))
    assert.matches("nothing of it was kept; mend it, then `moonpool migrate up`", e.hint)
    assert.equal("1_one 2_two", titles(e.done))
    assert.equal("one two", tables())
    assert.equal("1_one=applied 2_two=applied 3_three=pending", states())
    folder:write("3_three.lua", [[return { up = function(m) m:create_table("three", function(t) t:int "id" end) end }]])
    assert.equal("3_three", titles(migrator():up()))
  end)

  it("names the line of an SQL file", function()
    folder:write("3_three.up.sql", "create table three (id int);\n\n-- then\ninsert into three\n  values (1,\n  nmae);")
    local e = refusal(function() migrator():up() end)
    assert.matches("3_three%.up%.sql:6: undefined_column", tostring(e))
    assert.matches("%^", tostring(e))
    assert.equal("one two", tables())
  end)

  it("passes on what a script raises itself", function()
    folder:write("3_three.lua", "return { up = function(m)\n error 'not today' end }")
    assert.matches("3_three failed: .*3_three%.lua:2: not today", refusal(function() migrator():up() end).message)
    folder:write("3_three.lua", "return { up = function(m)\n m:create_tabel 'x' end }")
    assert.matches('3_three%.lua:2: usage: a migration has no m:create_tabel %(did you mean "create_table"%?%)',
      refusal(function() migrator():up() end).message)
  end)

  it("runs nothing when a file is broken", function()
    folder:write("3_three.lua", "return { up = function(m) m:exec( end }")
    local e = refusal(function() migrator():up() end)
    assert.equal("migration_file", e.kind)
    assert.matches("3_three%.lua:1: unexpected symbol near 'end'", e.message)
    assert.equal("", tables())
    assert.is_nil(db:query("select to_regclass('schema_migrations')"):scalar())
  end)

  it("refuses a file that changed after it was applied", function()
    migrator():up()
    folder:write("2_two.up.sql", "create table two (id bigint);\ninsert into two values (1), (2);")
    folder:write("3_three.up.sql", "create table three (id int)")
    local e = refusal(function() migrator():up() end)
    assert.equal("migration_refused", e.kind)
    assert.matches("2_two was changed after it was applied", e.message)
    assert.equal("one two", tables())
    assert.equal("migration_refused", refusal(function() migrator():down() end).kind)
    assert.equal("1_one=applied 2_two=changed 3_three=pending", states())
    folder:write("2_two.up.sql", "\239\187\191create table two (id int);\r\ninsert into two values (1), (2);")
    assert.equal("3_three", titles(migrator():up()))
  end)

  it("refuses what is older than what is applied, unless told", function()
    folder:remove "1_one.lua"
    migrator():up()
    folder:write("1_one.lua", "return { up = function(m) m:exec 'create table one (id int)' end }")
    assert.equal("1_one=out_of_order 2_two=applied", states())
    local e = refusal(function() migrator():up() end)
    assert.matches("1_one is older than what is applied already", e.message)
    assert.matches("%-%-out%-of%-order", e.hint)
    assert.equal("1_one", titles(migrator():up { out_of_order = true }))
  end)

  it("misses a file that was applied, and tolerates one from a newer checkout", function()
    migrator():up()
    folder:remove "1_one.lua"
    assert.equal("1_one=missing 2_two=applied", states())
    assert.matches("1_one was applied and its file is gone", refusal(function() migrator():up() end).message)
    db:exec "delete from schema_migrations where version = 1"
    folder:remove "2_two.up.sql"
    folder:remove "2_two.down.sql"
    folder:write("1_zero.lua", "return { up = function(m) end }")
    assert.equal("1_zero=out_of_order 2_two=newer", states())
    assert.equal("1_zero", titles(migrator():up { out_of_order = true }))
    assert.matches("2_two is applied and not among these files", talk[1])
    assert.matches("its file is gone", refusal(function() migrator():down() end).message)
  end)

  it("names who holds the lock, and gives up in time", function()
    local other = moonpool.connect { primary = database.primary_in "mig" }
    local holder = other:session { pinned = true }
    local pid = holder:query("select pg_backend_pid()"):scalar()
    holder:exec "select pg_advisory_lock(hashtext('moonpool migrate'), hashtext('mig.schema_migrations'))"
    local e = refusal(function() migrator { wait = "300ms" }:up() end)
    assert.equal("timeout", e.kind)
    assert.matches("another migrator holds the lock: pid " .. pid .. " %(", e.message)
    assert.matches("Waiting for another migrator: pid " .. pid, talk[1])
    assert.equal("", tables())
    holder:exec "select pg_advisory_unlock_all()"
    holder:release()
    assert.equal("1_one 2_two", titles(migrator { wait = "300ms" }:up()))
    other:close()
  end)

  it("leaves no lock behind", function()
    migrator():up()
    folder:write("3_three.up.sql", "select 1 / 0")
    refusal(function() migrator():up() end)
    assert.equal(0, db:query("select count(*) from pg_locks where locktype = 'advisory'"):scalar())
  end)

  it("reads and prints inside a migration", function()
    folder:write("3_three.lua", [[return { up = function(m)
      m:exec("insert into one (id, name) values (:id, :name)", { id = 1, name = "Ann" })
      for row in m:query("select name from one where id = ?", 1):each() do print("seen", row.name) end
      local row = m:query_row "select count(*) as n from two"
      m:exec("insert into two values (?)", row.n + 40)
      if not pcall(function() m.kept = 1 end) then print "m keeps nothing" end
    end }]])
    migrator():up()
    assert.matches("seen\tAnn", table.concat(talk, "\n"))
    assert.matches("m keeps nothing", table.concat(talk, "\n"))
    assert.equal(42, db:query("select max(id) from two"):scalar())
  end)

  it("takes every statement by name", function()
    folder:write("3_three.lua", [[return { up = function(m)
      m:create_table("t", function(t)
        t:bigint "id" :identity():primary_key()
        t:varchar("name", 40):not_null():default "it's"
        t:numeric("n", 12, 2)
        t:timestamps()
        t:index({ "name", "n desc" }, { unique = true })
        t:check("named", "length(name) > 0")
      end)
      m:add_column("t", "one_id", "bigint", { references = { "one", "id" } })
      m:rename_column("t", "n", "amount")
      m:change_type("t", "amount", "text", { using = "amount::text" })
      m:set_default("t", "amount", "0")
      m:drop_default("t", "amount")
      m:set_not_null("t", "amount")
      m:drop_not_null("t", "amount")
      m:add_constraint("t", "short", "check (length(name) < 30)")
      m:drop_constraint("t", "short")
      m:add_column("t", "other", "bigint")
      m:add_foreign_key("t", "other", "one", "id")
      m:create_index("t", m:raw "lower(name)", { name = "by_lower" })
      m:drop_index "by_lower"
      m:drop_column("t", "other")
      m:rename_table("t", "renamed")
    end }]])
    migrator():up()
    assert.equal("one renamed two", tables())
    assert.equal("id name amount created_at updated_at one_id", db:query([[
      select string_agg(attname, ' ' order by attnum) from pg_attribute
      where attrelid = 'renamed'::regclass and attnum > 0 and not attisdropped]]):scalar())
  end)

  it("lets trusted scripts reach the machine", function()
    folder:write("3_three.lua", "return { up = function(m) assert(io.open); assert(require) end }")
    assert.equal("migration_failed", refusal(function() migrator():up() end).kind)
    assert.equal("3_three", titles(migrator { trusted = true }:up()))
  end)

  it("drafts the next one", function()
    local paths = migrate.draft(folder.path, "Add a Phone!")
    assert.matches("/%d%d%d%d%d%d%d%d%d%d%d%d%d%d_add_a_phone%.lua$", paths[1])
    assert.equal(3, #migrator():up())
    paths = migrate.draft(folder.path, "more", true)
    assert.matches("_more%.up%.sql$", paths[1])
    assert.matches("_more%.down%.sql$", paths[2])
    assert.equal(1, #migrator():up())
    assert.equal("usage", refusal(migrate.draft, folder.path, "!!").kind)
    assert.equal("usage", refusal(migrate.draft, "/nonexistent", "x").kind)
  end)

  it("does not run on a standby", function()
    local standby = os.getenv "MOONPOOL_REPLICA"
    if not standby then return pending "needs MOONPOOL_REPLICA" end
    local other = moonpool.connect { primary = standby, pool = { acquire_timeout = "500ms" } }
    local e = refusal(function() migrate.new(other, { dir = folder.path }):up() end)
    assert.is_true(e.kind == "migration_refused" or e.kind == "no_primary", e.kind)
    other:close()
  end)

  it("works on a database, with known options", function()
    assert.equal("usage", refusal(migrate.new, nil).kind)
    assert.matches('no option dri %(did you mean "dir"%?%)', refusal(migrate.new, db, { dri = "x" }).message)
    db:transaction(function(tx) assert.equal("usage", refusal(migrate.new, tx).kind) end)
  end)

  it("carries the sample shop up and down again", function()
    local m = migrate.new(db)
    local applied = m:up()
    assert.is_true(#applied >= 4)
    assert.equal("customers order_items orders products", tables())
    assert.is_true(db:query("select count(*) from orders"):scalar() >= 5)
    assert.is_true(db:query("select sum(points) from customers"):scalar() > 0)
    assert.equal("migration_refused", refusal(function() m:down(#applied) end).kind)
    assert.equal(#applied, #m:down { steps = #applied, allow = { "drop_table", "drop_column" } })
    assert.equal("", tables())
    assert.equal(#applied, #m:up())
  end)
end)
