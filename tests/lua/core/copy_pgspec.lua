local database = require "database"
local moonpool = require "moonpool"

local refusal = database.refusal

describe("COPY", function()
  local db

  setup(function()
    db = database.connect { pool = { max = 2, acquire_timeout = "3s" } }
    db:exec "drop table if exists copied"
    db:exec [[create table copied (id int, "odd ""name" text, score float8, ok bool, tags text[], doc jsonb, raw bytea)]]
  end)
  teardown(function()
    db:exec "drop table copied"
    db:close()
  end)
  before_each(function() db:exec "truncate copied" end)

  local function count() return db:query("select count(*) from copied"):scalar() end

  it("stores what is put, and tells how many", function()
    assert.equal(0, db:copy_in("copied", { "id" }, function() end))
    assert.equal(50000, db:copy_in("copied", { "id", 'odd "name', "score" }, function(put)
      for i = 1, 50000 do put(i, "line\n" .. i .. "\t\\end", i / 3) end
    end))
    assert.equal(50000, count())
    local row = db:query_row [[select * from copied where id = 777]]
    assert.equal("line\n777\t\\end", row['odd "name'])
    assert.equal(259, row.score)
  end)

  it("takes every kind of value", function()
    db:copy_in("public.copied", { "id", "score", "ok", "tags", "doc", "raw", 'odd "name' }, function(put)
      put(1, 1e300, true, { "a", "b,c" }, { x = { 1 } }, moonpool.bytea "\0\255", "")
      put(moonpool.null, 0 / 0, false, moonpool.array {}, moonpool.json { 1, 2 }, nil, nil)
    end)
    local rows = db:query("select * from copied order by id nulls last"):all()
    assert.same({ "a", "b,c" }, rows[1].tags)
    assert.same({ x = { 1 } }, rows[1].doc)
    assert.equal("\0\255", rows[1].raw)
    assert.equal("", rows[1]['odd "name'])
    assert.equal(1e300, rows[1].score)
    assert.is_nil(rows[2].id)
    assert.is_false(rows[2].ok)
    assert.is_true(rows[2].score ~= rows[2].score)
    assert.is_nil(rows[2]['odd "name'])
  end)

  it("stores nothing on an error, and names the row", function()
    local e = refusal(db.copy_in, db, "copied", { "id" }, function(put)
      put(1)
      put "x"
      put(3)
    end)
    assert.equal("invalid_text_representation", e.kind)
    assert.equal(2, e.row)
    assert.truthy(e.message:find("line 2, column id", 1, true))
    e = refusal(db.copy_in, db, "copied", { 'odd "name' }, function(put)
      for _ = 1, 20 do put "good" end
      put "bad\0"
    end)
    assert.equal("usage", e.kind)
    assert.equal(21, e.row)
    assert.truthy(e.where:find "copy_pgspec")
    e = refusal(db.copy_in, db, "copied", { "id", "ok" }, function(put) put(1) end)
    assert.truthy(e.message:find("2 values (id, ok), got 1", 1, true))
    local _, mine = pcall(db.copy_in, db, "copied", { "id" }, function(put)
      for i = 1, 30000 do put(i) end
      error("mine", 0)
    end)
    assert.equal("mine", mine)
    assert.equal("undefined_column", refusal(db.copy_in, db, "copied", { "nowhere" }, function() end).kind)
    assert.equal(0, count())
  end)

  it("does not hide an error that the function swallowed", function()
    local e = refusal(db.copy_in, db, "copied", { "id" }, function(put)
      pcall(function()
        put "bad"
        for i = 1, 3000000 do put(i) end
      end)
    end)
    assert.equal("invalid_text_representation", e.kind)
    assert.equal(0, count())
  end)

  it("is refused where it is called wrongly", function()
    for _, args in ipairs { {}, { "copied" }, { "copied", {} }, { "copied", { "id" } }, { "copied", { "id" }, 7 },
      { "copied; drop table copied", { "id" }, print }, { "copied", { "id" }, print, { tmeout = 1 } },
      { "copied", { ("x"):rep(64) }, print } } do
      assert.equal("usage", refusal(db.copy_in, db, unpack(args, 1, 4)).kind)
    end
    local kept
    db:copy_in("copied", { "id" }, function(put) kept = put put(1) end)
    assert.is_false((pcall(kept, 2)))
    assert.equal("usage", refusal(db.exec, db, "copy copied from stdin").kind)
    assert.equal("usage", refusal(db.batch, db, function(b) b:add "copy copied to stdout" end).kind)
    assert.equal(1, count())
  end)

  it("takes raw data for a COPY statement", function()
    assert.equal(2, db:copy_in("copy copied (id, ok) from stdin (format csv)", function(put)
      put "1,t\n"
      put "2,f\n"
    end))
    assert.equal(3, db:query("select sum(id) from copied"):scalar())
  end)

  it("is part of the transaction it is in", function()
    db:transaction(function(tx)
      tx:copy_in("copied", { "id" }, function(put)
        put(1)
        assert.equal("transaction", refusal(tx.query, tx, "select 1").kind)
      end)
      assert.equal(1, tx:query("select count(*) from copied"):scalar())
      local left = tx:copy_out "select generate_series(1, 1000000) as i"
      assert.equal(1, left:each()(left).i)
      left:close()
      tx:exec "insert into copied (id) values (2)"
    end)
    assert.equal(2, count())
    assert.is_false((pcall(db.transaction, db, function(tx)
      tx:copy_in("copied", { "id" }, function(put) put(3) end)
      error "no"
    end)))
    assert.equal(2, count())
  end)

  it("reads tables and queries, as rows and as text", function()
    db:copy_in("copied", { "id", 'odd "name', "tags" }, function(put)
      for i = 1, 20000 do put(i, i % 3 == 0 and "a\tb\\" or nil, { "x", i }) end
    end)
    local n, sum = 0, 0
    for row in db:copy_out "copied":each() do
      n, sum = n + 1, sum + row.id
      assert.equal(row.id % 3 == 0 and "a\tb\\" or nil, row['odd "name'])
      assert.equal(tostring(row.id), row.tags[2])
    end
    assert.equal(20000, n)
    assert.equal(200010000, sum)
    local out = db:copy_out("select id from copied order by id limit 2;", { format = "csv", header = true })
    assert.equal("id\n1\n2\n", table.concat((function()
      local parts = {}
      for chunk in out:chunks() do parts[#parts + 1] = chunk end
      return parts
    end)()))
    assert.equal(2, out.rows)
    local only = db:copy_out("copied", { columns = { "id" } }):each()
    assert.is_function(only)
    assert.equal("usage", refusal(function() db:copy_out "copy copied to stdout":each() end).kind)
    assert.equal("usage", refusal(db.copy_out, db, "copied", { format = "xml" }).kind)
    assert.equal("undefined_table", refusal(db.copy_out, db, "nowhere").kind)
    assert.equal("division_by_zero", refusal(function()
      for _ in db:copy_out("select 1 / (500 - i) from generate_series(1, 900) i"):each() do _ = nil end
    end).kind)
    assert.equal(1, db:query("select 1"):scalar())
  end)

  it("out may be left early, again and again, and may run on a replica", function()
    for _ = 1, 8 do
      for row in db:copy_out "select generate_series(1, 100000) as i":each() do
        if row.i == 2 then break end
      end
    end
    local out = db:copy_out("select pg_is_in_recovery() as there", { read = true })
    assert.equal(db:read_query("select pg_is_in_recovery()"):scalar(), out:each()(out).there)
    out:close()
  end)
end)
