--- Tasks side by side by Moonpool's coroutines.

local moonpool = require "moonpool"
local native = require "moonpool.core.ffi"

local TASKS, EACH = tonumber(os.getenv "BENCH_TASKS"), tonumber(os.getenv "BENCH_EACH")
local POINT = os.getenv "BENCH_POINT"

local db = moonpool.connect {
  primary = os.getenv "MOONPOOL_PRIMARY",
  pool = { max = tonumber(os.getenv "BENCH_CONNECTIONS") },
}

local function everyone(ask, count)
  local tasks = {}
  for start = 0, TASKS - 1 do
    tasks[#tasks + 1] = function()
      for i = 0, count - 1 do
        local id = (start * 7919 + i * 31) % 10000 + 1
        assert(ask(db, POINT, id).id == id)
      end
    end
  end
  local begun = native.C.mp_clock()
  moonpool.gather(unpack(tasks))
  return TASKS * count / (native.C.mp_clock() - begun)
end

local ways = { { "Moonpool, Lua tasks, reads", db.read_query_row }, { "Moonpool, Lua tasks, query", db.query_row } }
for _, way in ipairs(ways) do
  everyone(way[2], 20)
  print(("%.0f %s"):format(everyone(way[2], EACH), way[1]))
end
db:close()
