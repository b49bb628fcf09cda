--- The builder: how many statements a second of processor time become text and parameters, warm; and cold ones.

local moonpool = require "moonpool"

local c = moonpool.cond
local db = moonpool.connect { primary = os.getenv "MOONPOOL_PRIMARY" or "host=/nowhere" }

local function best(name, n, work)
  local least = math.huge
  for _ = 1, 7 do
    collectgarbage()
    local begun = os.clock()
    work(n)
    least = math.min(least, (os.clock() - begun) / n)
  end
  print(("  %-52s %10.0f /s"):format(name, 1 / least))
end

best("select, where, order_by, limit to text and parameters", 200000, function(n)
  for i = 1, n do
    db:from "users":select("id", "name", "age"):where { name = "Ann" }:order_by("age desc", "id"):limit(i % 50 + 1)
      :to_sql()
  end
end)

best("the same with two conditions of moonpool.cond", 200000, function(n)
  for i = 1, n do
    db:from "users":select("id", "name", "age"):where(c.gt("age", i)):where(c.in_("id", { 1, 2, i })):order_by "id"
      :limit(10):to_sql()
  end
end)

best("a base query that is shared, one more where", 200000, function(n)
  local base = db:from "users":select("id", "name", "age"):order_by("age desc", "id"):limit(10)
  for i = 1, n do base:where { id = i }:to_sql() end
end)

best("insert of one row", 200000, function(n)
  for i = 1, n do db:insert_into "users":values { email = "a", name = "b", age = i }:to_sql() end
end)

best("update by key", 200000, function(n)
  for i = 1, n do db:update "users":set { age = i }:where { id = i }:to_sql() end
end)

best("a shape never seen before (cold)", 2000, function(n)
  for i = 1, n do
    db:from "users":select("id", "name"):where { ["c" .. i .. "_" .. math.random(1e9)] = 1 }:order_by "id":limit(10)
      :to_sql()
  end
end)
