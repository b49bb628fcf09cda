--- The values of a chain, in the order in which its calls brought them.
---
--- Each call that brings values adds a link: `up` is the link before it, `k` how many values it brought,
--- `n` how many there are so far. A link holds its values itself or leans on a `term` that does. Chains
--- share their beginnings, so nothing is copied until a statement is sent.

local term = require "moonpool.sql.term"

local M = {}

---@class moonpool.query.Args
---@field n integer
---@field k integer
---@field up moonpool.query.Args|false
---@field term any[]|nil

---@param args moonpool.query.Args|false
---@param value any
---@return moonpool.query.Args
function M.value(args, value)
  return { n = (args and args.n or 0) + 1, k = 1, up = args, value }
end

---@param args moonpool.query.Args|false
---@param given moonpool.sql.Term
---@return moonpool.query.Args|false
function M.term(args, given)
  local k = given.n
  if k == 0 then return args end
  return { n = (args and args.n or 0) + k, k = k, up = args, term = term.values(given) }
end

---@param args moonpool.query.Args|false
---@param values any[] the list becomes the link's; it must not change afterwards
---@param k integer
---@return moonpool.query.Args|false
function M.list(args, values, k)
  if k == 0 then return args end
  return { n = (args and args.n or 0) + k, k = k, up = args, term = values }
end

---The values, in the order of `number`: for each its place, or false where it has none.
---@param args moonpool.query.Args|false
---@param number (integer|false)[]|nil without it the order in which they came
---@return any[]
function M.flatten(args, number)
  local out = {}
  while args do
    local from, base = args.term or args, args.n - args.k
    for i = 1, args.k do
      local place = base + i
      if number then place = number[place] end
      if place then out[place] = from[i] end
    end
    args = args.up
  end
  return out
end

-- A longer list is collected by `flatten`: the constructor's registers are few.
local WIDEST = 60

---Writes the function that collects the values of one shape: the same links every time, so no loop is
---needed, and what has no loop is compiled into the caller's trace.
---@param args moonpool.query.Args any chain of the shape
---@param number (integer|false)[]
---@param count integer how many values the text has
---@return (fun(args: moonpool.query.Args): any[])|nil
function M.collector(args, number, count)
  if not args or count == 0 or count > WIDEST then return nil end
  local code, values = { "local a1 = ..." }, {}
  local link, i = args, 1
  while link do
    code[#code + 1] = ("local v%d = a%d.term or a%d"):format(i, i, i)
    for k = 1, link.k do
      local place = number[link.n - link.k + k]
      if place then values[place] = ("v%d[%d]"):format(i, k) end
    end
    link = link.up
    if link then code[#code + 1] = ("local a%d = a%d.up"):format(i + 1, i) end
    i = i + 1
    if i > WIDEST then return nil end
  end
  code[#code + 1] = "return { " .. table.concat(values, ", ") .. " }"
  return loadstring(table.concat(code, "\n"), "=collect")
end

return M
