--- Methods that say so when they are called on something else: `range.contains(5)` for `range:contains(5)`.

local errors = require "moonpool.core.error"

local M = {}

local originals = setmetatable({}, { __mode = "k" })

---A method that may count on what it is called on.
---@param method function
---@param metatable table of what it belongs to
---@param what string "a range"
---@return function
function M.method(method, metatable, what)
  local function guarded(self, ...)
    if getmetatable(self) ~= metatable then
      errors.misuse("this method is called with a colon on %s, got %s", what, errors.show(self))
    end
    return method(self, ...)
  end
  originals[guarded] = method
  return guarded
end

---Guards the methods of a class.
---@param methods table<string, function>
---@param metatable table
---@param what string
function M.methods(methods, metatable, what)
  for name, method in pairs(methods) do
    if type(method) == "function" and not name:find "^_" then methods[name] = M.method(method, metatable, what) end
  end
end

---The function that somebody wrote, for those who want to read it.
---@param f function
---@return function
function M.original(f)
  return originals[f] or f
end

return M
