--- Refusals: what was given, and what is right. Where the line is found that wrote it is core's business.

local errors = require "moonpool.core.error"
local suggest = require "moonpool.core.suggest"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

---Raises a misuse at the caller's line. With more arguments the first is a format.
---@type fun(message: string, ...: any)
M.raise = errors.misuse

---A value as a person would name it: short, quoted when it is text.
M.show = errors.show

---What stands where a name should: the name as it is, anything else shown.
M.name = errors.name

-- The public names of a table of functions.
local function names_of(methods)
  local names = {}
  for name in pairs(methods) do
    if type(name) == "string" and not name:find "^_" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

---The names, sorted, of a table that may have a list of items beside them. Raises for other keys.
---@param what string
---@param given table
---@return string[]
function M.names(what, given)
  local names = {}
  for key in pairs(given) do
    if type(key) == "string" then
      names[#names + 1] = key
    elseif type(key) ~= "number" or key < 1 or key > #given or key % 1 ~= 0 then
      errors.misuse("%s takes names and a list of items, got the key %s", what, M.show(key))
    end
  end
  table.sort(names)
  return names
end

-- "orderBy" as it is written here.
local function in_snake_case(name)
  return (name:gsub("%u", function(letter) return "_" .. letter:lower() end))
end

---What `__index` answers for a name that is not there: a misuse with the name that was meant, where other tools
---call the thing so, or else with the near one.
---@param what string "a select has no method"
---@param methods table
---@param meant table<string, string>|nil what to say for names that are known from elsewhere
---@return fun(_: table, key: any): nil
function M.unknown(what, methods, meant)
  return function(_, key)
    -- Libraries ask any table for fields such as __tojson.
    if type(key) ~= "string" or key:find "^__" then return nil end
    local advice = meant and (meant[key] or meant[in_snake_case(key)])
    errors.misuse("%s %s%s", what, key, advice and "; say " .. advice or suggest.hint(key, names_of(methods)))
  end
end

---The options of a call; none is an empty table. Raises for what is no table and for keys that are not known.
---@param method string
---@param given any
---@param known string[]
---@return table
function M.options(method, given, known)
  if given == nil then return {} end
  if type(given) ~= "table" or getmetatable(given) ~= nil then
    errors.misuse("the options of %s are a table, got %s", method, M.show(given))
  end
  for key in pairs(given) do -- order-free: it only refuses
    local there = false
    for i = 1, #known do there = there or known[i] == key end
    if not there then
      errors.misuse("%s has no option %s%s; it has %s", method, M.show(key), suggest.hint(key, known),
        table.concat(known, ", "))
    end
  end
  return given
end

return M
