local moonpool = require "moonpool"

describe("db:as", function()
  local db, app
  local WHO = "select current_user as role, current_setting('app.user_id', true) as id"

  setup(function()
    db = moonpool.connect { pool = { max = 2 } }
    db:exec "do $$ begin create role as_spec; exception when duplicate_object then null; end $$"
    app = db:as { role = "as_spec", ["app.user_id"] = 7 }
  end)
  teardown(function() db:close() end)

  local function who(handle, ...) return handle:query(WHO, ...):first():copy() end

  it("runs every statement of the handle under the settings, and no other", function()
    for _ = 1, 3 do
      assert.same({ role = "as_spec", id = "7" }, moonpool.to_table(who(app)))
      assert.not_equal("as_spec", who(db).role)
    end
    assert.equal("as_spec", app:read_query(WHO):first().role)
    for row in app:stream(WHO):each() do assert.equal("7", row.id) end
    local answers = app:batch(function(b) b:add "select 1" b:add(WHO) end)
    assert.equal("as_spec", answers[2]:first().role)
    assert.not_equal("as_spec", who(db).role)
  end)

  it("runs a transaction under them as a whole", function()
    app:transaction(function(tx)
      assert.equal("7", who(tx).id)
      pcall(tx.transaction, tx, function(inner) inner:query "select 1/0" end)
      assert.equal("as_spec", who(tx).role)
      local ok, e = pcall(tx.as, tx, { role = "other" })
      assert.is_false(ok)
      assert.matches("a context is laid on a transaction as a whole", tostring(e))
    end)
    assert.not_equal("as_spec", who(db).role)
  end)

  it("adds to what is laid on already", function()
    local more = app:as { ["app.tenant"] = "t1" }
    local row = more:query("select current_user as role, current_setting('app.tenant') as tenant"):first()
    assert.same({ "as_spec", "t1" }, { row.role, row.tenant })
  end)

  it("is looked at by row security", function()
    db:exec [[create table if not exists as_notes (owner text, body text)]]
    db:exec "truncate as_notes"
    db:exec "insert into as_notes values ('7', 'mine'), ('8', 'not mine')"
    db:exec "grant select on as_notes to as_spec"
    db:exec "alter table as_notes enable row level security"
    db:exec "drop policy if exists own on as_notes"
    db:exec "create policy own on as_notes using (owner = current_setting('app.user_id'))"
    assert.same({ "mine" }, app:query("select body from as_notes"):column "body")
    assert.equal(2, db:query("select count(*) from as_notes"):scalar())
    db:exec "drop table as_notes"
  end)

  it("refuses what is no setting", function()
    for _, bad in ipairs { { ["a b"] = 1 }, { ["x';--"] = 1 }, {} } do
      assert.is_false(pcall(db.as, db, bad))
    end
    assert.matches("'a b' cannot name a setting", tostring(select(2, pcall(db.as, db, { ["a b"] = 1 }))))
    assert.matches("as takes a table of settings", tostring(select(2, pcall(db.as, db, "app"))))
  end)
end)
