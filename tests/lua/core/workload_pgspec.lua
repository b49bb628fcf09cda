--- Transactions against each other, and against what may happen to them at any statement.

local database = require "database"
local moonpool = require "moonpool"

local CLIENTS = 8

local function side_by_side(n, f)
  local tasks = {}
  for i = 1, n do
    tasks[i] = function() return f(i) end
  end
  return moonpool.gather({ timeout = 60 }, unpack(tasks))
end

describe("transactions against each other", function()
  local db

  setup(function()
    db = database.connect { pool = { max = CLIENTS } }
    db:script [[drop table if exists wl_duty, wl_counter, wl_account, wl_done;
      create table wl_duty (pair int, who int, on_duty bool not null, primary key (pair, who));
      create table wl_counter (id int primary key, n int not null);
      create table wl_account (id int primary key, cents int not null);
      create table wl_done (client int, op int)]]
  end)
  teardown(function()
    db:exec "drop table wl_duty, wl_counter, wl_account, wl_done"
    db:close()
  end)

  it("keep an invariant that write skew would break", function()
    local PAIRS, runs = 12, 0
    db:exec("insert into wl_duty select p, w, true from generate_series(1, ?) p, generate_series(1, 2) w", PAIRS)
    side_by_side(CLIENTS, function(i)
      for pair = 1, PAIRS do
        db:transaction(function(tx)
          runs = runs + 1
          local left = tx:query("select count(*) from wl_duty where pair = ? and on_duty", pair):scalar()
          if left >= 2 then
            tx:exec("update wl_duty set on_duty = false where pair = ? and who = ?", pair, i % 2 + 1)
          end
        end, { isolation = "serializable", retries = 50 })
      end
    end)
    assert.equal(0, db:query([[select count(*) from (select pair from wl_duty group by pair
      having count(*) filter (where on_duty) <> 1) wrong]]):scalar())
    assert.is_true(runs < CLIENTS * PAIRS * 10, "run " .. runs .. " times")
  end)

  it("lose no update", function()
    local EACH, runs = 15, 0
    db:exec "insert into wl_counter values (1, 0)"
    side_by_side(CLIENTS, function()
      for _ = 1, EACH do
        db:transaction(function(tx)
          runs = runs + 1
          local n = tx:query("select n from wl_counter where id = 1"):scalar()
          tx:exec("update wl_counter set n = ? where id = 1", n + 1)
        end, { isolation = "repeatable read", retries = 200 })
      end
    end)
    assert.equal(CLIENTS * EACH, db:query("select n from wl_counter"):scalar())
    assert.is_true(runs < CLIENTS * EACH * 20, "run " .. runs .. " times")
  end)

  it("come out of deadlocks, none lost, none doubled", function()
    local EACH, again = 6, 0
    db:exec "insert into wl_account select i, 1000 from generate_series(1, 2) i"
    side_by_side(CLIENTS, function(i)
      local from, to = i % 2 + 1, (i + 1) % 2 + 1
      for op = 1, EACH do
        local runs = 0
        db:transaction(function(tx)
          runs = runs + 1
          if runs > 1 then again = again + 1 end
          tx:exec "set local deadlock_timeout = '10ms'"
          tx:exec("update wl_account set cents = cents - 1 where id = ?", from)
          tx:query "select pg_sleep(0.002)"
          tx:exec("update wl_account set cents = cents + 1 where id = ?", to)
          tx:exec("insert into wl_done values (?, ?)", i, op)
        end, { retries = 100, timeout = "50s" })
      end
    end)
    assert.is_true(again > 0, "no deadlock was met")
    assert.equal(CLIENTS * EACH, db:query("select count(*) from wl_done"):scalar())
    assert.equal(CLIENTS * EACH, db:query("select count(*) from (select distinct client, op from wl_done) d"):scalar())
    assert.equal(2000, db:query("select sum(cents) from wl_account"):scalar())
  end)
end)

