local moonpool = require "moonpool"

-- Where connections are scarce, single reads share them: each task has its own answer.
describe("sharing a connection", function()
  local db

  before_each(function()
    -- Nothing here is slow, however busy the machine is with other things.
    db = moonpool.connect { primary = os.getenv "MOONPOOL_PRIMARY", pool = { max = 2, share_slow = "60s" } }
    for _ = 1, 3 do db:read_query("select ?::int", 0):scalar() end
  end)
  after_each(function() db:close() end)

  local function pool(which) return db:stats().nodes[1].pools[which or "read"] end

  local function tasks(n, work)
    local all = {}
    for i = 1, n do all[i] = function() return work(i) end end
    return { moonpool.gather(unpack(all)) }
  end

  it("gives each of many tasks its own answers, on few connections", function()
    local right = tasks(64, function(i)
      for n = 1, 20 do
        local value = db:read_query("select ?::int", i * 100 + n):scalar()
        if value ~= i * 100 + n then return false end
      end
      return true
    end)
    assert.equal(64, #right)
    for i = 1, 64 do assert.is_true(right[i]) end
    local stats = pool()
    assert.is_true(stats.rides > 500, "rides: " .. stats.rides)
    assert.is_true(stats.opened <= 2)
    assert.equal(0, stats.riding + stats.busy + stats.waiting)
  end)

  it("lets an error be its own task's alone", function()
    for _ = 1, 2 do db:read_query("select 10 / ?::int", 1):scalar() end
    local told = tasks(20, function(i)
      local ok, value = pcall(function() return db:read_query("select 10 / ?::int", i % 5):scalar() end)
      return ok and value or value.sqlstate
    end)
    for i = 1, 20 do assert.equal(i % 5 == 0 and "22012" or math.floor(10 / (i % 5)), told[i]) end
  end)

  it("skips a task that was told to end, and leaves the others alone", function()
    for _ = 1, 3 do db:read_query("select ?::int from pg_sleep(?::float8)", 0, 0):scalar() end
    local spawned = {}
    for i = 1, 12 do
      spawned[i] = moonpool.spawn(function()
        -- Those that are told to end are under way for certain.
        return db:read_query("select ?::int from pg_sleep(?::float8)", i, i % 3 == 1 and 0.5 or 0):scalar()
      end)
    end
    for i = 1, 12, 3 do spawned[i]:cancel() end
    for i = 1, 12 do
      if i % 3 == 1 then
        local ok, e = pcall(spawned[i].join, spawned[i])
        assert.is_false(ok)
        assert.equal("cancelled", e.kind)
      else
        assert.equal(i, spawned[i]:join())
      end
    end
    assert.equal(1, db:read_query("select ?::int", 1):scalar())
  end)

  it("runs reads again when the connection under all of them is killed", function()
    local killed = false
    local right = tasks(24, function(i)
      for n = 1, 10 do
        if i == 7 and n == 5 then
          killed = db:query("select count(pg_terminate_backend(pid)) from pg_stat_activity "
            .. "where pid <> pg_backend_pid() and backend_type = 'client backend' and query like 'select $1::int%'")
            :scalar() > 0
        end
        if db:read_query("select ?::int", i):scalar() ~= i then return false end
      end
      return true
    end)
    for i = 1, 24 do assert.is_true(right[i]) end
    assert.is_true(killed)
  end)

  it("keeps transactions to themselves, and gets them their turn among readers", function()
    local order = {}
    local sums = tasks(30, function(i)
      if i % 10 == 0 then
        return db:transaction(function(tx)
          local first = tx:query("select pg_backend_pid()"):scalar()
          tx:exec "set local work_mem = '77kB'"
          local second = tx:query("select pg_backend_pid()"):scalar()
          order[#order + 1] = i
          return first == second and tx:query("show work_mem"):scalar() == "77kB"
        end)
      end
      for _ = 1, 5 do
        if db:read_query("select current_setting('work_mem')"):scalar() == "77kB" then return false end
      end
      return true
    end)
    for i = 1, 30 do assert.is_true(sums[i]) end
    assert.equal(3, #order)
  end)

  it("shares writes only where the handle says so", function()
    for _ = 1, 3 do db:query("select ?::int", 1) end
    tasks(12, function(i) return db:query("select ?::int", i):scalar() end)
    assert.equal(0, pool "write".rides)
    local all = db:with { share = "all" }
    local values = tasks(12, function(i) return all:query("select ?::int", i):scalar() end)
    for i = 1, 12 do assert.equal(i, values[i]) end
    assert.is_true(pool "write".rides > 0)
    local off = db:with { share = "off" }
    local before = pool().rides
    tasks(12, function(i) return off:read_query("select ?::int", i):scalar() end)
    assert.equal(before, pool().rides)
  end)

  it("refuses what is no way to share", function()
    local ok, e = pcall(moonpool.connect, { share = "some" })
    assert.is_false(ok)
    assert.truthy(tostring(e):find('share takes "off", "reads" or "all"', 1, true))
  end)
end)
