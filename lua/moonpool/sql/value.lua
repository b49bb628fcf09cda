--- What may travel as a parameter: a string, a number, a boolean, `moonpool.null`, a 64-bit integer,
--- or a table that says what it is. Any other table is refused: it may have come from a request, and
--- nothing tells whether an array, a document or a list of alternatives was meant.

local composite = require "moonpool.core.types.composite"
local marks = require "moonpool.core.marks"
local misuse = require "moonpool.sql.misuse"
local null = require "moonpool.core.null"
local params = require "moonpool.core.params"
local sequence = require "moonpool.core.sequence"

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

---Whether this can be stored in a column: what can be sent, and plain tables, which are arrays (lists) or
---documents (maps).
---@param value any
---@return boolean
function M.storable(value)
  if type(value) ~= "table" or M.sendable(value) then return M.sendable(value) end
  local metatable = getmetatable(value)
  return metatable == nil or type(metatable) == "table" and rawget(metatable, "__plain") ~= nil
end

---A copy of a plain list as one array parameter. The list may hold `moonpool.null` where `nulls` says so.
---@param list any[]
---@param place string where it stood, for the message
---@param nulls boolean|nil
---@return any
function M.array(list, place, nulls)
  local copy = {}
  local n, foreign = sequence.length(list)
  if not n then misuse.raise("%s must be a list, and it has the key %s", place, misuse.show(foreign)) end
  for i = 1, n do
    local value = list[i]
    if value == nil then
      misuse.raise("%s has a hole: item %d of %d is nil", place, i, n)
    elseif value == null and not nulls then
      misuse.raise("%s holds NULL (item %d), which equals nothing; take it out and ask c.is_null beside it", place, i)
    elseif not plain[type(value)] and not (value == null and nulls) and (marks.kind(value) or "array") == "array" then
      M.refuse(value, ("item %d of %s"):format(i, place))
    end
    copy[i] = value
  end
  return marks.array(copy)
end

---Whether this is an array: a list that is marked as one, or bears no mark.
---@param value any
---@return boolean
function M.is_array(value)
  if type(value) ~= "table" then return false end
  local mark = marks.kind(value)
  return mark == "array" or mark == nil and getmetatable(value) == nil and rawget(value, 1) ~= nil
end

---Whether this can be an item of an array that `unnest` takes apart: neither an array nor a composite value, whose
---fields it would spread, and a table only where it is a document.
---@param value any
---@return boolean
function M.is_item(value)
  if M.sendable(value) then return marks.kind(value) ~= "array" and not composite.is(value) end
  return type(value) == "table" and getmetatable(value) == nil and rawget(value, 1) == nil and next(value) ~= nil
end

---Whether this table can be a row to store: names and values, whoever made it.
---@param value any
---@return boolean
function M.is_record(value)
  if type(value) ~= "table" or value == null then return false end
  local mark = marks.kind(value)
  return mark == nil or mark == "object"
end

---A table that can be stored, with a mark: what has none is an array where it is a list, else a document. An
---empty one could be either.
---@param value table
---@return any
function M.marked(value)
  if M.sendable(value) then return value end
  if getmetatable(value) ~= nil then return marks.json(value) end
  if rawget(value, 1) ~= nil then return M.nested(value) end
  if next(value) == nil then
    misuse.raise "an empty table may be an array or a document; say moonpool.array{} or moonpool.object{}"
  end
  return marks.json(value)
end

---A copy of a list, and of the lists in it, as an array.
---@param list any[]
---@return any
function M.nested(list)
  local copy = {}
  local n, foreign = sequence.length(list)
  if not n then
    misuse.raise("a list to store has the key %s; a table is either a list or a map", misuse.show(foreign))
  end
  for i = 1, n do
    local item = list[i]
    if type(item) == "table" and getmetatable(item) == nil and rawget(item, 1) ~= nil then item = M.nested(item) end
    copy[i] = item
  end
  return marks.array(copy)
end

---One column of many rows as an array parameter. The list is the caller's to give away.
---@param list any[]
---@return any
function M.column(list)
  for i = 1, #list do
    if type(list[i]) == "table" then list[i] = M.marked(list[i]) end
  end
  return marks.array(list)
end

---One column of many rows that holds arrays, as an array of their texts: PostgreSQL's arrays of arrays have to be
---even. The list is the caller's to give away.
---@param list any[]
---@param name string
---@return any
function M.column_of_arrays(list, name)
  for i = 1, #list do
    if list[i] ~= null then list[i] = params.text(M.marked(list[i]), name) end
  end
  return marks.array(list)
end

---Any value as one JSON document.
---@param value any
---@return any
function M.json(value)
  local mark = marks.kind(value)
  if mark and mark ~= "array" then return value end
  return marks.json(value)
end

return M
