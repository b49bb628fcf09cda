--- Shapes: what a term or a query looks like once its values are taken away.
---
--- A shape is a node of a trie. Each word of a call (a name, a fragment of SQL, the shape of a
--- nested term) is one step, so the same chain written twice ends at the same node, and what was
--- parsed and rendered there the first time is found there the second time: a warm build costs its
--- parameters only.
---
--- Text that differs every time (a value pasted into a fragment) would grow the trie without end.
--- So its nodes are counted, and past `CAPACITY` a new generation begins: each node drops its
--- children at its next miss. Queries at hand keep their own node and go on working.

local misuse = require "moonpool.sql.misuse"

local M = {}

---@class moonpool.sql.Shape
---@field next table<any, moonpool.sql.Shape> the nodes one word further
---@field generation integer when `next` was begun
---@field tree moonpool.sql.Tree|false what the path to here means, once built
---@field compiled moonpool.sql.Compiled|false its text, once rendered
---@field kept any what the owner of the path wants to find here again

local CAPACITY = 20000
local generation = 0
local count = 0

---A node that no path leads to: where a family of shapes begins.
---@return moonpool.sql.Shape
function M.root()
  return { next = {}, generation = generation, tree = false, compiled = false, kept = false }
end

local function grow(node, word)
  -- No table takes these as keys, and LuaJIT 2.1's beta does not survive its own error in compiled code.
  if word == nil or word ~= word then misuse.raise("a name is a string, got %s", misuse.show(word)) end
  if count >= CAPACITY then
    generation = generation + 1
    count = 0
  end
  if node.generation ~= generation then
    node.next = {}
    node.generation = generation
  end
  count = count + 1
  local child = M.root()
  node.next[word] = child
  return child
end

---The node one word further; it is made when nobody has been there.
---@param node moonpool.sql.Shape
---@param word any a string, another shape, or a table that stands for itself
---@return moonpool.sql.Shape
function M.step(node, word)
  return node.next[word] or grow(node, word)
end

---How many nodes the present generation holds, and which generation it is.
---@return integer count
---@return integer generation
function M.size()
  return count, generation
end

return M
