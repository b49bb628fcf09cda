--- The small tree that text is written from.
---
--- A tree is a plain table that is never changed: `parts` are pieces of text and places of other
--- trees, `n` counts the parameters inside, `bind` says how tightly it holds together when it
--- becomes a part of something. A place is `{ tree, at }`: the tree's parameters begin after the
--- first `at` of the whole. Statements are trees too; those have a `kind` instead of `parts`.

local M = {}

---@class moonpool.sql.Tree
---@field n integer how many parameters are inside
---@field bind moonpool.sql.Bind
---@field parts (string|moonpool.sql.Place)[]|nil
---@field kind string|nil who writes it, when it has no parts
---@field alias string|nil the quoted name it was given
---@field writes boolean|nil a query inside changes or locks rows
---@field empty boolean|nil a condition that was made from nothing

---@alias moonpool.sql.Bind
---| "atom"  holds by itself
---| "test"  a comparison: holds between `and`, not inside another operator
---| "all"   parts joined by and
---| "any"   parts joined by or
---| "raw"   a person's SQL: nothing is known of it
---| "query" a statement

---@class moonpool.sql.Place
---@field tree moonpool.sql.Tree
---@field at integer

---One parameter.
---@type moonpool.sql.Tree
M.VALUE = { kind = "value", n = 1, bind = "atom" }

---Text without parameters.
---@param text string
---@param bind moonpool.sql.Bind|nil
---@return moonpool.sql.Tree
function M.text(text, bind)
  return { n = 0, bind = bind or "atom", parts = { text } }
end

---Joins pieces of text and trees; their parameters follow each other.
---@param bind moonpool.sql.Bind
---@param ... string|moonpool.sql.Tree
---@return moonpool.sql.Tree
function M.build(bind, ...)
  local parts, n, writes = { ... }, 0, nil
  for i = 1, #parts do
    local part = parts[i]
    if type(part) == "table" then
      parts[i] = { tree = part, at = n }
      n = n + part.n
      writes = writes or part.writes
    end
  end
  return { n = n, bind = bind, parts = parts, writes = writes }
end

---The tree as a part of an operator: in parentheses unless it holds by itself.
---@param tree moonpool.sql.Tree
---@return moonpool.sql.Tree
function M.operand(tree)
  if tree.bind == "atom" then return tree end
  return M.build("atom", "(", tree, ")")
end

---The tree as one of several conditions: `or` and a person's own SQL are parenthesised.
---@param tree moonpool.sql.Tree
---@param among "all"|"any"
---@return moonpool.sql.Tree
function M.member(tree, among)
  local bind = tree.bind
  if bind == "atom" or bind == "test" or bind == among then return tree end
  return M.build("atom", "(", tree, ")")
end

return M
