--- Kinds of value, known by the identity of their metatable, never by a field that somebody could send.
---
--- A term is a shape and the values that go with it: `{ shape, n, value1, value2, … }`. Expressions
--- (`moonpool.raw`, `c.col`), conditions and aliases are terms. Queries are known here too; they keep
--- their values in another way and say how to read them.

local misuse = require "moonpool.sql.misuse"
local shape = require "moonpool.sql.shape"
local tree = require "moonpool.sql.tree"
local value = require "moonpool.sql.value"

local M = {}

local step = shape.step

---@class moonpool.sql.Term
---@field shape moonpool.sql.Shape
---@field n integer

---@type table<table, { name: string, values: fun(term: any): any[] }>
local kinds = {}

local function itself(term) return term end

---Makes a metatable a kind of term.
---@param metatable table
---@param name string "expression", "condition", "alias" or "query"
---@param values (fun(term: any): any[])|nil reads its values; without it they are items 1 to n of the term
function M.register(metatable, name, values)
  kinds[metatable] = { name = name, values = values or itself }
end

---What kind of term this is, or nil when it is none.
---@param candidate any
---@return "expression"|"condition"|"alias"|"query"|nil
function M.kind(candidate)
  local kind = type(candidate) == "table" and kinds[getmetatable(candidate)]
  return kind and kind.name or nil
end

---The values of a term, as a list with `term.n` items. Not to be changed.
---@param term moonpool.sql.Term
---@return any[]
function M.values(term)
  return (kinds[getmetatable(term)].values(term))
end

-- The word that a value or a term leaves in the trie.
local function word(operand, place)
  if value.sendable(operand) then return tree.VALUE end
  local kind = M.kind(operand)
  if not kind then return value.refuse(operand, place) end
  if kind == "alias" then misuse.raise("%s has an alias, which only a selected column or a table can have", place) end
  return operand.shape
end

---Makes a term from a list of operands. A string at the place of a name is a word of the shape;
---what is sent and what is a term brings its values along.
---@param metatable table the kind of the result
---@param root moonpool.sql.Shape where the shapes of this operation begin
---@param build fun(...: moonpool.sql.Tree|string): moonpool.sql.Tree
---@param names integer how many of the first operands are names when they are strings
---@param place string what is being built, for messages
---@param ... any
---@return moonpool.sql.Term
function M.make(metatable, root, build, names, place, ...)
  local count = select("#", ...)
  local operands, words = { ... }, {}
  local term = { shape = root, n = 0 }
  local node = root
  for i = 1, count do
    local operand = operands[i]
    if i <= names and type(operand) == "string" then
      words[i] = operand
    else
      words[i] = word(operand, place)
      if words[i] == tree.VALUE then
        term.n = term.n + 1
        term[term.n] = operand
      else
        local values = M.values(operand)
        for k = 1, operand.n do term[term.n + k] = values[k] end
        term.n = term.n + operand.n
      end
    end
    node = step(node, words[i])
  end
  if not node.tree then
    local trees = {}
    for i = 1, count do
      local w = words[i]
      trees[i] = (type(w) == "string" or w == tree.VALUE) and w or w.tree
    end
    node.tree = build(unpack(trees, 1, count))
  end
  term.shape = node
  return setmetatable(term, metatable)
end

return M
