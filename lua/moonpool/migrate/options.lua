--- Tables of options: each key is known or refused.

local errors = require "moonpool.core.error"
local suggest = require "moonpool.core.suggest"

local M = {}

---@param given table|nil
---@param known string[] sorted
---@param what string "create_index"
---@return table
function M.check(given, known, what)
  if given == nil then return {} end
  if type(given) ~= "table" then errors.misuse("%s takes a table of options, got a %s", what, type(given)) end
  local allowed = {}
  for _, name in ipairs(known) do allowed[name] = true end
  for key in pairs(given) do
    if not allowed[key] then
      errors.misuse("%s has no option %s%s; it has %s", what, tostring(key), suggest.hint(key, known),
        table.concat(known, ", "))
    end
  end
  return given
end

return M
