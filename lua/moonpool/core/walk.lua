--- `pairs` that is safe to compile.
---
--- LuaJIT 2.1.0-beta3 as Debian 12 ships it (a snapshot of March 2022) miscompiles walks over a table: where the
--- register allocator must swap two results of `next`, it cuts a pointer to 32 bits and the process dies
--- (LuaJIT issue 829, mended a month after that snapshot). There the step is kept out of the compiler; a loop
--- around it is interpreted. Any other LuaJIT gets its own `pairs`.

local M = {}

local next = next

local function step(t, key)
  return next(t, key)
end

---As the builtin.
---@generic K, V
---@param t table<K, V>
---@return fun(t: table<K, V>, key: K|nil): K, V
---@return table<K, V>
function M.pairs(t)
  return step, t, nil
end

if jit.version:find "beta" then
  jit.off(step)
else
  M.pairs = pairs
end

return M
