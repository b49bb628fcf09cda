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

return M
