--- What `__index` answers for a name that is not there: an error that says the near name where there is one, else
--- nil, so that code which asks what a value can do still may.

local errors = require "moonpool.core.error"
local suggest = require "moonpool.core.suggest"
local walk = require "moonpool.core.walk"

local M = {}

---Raises a misuse when `key` is nearly the name of something in one of the tables.
---@param what string "a handle has no method"
---@param key any
---@param ... table what is there, by name
---@return nil
function M.check(what, key, ...)
  -- Libraries ask any table for fields such as __tojson; what begins with _ is nobody's to call.
  if type(key) ~= "string" or key:find "^_" then return nil end
  local names = {}
  for i = 1, select("#", ...) do
    for name in walk.pairs((select(i, ...))) do
      if type(name) == "string" and not name:find "^_" then names[#names + 1] = name end
    end
  end
  if suggest.near(key, names) then errors.misuse("%s %s%s", what, key, suggest.hint(key, names)) end
  return nil
end

---The same, with an answer for names that other tools taught people.
---@param what string
---@param key any
---@param meant table<string, string> what to say for names that are known from elsewhere
---@param ... table what is there, by name
---@return nil
function M.check_meant(what, key, meant, ...)
  local advice = type(key) == "string" and meant[key]
  if advice then errors.misuse("%s %s; say %s", what, key, advice) end
  return M.check(what, key, ...)
end

return M