describe("five nested transactions", function()
  local DEPTH = 5
  local db

  setup(function()
    db = database.connect { pool = { max = 2 } }
    db:script "drop table if exists wl_nested; create table wl_nested (level int, part text)"
  end)
  teardown(function()
    db:exec "drop table wl_nested"
    db:close()
  end)
  before_each(function() db:exec "truncate wl_nested" end)

  -- Statement k of ten: 1 to 5 on the way down, 6 to 10 on the way up. Each level swallows what its inner one raises.
  local function descend(handle, level, fault)
    local function say(part, k)
      fault(handle, k)
      handle:exec("insert into wl_nested values (?, ?)", level, part)
    end
    say("down", level)
    if level < DEPTH then
      pcall(handle.transaction, handle, function(inner) descend(inner, level + 1, fault) end)
    end
    say("up", 2 * DEPTH + 1 - level)
  end

  local function found()
    local rows = {}
    for row in db:query("select level, part from wl_nested order by 1, 2"):each() do
      rows[#rows + 1] = row.level .. row.part
    end
    return table.concat(rows, " ")
  end

  local function expected(upto)
    local rows = {}
    for level = 1, upto do rows[#rows + 1] = level .. "down " .. level .. "up" end
    return table.concat(rows, " ")
  end

  for k = 1, 2 * DEPTH do
    local level = k <= DEPTH and k or 2 * DEPTH + 1 - k

    it("end as the model says when statement " .. k .. " fails", function()
      local ok = pcall(db.transaction, db, function(tx)
        descend(tx, 1, function(handle, at) if at == k then handle:query "select 1/0" end end)
      end)
      assert.equal(level > 1, ok)
      -- What failed took its level, and those inside of it, along.
      assert.equal(expected(level - 1), found())
    end)

    it("leave nothing when their connection dies at statement " .. k .. ", and all when they run again", function()
      local function die(handle, at)
        if at == k then handle:query "select pg_terminate_backend(pg_backend_pid())" end
      end
      local e = database.refusal(db.transaction, db, function(tx) descend(tx, 1, die) end, { retries = 0 })
      assert.is_false(e.in_doubt)
      assert.equal("", found())
      local runs = 0
      db:transaction(function(tx)
        runs = runs + 1
        local ok, why = pcall(descend, tx, 1, runs == 1 and die or function() end)
        if not ok then error(why, 0) end
        if runs == 1 then tx:query "select 1" end -- the levels above swallowed it; the transaction did not
      end)
      assert.equal(2, runs)
      assert.equal(expected(DEPTH), found())
    end)

    it("leave nothing when their task is told to end at statement " .. k, function()
      local task
      task = moonpool.spawn(function()
        moonpool.sleep(0)
        db:transaction(function(tx)
          descend(tx, 1, function(handle, at)
            if at == k then
              task:cancel()
              handle:query "select pg_sleep(10)"
            end
          end)
        end)
      end)
      local e = database.refusal(task.join, task)
      assert.equal("cancelled", e.kind)
      assert.equal("", found())
    end)
  end
end)

describe("a task that is told to end between two attempts", function()
  local db

  setup(function()
    db = database.connect { retry = { attempts = 100, base = "5s", cap = "5s" } }
    db:exec [[create or replace function wl_fails() returns int language plpgsql as $$
      begin raise exception 'not now' using errcode = '40001'; end $$]]
  end)
  teardown(function()
    db:exec "drop function wl_fails()"
    db:close()
  end)

  for name, call in pairs {
    read_query = function() db:read_query "select wl_fails()" end,
    read_stream = function()
      for _ in db:read_stream "select wl_fails()":each() do end -- luacheck: ignore
    end,
  } do
    it("makes no other: " .. name, function()
      -- Nearly always it waits for its next attempt by then.
      local met = false
      for tries = 1, 50 do
        local task = moonpool.spawn(call)
        moonpool.sleep(0.02 * tries)
        task:cancel()
        local e = database.refusal(task.join, task, 30)
        assert.equal("cancelled", e.kind)
        met = e.message:find("it had failed: not now", 1, true) ~= nil
        if met then break end
      end
      assert.is_true(met)
    end)
  end
end)

describe("a task that is told to end inside a call", function()
  local db

  setup(function()
    db = database.connect { pool = { max = 4, acquire_timeout = "30s" } }
    db:script "drop table if exists wl_call; create table wl_call (a int)"
  end)
  teardown(function()
    db:exec "drop table wl_call"
    db:close()
  end)

  local SLOW = "select pg_sleep(60)"
  local calls = {
    query = function() db:query(SLOW) end,
    read_query = function() db:read_query(SLOW) end,
    exec = function() db:exec(SLOW) end,
    script = function() db:script("insert into wl_call values (1); " .. SLOW) end,
    batch = function() db:batch(function(b) b:add "insert into wl_call values (1)" b:add(SLOW) end) end,
    transaction = function()
      db:transaction(function(tx)
        tx:exec "insert into wl_call values (1)"
        tx:query(SLOW)
      end)
    end,
    savepoint = function()
      db:transaction(function(tx)
        tx:transaction(function(inner)
          inner:exec "insert into wl_call values (1)"
          inner:query(SLOW)
        end)
      end)
    end,
    begin = function()
      local tx = db:begin()
      tx:exec "insert into wl_call values (1)"
      tx:query(SLOW)
    end,
    under_a_role = function() db:as { ["app.who"] = "x" }:query(SLOW) end,
    stream = function()
      for _ in db:stream "select i, pg_sleep(0.1) from generate_series(1, 100) i":each() do end -- luacheck: ignore
    end,
    stream_inside = function()
      db:transaction(function(tx)
        tx:exec "insert into wl_call values (1)"
        for _ in tx:stream "select i, pg_sleep(0.1) from generate_series(1, 100) i":each() do end -- luacheck: ignore
      end)
    end,
    copy_in = function()
      db:copy_in("wl_call", { "a" }, function(put)
        put(1)
        moonpool.sleep(60)
      end)
    end,
    copy_out = function()
      for _ in db:copy_out("select pg_sleep(0.1) from generate_series(1, 100)"):chunks() do end -- luacheck: ignore
    end,
    listen = function() db:listen("wl_channel"):next(60) end,
    gather = function() moonpool.gather(function() db:query(SLOW) end, function() db:query(SLOW) end) end,
  }
  local names = {}
  for name in pairs(calls) do names[#names + 1] = name end
  table.sort(names)

  for _, name in ipairs(names) do
    it("leaves no connection behind, nor a row: " .. name, function()
      for _, wait in ipairs { 0, 0.02, 0.06 } do
        local task = moonpool.spawn(calls[name])
        moonpool.sleep(wait)
        task:cancel()
        local e = database.refusal(task.join, task, 30)
        assert.equal("cancelled", e.kind)
      end
      collectgarbage()
      collectgarbage()
      -- Every connection is to be had at once, and none is inside of anything.
      local taken = 0
      local function take()
        db:transaction(function(tx)
          tx:query "select 1"
          taken = taken + 1
          while taken < 4 do moonpool.sleep "5ms" end
        end)
      end
      moonpool.gather({ timeout = 30 }, take, take, take, take)
      -- The server was told to stop; cancels are spread, so not all at once.
      local running = 1
      for _ = 1, 100 do
        running = db:query([[select count(*) from pg_stat_activity where pid <> pg_backend_pid()
          and query like '%pg_sleep(60)%' and state = 'active']]):scalar()
        if running == 0 then break end
        moonpool.sleep "100ms"
      end
      assert.equal(0, running)
      assert.equal("", db:query("select coalesce(current_setting('app.who', true), '')"):scalar())
    end)
  end
end)
