--- What may travel as a parameter: a string, a number, a boolean, `moonpool.null`, a 64-bit integer,
--- or a table that says what it is. Any other table is refused: it may have come from a request, and
--- nothing tells whether an array, a document or a list of alternatives was meant.

local marks = require "moonpool.core.marks"
local misuse = require "moonpool.sql.misuse"
local null = require "moonpool.core.null"

local M = {}

---SQL's NULL, for a place where nil would mean "nothing was said".
M.null = null

local plain = { string = true, number = true, boolean = true, cdata = true }

---Whether this can be sent as it is. nil is not among them.
---@param value any
---@return boolean
function M.sendable(value)
  return plain[type(value)] or value == null or (type(value) == "table" and marks.is_marked(value))
end

---Refuses a value with the sentence that helps.
---@param value any
---@param place string where it stood
function M.refuse(value, place)
  local kind = type(value)
  if value == nil then
    misuse.raise("%s is nil, which says nothing; for NULL use moonpool.null or c.is_null", place)
  elseif kind == "table" then
    misuse.raise("%s is a table, and a table is not one value; use c.in_ for alternatives, "
      .. "moonpool.array{...} for an array, moonpool.json{...} for a document", place)
  end
  misuse.raise("%s is a %s, which no parameter can be", place, kind)
end

---A copy of a plain list as one array parameter. The list may hold `moonpool.null` where `nulls` says so.
---@param list any[]
---@param place string where it stood, for the message
---@param nulls boolean|nil
---@return any
function M.array(list, place, nulls)
  local copy, n = {}, 0
  for key in pairs(list) do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
      misuse.raise("%s must be a list, and it has the key %s", place, misuse.show(key))
    end
    if key > n then n = key end
  end
  for i = 1, n do
    local value = list[i]
    if value == nil then
      misuse.raise("%s has a hole: item %d of %d is nil", place, i, n)
    elseif value == null and not nulls then
      misuse.raise("%s holds NULL (item %d), which equals nothing; take it out and ask c.is_null beside it", place, i)
    elseif not plain[type(value)] and not (value == null and nulls) then
      M.refuse(value, ("item %d of %s"):format(i, place))
    end
    copy[i] = value
  end
  return marks.array(copy)
end

---A table as one JSON document.
---@param value any
---@return any
function M.json(value)
  return marks.json(value)
end

return M
