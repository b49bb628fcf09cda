--- What every peer in Lua does with a job: once to warm up, then the best of five; a line with who, what and how long.

local clock = require("moonpool.core.ffi").C.mp_clock

---@param peer string
---@return fun(job: string, work: fun(), times: integer|nil)
return function(peer)
  return function(job, work, times)
    local least = math.huge
    work()
    for _ = 1, 5 do
      collectgarbage()
      local begun = clock()
      work()
      least = math.min(least, clock() - begun)
    end
    print(("%s\t%s\t%.9f"):format(peer, job, least / (times or 1)))
  end
end
