--- Windows that have a name, for `expression:over "name"`.

local chain = require "moonpool.query.chain"
local statement = require "moonpool.query.statement"
local window = require "moonpool.sql.window"

local M = {}

local WINDOW = {
  name = "window",
  build = function(before, items)
    local after = statement.copy(before)
    local place = statement.place(after, items[2].shape.tree)
    place.name = window.name(items[1])
    after.windows = statement.append(before.windows, { place })
    return after
  end,
}

---@param query moonpool.Builder
---@param name string
---@param spec moonpool.WindowSpec
function M.add(query, name, spec)
  chain.open(query, "window")
  window.name(name)
  return chain.items(query, WINDOW, { name, window.expression(spec) })
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render(out, at, base)
  if not at.windows then return end
  out:put " window "
  out:list(at.windows, ", ", base, function(_, place)
    out:put(place.name .. " as ")
    out:item(place, base)
  end)
end

return M
