--- From a tree to text: `$1`, `$2`, … are numbered in the order in which the text meets them.

local misuse = require "moonpool.sql.misuse"
local tree = require "moonpool.sql.tree"

local M = {}

---@class moonpool.sql.Compiled
---@field text string
---@field number (integer|false)[] for each parameter, as collected, its $n; false when the text has no use for it
---@field count integer how many parameters the text has
---@field collect (fun(args: any): any[])|false|nil collects them quickly, once written
---@field uses integer|nil how often that was not so yet

---@class moonpool.sql.Writer
---@field private pieces string[]
---@field private numbers table<integer, integer>
---@field private count integer
local Writer = {}
Writer.__index = Writer

---Who writes the trees that have a `kind`; higher floors add theirs.
---@type table<string, fun(out: moonpool.sql.Writer, tree: any, base: integer)>
M.kinds = {}

---@param text string
function Writer:put(text)
  self.pieces[#self.pieces + 1] = text
end

---Writes the parameter that was collected as number `slot`.
---@param slot integer
function Writer:param(slot)
  local number = self.numbers[slot]
  if not number then
    number = self.count + 1
    self.count = number
    self.numbers[slot] = number
  end
  self:put("$" .. number)
end

---Writes a tree whose parameters begin after the first `base`.
---@param node moonpool.sql.Tree
---@param base integer
function Writer:tree(node, base)
  local parts = node.parts
  if not parts then
    M.kinds[node.kind](self, node, base)
    return
  end
  for i = 1, #parts do
    local part = parts[i]
    if type(part) == "string" then
      self:put(part)
    else
      self:tree(part.tree, base + part.at)
    end
  end
end

---Writes what a clause keeps: quoted text, or a place.
---@param item { text: string }|moonpool.sql.Place
---@param base integer
function Writer:item(item, base)
  if item.text then self:put(item.text) else self:tree(item.tree, base + item.at) end
end

---Writes items with something between them.
---@param items table[]
---@param between string
---@param base integer
---@param write (fun(out: moonpool.sql.Writer, item: any, base: integer))|nil
function Writer:list(items, between, base, write)
  for i = 1, #items do
    if i > 1 then self:put(between) end
    if write then write(self, items[i], base) else self:item(items[i], base) end
  end
end

M.kinds[tree.VALUE.kind] = function(out, _, base) out:param(base + 1) end

---Renders a tree.
---@param root moonpool.sql.Tree
---@return moonpool.sql.Compiled
function M.render(root)
  local out = setmetatable({ pieces = {}, numbers = {}, count = 0 }, Writer)
  local ok, why = pcall(out.tree, out, root, 0)
  if not ok then
    if type(why) == "string" and why:find "stack overflow" then
      misuse.raise "this statement is nested too deep to be written; flatten its conditions: c.any { a, b, c }"
    end
    error(why, 0)
  end
  local number = {}
  for slot = 1, root.n do number[slot] = out.numbers[slot] or false end
  return { text = table.concat(out.pieces), number = number, count = out.count }
end

return M
