--- The options of a call: a table whose keys are known. What is none, or is called otherwise, is refused at the
--- caller's line.

local errors = require "moonpool.core.error"
local suggest = require "moonpool.core.suggest"

local M = {}

local function names_of(known)
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local NOTHING = {}

---The options that were given; none is an empty table, which the caller must not change.
---@param what string "a batch", "copy_in"
---@param given any
---@param known table<string, string|true> the type of each, or true where the caller looks closer
---@return table
function M.check(what, given, known)
  if given == nil then return NOTHING end
  if type(given) ~= "table" or getmetatable(given) ~= nil then
    errors.misuse("the options of %s are a plain table, got %s", what, errors.show(given))
  end
  for key, value in pairs(given) do
    local wanted = type(key) == "string" and known[key]
    if not wanted then
      local names = names_of(known)
      errors.misuse("%s has no option %s%s; it has %s", what, errors.name(key), suggest.hint(key, names),
        table.concat(names, ", "))
    elseif wanted ~= true and type(value) ~= wanted then
      errors.misuse("the option %s of %s is a %s, got %s", key, what, wanted, errors.show(value))
    end
  end
  return given
end

return M
