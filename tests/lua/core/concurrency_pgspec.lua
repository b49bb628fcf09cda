local moonpool = require "moonpool"
local native = require "moonpool.core.ffi"

local clock = native.C.mp_clock

describe("side by side", function()
  local db

  setup(function() db = moonpool.connect { pool = { max = 8 } } end)
  teardown(function() db:close() end)

  local function failure(f, ...)
    local ok, e = pcall(f, ...)
    assert.is_false(ok)
    return e
  end

  local function seconds(f)
    local begun = clock()
    f()
    return clock() - begun
  end

  it("gathers the first value of each, in order, in the time of the slowest", function()
    local time = seconds(function()
      local a, b, c = moonpool.gather(
        function() return db:query("select pg_sleep(2), 7 as n"):first().n, "and more" end,
        function() moonpool.sleep "2s" return nil end,
        function() db:query "select pg_sleep(2)" return "c" end)
      assert.same({ 7, nil, "c" }, { a, b, c })
    end)
    assert.is_true(time < 6, "took " .. time)
    assert.equal(0, select("#", moonpool.gather()))
  end)

  it("works the same without anything to wait for, and one inside another", function()
    local a, b = moonpool.gather(
      function() return (moonpool.gather(function() return db:query("select 1"):scalar() end, function() return 2 end)) end,
      function() return select(2, moonpool.gather(function() return 3 end, function() moonpool.sleep(0.01) return 4 end)) end)
    assert.same({ 1, 4 }, { a, b })
  end)

  it("runs more tasks than there are connections", function()
    local functions, order = {}, {}
    for i = 1, 64 do
      functions[i] = function()
        for _ = 1, 5 do
          local value = db:query("select ?::int", i):scalar()
          order[#order + 1] = value
        end
        return i
      end
    end
    local values = { moonpool.gather(unpack(functions)) }
    assert.equal(64, #values)
    assert.equal(320, #order)
  end)

  it("ends the others when one fails, and undoes what they had begun", function()
    db:exec "create table if not exists gathered (a int)"
    local told
    local e
    local time = seconds(function()
      e = failure(moonpool.gather,
        function()
          db:transaction(function(tx)
            tx:exec "insert into gathered values (1)"
            tx:query "select pg_sleep(20)"
          end)
        end,
        function()
          local _, why = pcall(moonpool.sleep, 20)
          told = why.kind
          -- It cannot go on as if nothing had been.
          db:query "select 1"
        end,
        function()
          moonpool.sleep(0.2)
          db:query "select nothing"
        end)
    end)
    assert.equal("undefined_column", e.kind)
    assert.equal("cancelled", told)
    assert.is_true(time < 10, "took " .. time)
    assert.equal(0, db:query("select count(*) from gathered"):scalar())
    db:exec "drop table gathered"
  end)

  it("lets what cleans up come through", function()
    db:exec "create table if not exists kept (a int)"
    local inserted = false
    pcall(moonpool.gather,
      function()
        db:transaction(function(tx)
          tx:exec "insert into kept values (1)"
          inserted = true
          pcall(moonpool.sleep, 20) -- what was done so far is to be kept
        end)
      end,
      function()
        while not inserted do moonpool.sleep "5ms" end
        error "stop"
      end)
    assert.equal(1, db:query("select count(*) from kept"):scalar())
    db:exec "drop table kept"
  end)

  it("raises what a task raised, whatever it is", function()
    local value = {}
    assert.equal(value, failure(moonpool.gather, function() error(value) end))
    assert.equal("first", failure(moonpool.gather,
      function() moonpool.sleep(0.05) error("second", 0) end, function() error("first", 0) end))
  end)

  it("has a deadline when it is given one", function()
    local time = seconds(function()
      local e = failure(moonpool.gather, { timeout = "200ms" },
        function() db:query "select pg_sleep(20)" end, function() moonpool.sleep(20) end)
      assert.equal("timeout", e.kind)
      assert.matches("gather was not done within 0%.2 s", e.message)
    end)
    assert.is_true(time < 5, "took " .. time)
    assert.equal(5, moonpool.gather({ timeout = 5 }, function() return 5 end))
  end)

  it("leaves the connections fit for use", function()
    for _ = 1, 5 do
      pcall(moonpool.gather, { timeout = "20ms" },
        function() db:query "select pg_sleep(20)" end, function() db:query "select pg_sleep(20)" end)
    end
    for i = 1, 20 do assert.equal(i, db:query("select ?::int", i):scalar()) end
  end)

  describe("spawn", function()
    it("goes on while its maker waits, and gives what it returned", function()
      local task = moonpool.spawn(function(a, b)
        moonpool.sleep(0.05)
        return a + b, "two"
      end, 1, 2)
      assert.is_false(task:is_done())
      assert.equal("task: running", tostring(task))
      db:query "select pg_sleep(0.3)"
      assert.is_true(task:is_done())
      assert.same({ 3, "two" }, { task:join() })
      assert.same({ 3, "two" }, { task:join() })
    end)

    it("raises at the join, which may have a limit of time", function()
      local task = moonpool.spawn(function() moonpool.sleep(1) error("no", 0) end)
      assert.equal("timeout", failure(task.join, task, "10ms").kind)
      assert.equal("no", failure(task.join, task))
      assert.equal("task: failed", tostring(task))
    end)

    it("is joined by several", function()
      local task = moonpool.spawn(function() moonpool.sleep(0.05) return 9 end)
      assert.same({ 9, 9, 9 }, { moonpool.gather(
        function() return (task:join()) end, function() return (task:join()) end, function() return (task:join()) end) })
    end)

    it("is told to end", function()
      local task = moonpool.spawn(function() db:query "select pg_sleep(20)" end)
      task:cancel()
      local time = seconds(function() assert.equal("cancelled", failure(task.join, task).kind) end)
      assert.is_true(time < 5)
    end)

    it("sees that tasks wait for each other in a circle", function()
      local one, two
      one = moonpool.spawn(function() moonpool.sleep(0.01) return two:join() end)
      two = moonpool.spawn(function() return one:join() end)
      assert.matches("every task waits for another", tostring(failure(one.join, one)))
      one:cancel()
      pcall(one.join, one)
      pcall(two.join, two)
    end)
  end)

  it("waits where a task cannot: in a coroutine of its own, and under a C function", function()
    local a, b = moonpool.gather(
      function()
        local each = coroutine.wrap(function() coroutine.yield(db:query("select 1"):scalar()) end)
        return each()
      end,
      function()
        return (("x"):gsub("x", function() return tostring(db:query("select 2"):scalar()) end))
      end)
    assert.same({ 1, "2" }, { a, b })
  end)

  it("lets the others go on where a task yields by itself", function()
    local order = {}
    moonpool.gather(
      function() for i = 1, 3 do order[#order + 1] = "a" .. i coroutine.yield() end end,
      function() for i = 1, 3 do order[#order + 1] = "b" .. i coroutine.yield() end end)
    assert.equal("a1 b1 a2 b2 a3 b3", table.concat(order, " "))
  end)

  it("runs transactions, batches and streams side by side", function()
    local n, sum, batch = moonpool.gather(
      function()
        return db:transaction(function(tx)
          local first = tx:query("select 1"):scalar()
          moonpool.sleep(0.02)
          return first + tx:query("select 2"):scalar()
        end)
      end,
      function()
        local sum = 0
        for row in db:stream "select g from generate_series(1, 1000) g":each() do sum = sum + row.g end
        return sum
      end,
      function()
        return db:batch(function(b) b:add "select 5" b:add "select 6" end)[2]:scalar()
      end)
    assert.same({ 3, 500500, 6 }, { n, sum, batch })
  end)

  it("leaves a transaction to the task that began it, and loses nothing by it", function()
    local refused = "this transaction belongs to another task"
    local e = failure(db.transaction, db, function(tx)
      tx:query "select 1"
      moonpool.gather(function() tx:query "select 2" end)
    end)
    assert.matches(refused, tostring(e))
    assert.equal("transaction", e.kind)
    e = failure(db.transaction, db, function(tx)
      moonpool.spawn(function() tx:transaction(function() end) end):join()
    end)
    assert.matches(refused, tostring(e))
    -- Where a task waits in a coroutine of its own it is the same task still.
    local n = moonpool.gather(function()
      return db:transaction(function(tx)
        local each = coroutine.wrap(function() coroutine.yield(tx:query("select 4"):scalar()) end)
        return each()
      end)
    end)
    assert.equal(4, n)
    local tx = db:begin()
    e = failure(moonpool.gather, function() tx:commit() end)
    assert.matches(refused, tostring(e))
    assert.equal(1, tx:query("select 1"):scalar())
    tx:rollback()
    assert.equal(3, db:query("select 3"):scalar())
  end)

  it("refuses what is no function, and options that it has not", function()
    assert.matches("gather takes functions, got a number", tostring(failure(moonpool.gather, 1)))
    assert.matches("gather takes functions, got a string", tostring(failure(moonpool.gather, function() end, "x")))
    assert.matches("gather has no option timeot", tostring(failure(moonpool.gather, { timeot = 1 }, function() end)))
    assert.matches("spawn takes functions, got a nil", tostring(failure(moonpool.spawn)))
    assert.matches("sleep takes a length of time", tostring(failure(moonpool.sleep, "soon")))
  end)
end)
