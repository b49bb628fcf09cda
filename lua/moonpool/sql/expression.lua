--- Expressions: SQL said aloud (`moonpool.raw`), columns (`c.col`), and what is built from them.

local fragment = require "moonpool.sql.fragment"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local shape = require "moonpool.sql.shape"
local term = require "moonpool.sql.term"
local tree = require "moonpool.sql.tree"
local value = require "moonpool.sql.value"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

local step = shape.step

---A piece of SQL with its own parameters.
---@class moonpool.Expression: moonpool.sql.Term
local Expression = {}
Expression.__index = setmetatable(Expression, { __index = misuse.unknown("an expression has no method", Expression) })
term.register(Expression, "expression")
M.Expression = Expression

---An expression with another name, for a select list or a from clause.
---@class moonpool.Alias: moonpool.sql.Term
local Alias = {}
Alias.__index = Alias
term.register(Alias, "alias")

local raw_root, column_root, alias_root = shape.root(), shape.root(), shape.root()
local filter_root = shape.root()

-- The tree of a fragment whose placeholders stand for these trees.
local function raw_tree(pieces, operands)
  local at, offset, writes = {}, 0, nil
  for i = 1, #operands do
    at[i], offset = offset, offset + operands[i].n
    writes = writes or operands[i].writes
  end
  local parts = {}
  for i, piece in ipairs(pieces) do
    parts[i] = type(piece) == "number"
      and { tree = tree.operand(operands[piece]), at = at[piece] } or piece
  end
  return { n = offset, bind = "raw", parts = parts, writes = writes }
end

local function opened(text)
  if type(text) ~= "string" then misuse.raise("a piece of SQL must be a string, got %s", misuse.show(text)) end
  local node = step(raw_root, text)
  local read = node.kept
  if not read then
    read = fragment.read(text)
    node.kept = read
  end
  return node, read
end

-- Some placeholders stand for terms: each leaves its word in the trie.
local function with_terms(node, read, operands, text)
  return term.make(Expression, node, function(...) return raw_tree(read.pieces, { ... }) end, 0,
    "a parameter of " .. misuse.show(text), unpack(operands, 1, read.n))
end

local function named(node, read, values, text)
  if type(values) ~= "table" or term.kind(values) or value.sendable(values) then
    misuse.raise("%s names its parameters; give them as one table: { %s = ... }", misuse.show(text), read.names[1])
  end
  local operands, known = {}, {}
  for i, name in ipairs(read.names) do
    known[name] = true
    operands[i] = values[name]
    if operands[i] == nil then
      misuse.raise("%s asks for :%s, which is not among its parameters; for NULL use moonpool.null",
        misuse.show(text), name)
    end
  end
  for key in pairs(values) do -- order-free: it only refuses
    if not known[key] then
      misuse.raise("%s has no parameter :%s", misuse.show(text), misuse.name(key))
    end
  end
  return with_terms(node, read, operands, text)
end

local function general(node, read, text, count, ...)
  if read.names then
    if count ~= 1 then
      misuse.raise("%s names its parameters; give them as one table: { %s = ... }", misuse.show(text), read.names[1])
    end
    return named(node, read, (...), text)
  end
  if count ~= read.n then
    misuse.raise("%s has %d placeholder%s and was given %d value%s", misuse.show(text),
      read.n, read.n == 1 and "" or "s", count, count == 1 and "" or "s")
  end
  local operands = { ... }
  for i = 1, count do
    if operands[i] == nil then operands[i] = value.null end
  end
  return with_terms(node, read, operands, text)
end

local quick = { string = true, number = true, boolean = true }

---SQL as it stands. `?` or `:name` (never both) mark its parameters, `??` is a literal `?`; a parameter
---may be another expression. Never paste a value into the text: pass it.
---
---    moonpool.raw("age + ?", 1)
---    moonpool.raw("price * :factor", { factor = 1.2 })
---@param text string
---@param ... any one value for each ?, or one table for :names
---@return moonpool.Expression
function M.raw(text, ...)
  local node, read = opened(text)
  local count = select("#", ...)
  if count == 0 and read.n == 0 then
    local kept = read.kept
    if not kept then
      node.tree = raw_tree(read.pieces, {})
      kept = setmetatable({ shape = node, n = 0 }, Expression)
      read.kept = kept
    end
    return kept
  end
  local a, b = ...
  if count == read.n and count <= 2 and not read.names and quick[type(a)] and (count == 1 or quick[type(b)]) then
    local at = step(node, tree.VALUE)
    if count == 2 then at = step(at, tree.VALUE) end
    if at.tree then return setmetatable({ shape = at, n = count, a, b }, Expression) end
  end
  return general(node, read, text, count, ...)
end

---A column, where a plain string would be a value: `c.eq("o.user_id", c.col "u.id")`.
---More than one argument are the parts of a name, each taken as it is: `c.col("u", "odd.name")`.
---@param name string
---@param ... string
---@return moonpool.Expression
function M.column(name, ...)
  local node = step(column_root, name == nil and "" or name)
  for i = 1, select("#", ...) do node = step(node, (select(i, ...)) or "") end
  local kept = node.kept
  if not kept then
    local text = select("#", ...) > 0 and identifier.join(name, ...) or identifier.column(name).text
    node.tree = tree.text(text)
    kept = setmetatable({ shape = node, n = 0 }, Expression)
    node.kept = kept
  end
  return kept
end

---The term under another name.
---@param inner moonpool.sql.Term
---@param name string
---@return moonpool.Alias
function M.alias(inner, name)
  if type(name) ~= "string" then identifier.single(name, "an alias") end
  local node = step(step(alias_root, inner.shape), name)
  if not node.tree then
    local quoted = identifier.single(name, "an alias")
    local made = tree.build("raw", inner.shape.tree)
    made.alias, made.inner = quoted, inner.shape.tree
    node.tree = made
  end
  local made = { shape = node, n = inner.n }
  local values = term.values(inner)
  for i = 1, inner.n do made[i] = values[i] end
  return setmetatable(made, Alias)
end

---The expression under another name: in a select list, or as a table in `from` and `join`.
---@param name string
---@return moonpool.Alias
function Expression:as(name)
  return M.alias(self, name)
end

---Lets an aggregate see only the rows for which the condition holds.
---@param condition moonpool.Condition|moonpool.Expression
---@return moonpool.Expression
function Expression:filter(condition)
  local kind = term.kind(condition)
  if kind ~= "condition" and kind ~= "expression" then
    misuse.raise("filter needs a condition, got %s", misuse.show(condition))
  end
  return term.make(Expression, filter_root, function(inner, test)
    return tree.build("raw", inner, " filter (where ", test, ")")
  end, 0, "filter", self, condition)
end

return M
