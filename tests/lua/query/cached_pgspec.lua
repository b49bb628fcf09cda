-- Rows that `cached` keeps, on a real server. A second handle changes the table behind the first one's back, so what
-- is read shows where it came from.

local database = require "database"
local moonpool = require "moonpool"

local c = moonpool.cond

describe("cached", function()
  local db, other

  local function connect(cache)
    return moonpool.connect { primary = database.primary_in "kept", cache = cache }
  end

  local function change(a) other:exec("update t set a = ? where id = 1", a) end
  local function read(handle) return handle:from("t"):where({ id = 1 }):cached("t"):one().a end

  setup(function() other = database.in_schema "kept" end)
  teardown(function()
    other:exec "drop schema kept cascade"
    other:close()
  end)
  before_each(function()
    other:script [[drop table if exists t; create table t (id int primary key, a int, tags text[]);
      insert into t values (1, 1, '{x}'), (2, null, '{}')]]
    db = connect()
  end)
  after_each(function() db:close() end)

  it("asks once", function()
    assert.equal(1, read(db))
    change(2)
    assert.equal(1, read(db))
    assert.same({ 1, 1 }, { db:stats().cache.hits, db:stats().cache.misses })
    assert.equal(2, db:from("t"):where({ id = 1 }):one().a)   -- who does not say cached is not served from it
    assert.is_true(db:stats().cache.bytes > 0)
  end)

  it("keeps queries apart that share a key", function()
    local q = db:from("t"):cached "t"
    assert.equal(1, q:find(1).a)
    assert.is_nil(q:find(2).a)
    assert.equal(2, q:count())
    assert.equal(1, q:where(c.gt("a", 0)):count())
    assert.equal("1", q:select(moonpool.raw "a::text as a"):find(1).a)
    assert.same({ 1, 2 }, (q:order_by("id"):pluck "id"))
  end)

  it("gives rows that nobody can change for others", function()
    local q = db:from("t"):cached "t"
    local first = q:find(1)
    first.tags[1], first.a = "spoilt", 9
    local again = q:find(1)
    assert.same({ "x", 1 }, { again.tags[1], again.a })
    assert.equal(2, #q:result())
    assert.equal('[{"a":1},{"a":null}]', q:select("a"):order_by("id"):to_json())
  end)

  it("forgets when the time is up", function()
    local q = db:from("t"):where({ id = 1 }):cached("t", "2s")
    assert.equal(1, q:one().a)
    change(2)
    assert.equal(1, q:one().a)
    moonpool.sleep "2100ms"
    assert.equal(2, q:one().a)
  end)

  it("forgets the keys that a write names, whichever way it is run", function()
    local ways = {
      function(q) q:exec() end,
      function(q) db:exec(q) end,
      function(q) db:batch(function(b) b:add(q) end) end,
      function(q) db:transaction(function(tx) tx:exec(q) end) end,
      function(q) q:returning("id"):all() end,
    }
    for i, run in ipairs(ways) do
      read(db)
      run(db:update("t"):set({ a = 10 + i }):where({ id = 1 }):invalidates("other", "t"))
      assert.equal(10 + i, read(db), "way " .. i)
    end
    change(3)
    db:invalidate "t"
    assert.equal(3, read(db))
    change(4)
    db:update("t"):set({ a = 5 }):where({ id = 2 }):invalidates("another"):exec()
    assert.equal(3, read(db))
    local _, e = moonpool.try(function()
      db:update("t"):set({ a = moonpool.raw "1 / 0" }):every_row():invalidates("t"):exec()
    end)
    assert.equal("22012", e.sqlstate)
    assert.equal(3, read(db))                                  -- it failed: nothing is stale
  end)

  it("forgets by any of several keys", function()
    local q = db:from("t"):where({ id = 1 }):cached { "t", "u" }
    q:one()
    change(7)
    assert.equal(1, q:one().a)
    db:invalidate "u"
    assert.equal(7, q:one().a)
  end)

  it("forgets when a transaction commits, not before, and not when it rolls back", function()
    read(db)
    db:transaction(function(tx)
      tx:update("t"):set({ a = 5 }):where({ id = 1 }):invalidates("t"):exec()
      assert.equal(5, read(tx))                                -- a transaction sees what it wrote
      assert.equal(1, read(db))                                -- others do not
    end)
    assert.equal(5, read(db))
    change(6)
    pcall(db.transaction, db, function(tx)
      tx:update("t"):set({ a = 7 }):where({ id = 1 }):invalidates("t"):exec()
      error "no"
    end)
    assert.equal(5, read(db))
    local tx = db:begin()
    tx:invalidate "t"
    tx:rollback()
    assert.equal(5, read(db))
    tx = db:begin()
    tx:invalidate "t"
    tx:commit()
    assert.equal(6, read(db))
  end)

  it("takes the word of savepoints that were kept, and of no others", function()
    read(db)
    change(2)
    db:transaction(function(tx)
      pcall(tx.transaction, tx, function(sp)
        sp:invalidate "t"
        error "no"
      end)
    end)
    assert.equal(1, read(db))
    db:transaction(function(tx)
      tx:transaction(function(sp) sp:transaction(function(inner) inner:invalidate "t" end) end)
      assert.equal(1, read(db))
    end)
    assert.equal(2, read(db))
  end)

  it("does not keep what was read before a write and arrives after it", function()
    local slow = db:from("t"):select("a", moonpool.raw "pg_sleep(1)::text as nap"):where({ id = 1 }):cached "t"
    moonpool.gather(function() assert.equal(1, slow:one().a) end, function()
      repeat
        moonpool.sleep "5ms"
        local naps = db:query([[select count(*) from pg_stat_activity where state = 'active'
          and query like '%pg_sleep(1)::text as nap%' and pid <> pg_backend_pid()]]):scalar()
      until naps > 0
      db:update("t"):set({ a = 8 }):where({ id = 1 }):invalidates("t"):exec()
    end)
    assert.equal(8, slow:one().a)
  end)

  it("keeps what roles and tenants see apart, and nothing for a pinned session", function()
    local function seen(handle)
      return handle:from("t"):select(moonpool.raw "current_setting('app.tenant', true) as who"):where({ id = 1 })
        :use_primary():cached("t"):one().who
    end
    assert.equal("a", seen(db:as { ["app.tenant"] = "a" }))
    assert.equal("b", seen(db:as { ["app.tenant"] = "b" }))
    assert.equal("b", seen(db:as({ ["app.tenant"] = "b" }):with { timeout = "5s" }))
    assert.equal("a", seen(db:with { as = { ["app.tenant"] = "a" } }))
    assert.equal("", seen(db) or "")
    local pinned = db:session { pinned = true }
    pinned:exec "set app.tenant = 'c'"
    assert.equal("c", seen(pinned))
    pinned:exec "set app.tenant = 'd'"
    assert.equal("d", seen(pinned))
    pinned:release()
    local hits = db:stats().cache.hits
    db:as({ ["app.tenant"] = "a" }):invalidate "t"             -- a key is the same key for all of them
    seen(db:as { ["app.tenant"] = "b" })
    assert.equal(hits, db:stats().cache.hits)
  end)

  it("keeps no more than it was allowed", function()
    local small = connect { entries = 4, ttl = "1h" }
    for id = 1, 50 do small:from("t"):where({ id = id }):cached("t"):all() end
    assert.is_true(small:stats().cache.entries <= 4)
    local light = connect { megabytes = 0.1 }
    light:from("t"):select(moonpool.raw "repeat('x', 200000) as x"):cached("t"):all()
    assert.is_true(light:stats().cache.bytes < 0.1 * 2 ^ 20)
    local none = connect(false)
    read(none)
    change(2)
    assert.equal(2, read(none))
    none:update("t"):set({ a = 5 }):where({ id = 1 }):invalidates("t"):exec()
    for _, handle in ipairs { small, light, none } do handle:close() end
  end)

  it("refuses settings that mean nothing", function()
    local e = database.refusal(connect, { entires = 3 })
    assert.matches('cache has no setting entires %(did you mean "entries"%?%)', e.message)
    assert.matches("cache.entries takes a number above 0", database.refusal(connect, { entries = 0 }).message)
    assert.matches("cache.ttl takes a length of time", database.refusal(connect, { ttl = "soon" }).message)
    assert.matches("needs the methods get", database.refusal(connect, { store = {} }).message)
    assert.matches("cache takes a table", database.refusal(connect, "yes").message)
    assert.matches("invalidate takes the keys of cached", database.refusal(db.invalidate, db, 7).message)
  end)

  describe("in a store of one's own", function()
    local function store()
      local kept = {}
      return {
        kept = kept,
        get = function(_, key) return kept[key] end,
        set = function(self, key, text, ttl)
          assert(type(text) == "string")
          kept[key], self.ttl = text, ttl or self.ttl
        end,
      }
    end

    it("gives every handle on it the same values, whatever their types", function()
      local shared = store()
      local one, two = connect { store = shared, ttl = "5s" }, connect { store = shared }
      local all = [[id, 9007199254740993 as big, 1.10 as price, null::text as nothing, '{1,null}'::int[] as list,
        '{"a":[]}'::jsonb as doc, '\x00ff'::bytea as bytes, 'it''s "ü"' as name, true as yes, 2 as id]]
      local function ask(handle) return handle:from("t"):select(moonpool.raw(all)):where({ id = 1 }):cached("t"):one() end
      local fresh = ask(one)
      change(2)
      other:exec "delete from t"
      local kept = ask(two)
      assert.equal(fresh:to_json(), kept:to_json())
      assert.same({ fresh.big, fresh.price, fresh.nothing, fresh.bytes, fresh.name, fresh.yes, fresh[1], fresh.id },
        { kept.big, kept.price, kept.nothing, kept.bytes, kept.name, kept.yes, kept[1], kept.id })
      assert.equal(moonpool.null, kept.list[2])
      assert.has_error(function() return kept.nmae end)
      assert.equal(5, shared.ttl)
      assert.equal(1, two:stats().cache.hits)
      two:invalidate "t"
      assert.equal("no_data_found", database.refusal(ask, one).kind)
      one:close()
      two:close()
    end)

    it("asks the database when the store fails or holds rubbish", function()
      local shared = store()
      local handle = connect { store = shared }
      assert.equal(1, read(handle))
      for key in pairs(shared.kept) do shared.kept[key] = key:find "result" and "[1,2" or shared.kept[key] end
      change(2)
      assert.equal(2, read(handle))
      for key in pairs(shared.kept) do shared.kept[key] = '{"format":1,"rows":7}' end
      assert.equal(2, read(handle))
      function shared.get() error "no route to the store" end
      change(3)
      assert.equal(3, read(handle))
      local stats = handle:stats().cache
      assert.is_true(stats.failures > 0)
      assert.matches("no route to the store", stats.last_failure)
      handle:close()
    end)
  end)
end)
