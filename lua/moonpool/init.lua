--- Moonpool, a scriptable engine for PostgreSQL: what `require "moonpool"` gives. Parts that a script does
--- not use are not loaded.

local errors = require "moonpool.core.error"
local handle = require "moonpool.core.handle"
local json = require "moonpool.core.json"
local marks = require "moonpool.core.marks"
local null = require "moonpool.core.null"
local rows = require "moonpool.core.rows"

---@class moonpool
local M = {}

M.connect = handle.connect
M.try = errors.try
M.null = null
M.array, M.object, M.json, M.bytea = marks.array, marks.object, marks.json, marks.bytea
M.json_encode, M.json_decode = json.encode, json.decode
M.to_table = rows.to_table

-- The query builder, loaded when it is used first.
for _, name in ipairs { "from", "insert_into", "update", "delete_from", "with_recursive" } do
  handle.lend_later(name, function() return require("moonpool.query")[name] end)
end

local habits = handle.method "with"
-- A table is habits; a name begins a query: db:with("recent", query).
handle.lend("with", function(db, first, ...)
  if type(first) ~= "string" then return habits(db, first, ...) end
  return require("moonpool.query").with(db, first, ...)
end)

return setmetatable(M, {
  __index = function(_, name)
    if name ~= "raw" and name ~= "cond" and name ~= "scopes" then return nil end
    local part = require("moonpool.sql")[name]
    M[name] = part
    return part
  end,
})
