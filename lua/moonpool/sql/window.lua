--- Windows: which rows a window function looks at.

local expression = require "moonpool.sql.expression"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local ordering = require "moonpool.sql.ordering"
local shape = require "moonpool.sql.shape"
local term = require "moonpool.sql.term"
local tree = require "moonpool.sql.tree"

local M = {}

---@class moonpool.WindowSpec
---@field partition_by string|moonpool.Expression|(string|moonpool.Expression)[]|nil
---@field order_by string|moonpool.Expression|table|nil
---@field frame string|nil "rows between 3 preceding and current row"

local units = { rows = true, range = true, groups = true }
local bounds = {
  ["unbounded preceding"] = true, ["current row"] = true, ["unbounded following"] = true,
}
local exclusions = { ["current row"] = true, group = true, ties = true, ["no others"] = true }

local function bound(text)
  return bounds[text] or text:match "^%d+ preceding$" or text:match "^%d+ following$"
end

-- A frame is made of known words only; the answer is the same words, spaced as we write them.
local function frame(given)
  local text = type(given) == "string" and given:lower():gsub("%s+", " "):match "^ ?(.-) ?$" or ""
  local body, exclude = text:match "^(.-) exclude (.+)$"
  body = body or text
  local unit, rest = body:match "^(%a+) (.+)$"
  local from, to = (rest or ""):match "^between (.+) and (.+)$"
  local known = units[unit] and (exclude == nil or exclusions[exclude])
    and (from and bound(from) and bound(to) or not from and bound(rest))
  if not known then
    misuse.raise("%s is not a window frame (like \"rows between 3 preceding and current row\")", misuse.show(given))
  end
  return text
end

local function as_list(given)
  if given == nil then return {} end
  if type(given) == "table" and not term.kind(given) and given[1] ~= nil and not ordering.is_pair(given) then
    return given
  end
  return { given }
end

local root = shape.root()

---A window as an expression: `(partition by "team" order by "score" desc)`.
---@param spec moonpool.WindowSpec
---@return moonpool.Expression
function M.expression(spec)
  if type(spec) ~= "table" or term.kind(spec) then
    misuse.raise("a window must be a table with partition_by, order_by or frame, got %s", misuse.show(spec))
  end
  misuse.options("a window", spec, { "partition_by", "order_by", "frame" })
  local pieces, operands = {}, {}
  local function put(word, item)
    pieces[#pieces + 1] = word
    operands[#operands + 1] = item
  end
  for i, item in ipairs(as_list(spec.partition_by)) do
    put(i == 1 and "partition by " or ", ", term.kind(item) and item or expression.column(item))
  end
  for i, item in ipairs(as_list(spec.order_by)) do
    put(i == 1 and (#pieces > 0 and " order by " or "order by ") or ", ", ordering.expression(item))
  end
  local last = spec.frame and (#pieces > 0 and " " or "") .. frame(spec.frame) or ""
  local node = shape.step(root, table.concat(pieces, "\n") .. "\n" .. last)
  return term.make(expression.Expression, node, function(...)
    local parts = { "(" }
    local trees = { ... }
    for i = 1, #trees do
      parts[#parts + 1] = pieces[i]
      parts[#parts + 1] = trees[i]
    end
    parts[#parts + 1] = last .. ")"
    return tree.build("atom", unpack(parts))
  end, 0, "a window", unpack(operands))
end

local over_root = shape.root()

---Turns an aggregate or window function into one over a window: the name of one that `:window`
---declared, a window written here, or nothing for the whole result.
---
---    moonpool.raw "rank()" :over { partition_by = "team", order_by = "score desc" }
---@param over string|moonpool.WindowSpec|nil
---@return moonpool.Expression
function expression.Expression:over(over)
  local named = type(over) == "string" and M.name(over) and expression.column(over)
  return term.make(expression.Expression, over_root, function(inner, window)
    return tree.build("raw", inner, " over ", window)
  end, 0, "over", self, named or M.expression(over or {}))
end

---A window's name, quoted.
---@param name string
---@return string
function M.name(name)
  return identifier.single(name, "a window's name")
end

return M
