--- Assignments: what `set` and `do_update` give to columns.

local chain = require "moonpool.query.chain"
local expression = require "moonpool.sql.expression"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"
local tree = require "moonpool.sql.tree"
local value = require "moonpool.sql.value"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

---A value on its way into a column, as a term; a string is a value here.
---@param given any
---@param place string
---@return moonpool.sql.Term
function M.term(given, place)
  local kind = term.kind(given)
  if kind == "alias" then misuse.raise("%s has an alias, which a value cannot have", place) end
  if kind then return given end
  if not value.storable(given) then value.refuse(given, place) end
  return M.parameter(given)
end

---One parameter as a term.
---@param given any
---@return moonpool.Expression
function M.parameter(given)
  if type(given) ~= "table" then return expression.raw("?", given) end
  return expression.raw("?", value.marked(given))
end

---Assignments of a call in a statement that is being filled: items are a name and then a term, or a term alone.
---@param into moonpool.query.Statement
---@param items any[]
---@return table[]
function M.place(into, items)
  local placed, i = {}, 1
  while i <= #items do
    local item = items[i]
    local column
    if type(item) == "string" then
      column = identifier.single(item, "a column to set")
      i = i + 1
      item = items[i]
    end
    local place = statement.place(into, item.shape.tree)
    place.column = column
    placed[#placed + 1] = place
    i = i + 1
  end
  return placed
end

local function add(before, after, placed)
  for _, old in ipairs(before.assign or {}) do
    for _, new in ipairs(placed) do
      if old.column and old.column == new.column then misuse.raise("%s is set twice", old.column) end
    end
  end
  after.assign = statement.append(before.assign, placed)
  return after
end

local SET = {
  name = "set",
  build = function(before, items)
    local after = statement.copy(before)
    return add(before, after, M.place(after, items))
  end,
}

-- Words: the columns, in the order in which the values come. They are written in the order of their names.
local SET_VALUES = {
  name = "set",
  build = function(before, words)
    local after, placed = statement.copy(before), {}
    for i, word in ipairs(words) do
      placed[i] = statement.place(after, tree.VALUE)
      placed[i].column = identifier.single(word, "a column to set")
    end
    table.sort(placed, function(a, b) return a.column < b.column end)
    return add(before, after, placed)
  end,
}

local quick = { string = true, number = true, boolean = true }

---The names and values of a record that has plain values only, on the shortest way; nil for any other.
---@param record table
---@return string[]|nil words
---@return any[] values
---@return integer n
function M.plain(record)
  local words, values, n = {}, {}, 0
  for name, item in pairs(record) do -- order-free: who builds from them sorts, and each order has a shape of its own
    if type(name) ~= "string" or not (quick[type(item)] or item == value.null) then return nil, values, 0 end
    n = n + 1
    words[n], values[n] = name, item
  end
  return words, values, n
end

---The items of a table of assignments, in the order of the names.
---@param method string
---@param given table<string, any>
---@return any[]
function M.items(method, given)
  local items = {}
  local names = misuse.names(method, given)
  if rawget(given, 1) ~= nil then misuse.raise("%s takes { column = value }, got a list", method) end
  for _, name in ipairs(names) do
    items[#items + 1] = name
    items[#items + 1] = M.term(rawget(given, name), misuse.show(name) .. " of " .. method)
  end
  return items
end

---`set { age = 7 }`, `set("age = age + ?", 1)`, `set(moonpool.raw "…")`.
---@param query moonpool.Builder
---@param given table|string|moonpool.Expression
---@param ... any
function M.set(query, given, ...)
  chain.open(query, "set")
  if type(given) == "string" then return (chain.items(query, SET, { expression.raw(given, ...) })) end
  if term.kind(given) == "expression" then return (chain.items(query, SET, { given })) end
  if not value.is_record(given) or term.kind(given) then
    misuse.raise("set needs { column = value } or SQL text, got %s", misuse.show(given))
  end
  local words, values, n = M.plain(given)
  if words and n > 0 then return (chain.values(query, SET_VALUES, words, values, n)) end
  local items = M.items("set", given)
  if #items == 0 then misuse.raise "set has nothing to set: its table is empty, or every value in it is nil" end
  return (chain.items(query, SET, items))
end

---@param out moonpool.sql.Writer
---@param list table[]
---@param base integer
function M.render(out, list, base)
  out:list(list, ", ", base, function(_, place)
    if place.column then out:put(place.column .. " = ") end
    local fence = place.column and place.tree.bind == "query"
    out:put(fence and "(" or "")
    out:item(place, base)
    out:put(fence and ")" or "")
  end)
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render_set(out, at, base)
  if not at.assign then misuse.raise "this update sets nothing; say :set { column = value }" end
  out:put " set "
  M.render(out, at.assign, base)
end

return M
