--- Moonpool, a scriptable engine for PostgreSQL: what `require "moonpool"` gives. Parts that a script does
--- not use are not loaded.

local composite = require "moonpool.core.types.composite"
local decimals = require "moonpool.core.types.decimal"
local errors = require "moonpool.core.error"
local handle = require "moonpool.core.handle"
local json = require "moonpool.core.json"
local marks = require "moonpool.core.marks"
local misname = require "moonpool.core.misname"
local moments = require "moonpool.core.types.moment"
local native = require "moonpool.core.ffi"
local null = require "moonpool.core.null"
local ranges = require "moonpool.core.types.range"
local rows = require "moonpool.core.rows"

---@class moonpool
---@field connect fun(settings: moonpool.Settings|string|nil): moonpool.Handle
---@field try fun(f: function, ...: any): any ...
---@field null table SQL's NULL and JSON's null
---@field array fun(list: table|nil): moonpool.Array
---@field object fun(map: table|nil): moonpool.Object
---@field json fun(value: any): moonpool.Json
---@field bytea fun(bytes: string): moonpool.Bytea
---@field decimal fun(given: string|number|moonpool.Decimal): moonpool.Decimal a number with every digit
---@field time fun(given: string|number|table|nil): moonpool.Time a point in time, exact to the microsecond
---@field range fun(lower: any, upper: any, bounds: string|nil): moonpool.Range
---@field multirange fun(ranges: moonpool.Range[]|string): moonpool.Multirange
---@field composite fun(fields: any[]): moonpool.Composite
---@field json_encode fun(value: any): string
---@field json_decode fun(text: string): any
---@field to_table fun(row: table): table
---@field version string
---@field cond table conditions for `where`
---@field raw fun(sql: string, ...: any): any SQL written as it is
---@field gather fun(...): any ... functions side by side; the first value of each
---@field spawn fun(f: function, ...: any): moonpool.TaskHandle
---@field sleep fun(time: string|number)
---@field testing table helpers for tests
---@field scopes table ready-made scopes
---@field quote fun(name: string): string
---@field schema table declared schemas, introspection, differences
local M = {
  connect = handle.connect,
  try = errors.try,
  null = null,
  array = marks.array,
  object = marks.object,
  json = marks.json,
  bytea = marks.bytea,
  decimal = decimals.decimal,
  time = moments.time,
  range = ranges.range,
  multirange = ranges.multirange,
  composite = composite.of,
  json_encode = json.encode,
  json_decode = json.decode,
  to_table = rows.to_table,
  version = native.text(native.C.mp_version()),
}

---A migrator over a folder of migrations.
---@param db moonpool.Handle
---@param options moonpool.MigratorOptions|nil
---@return moonpool.Migrator
function M.migrator(db, options)
  return require("moonpool.migrate").new(db, options)
end

-- Queries as chains: db:from "users", db:with("grown", query).
for _, name in ipairs { "from", "insert_into", "update", "delete_from", "with_recursive" } do
  handle.lend_later(name, function() return require("moonpool.query")[name] end)
end
handle.lend_later("_with_query", function() return require("moonpool.query").with end)

for _, name in ipairs { "token", "after", "breakers", "breaker" } do
  handle.lend_later(name, function() return handle.guarded(require("moonpool.core.nodes")[name]) end)
end

-- What is loaded when a script first says its name.
local later = {
  cond = function() return require("moonpool.sql").cond end,
  raw = function() return require("moonpool.sql").raw end,
  gather = function() return require("moonpool.core.concurrency").gather end,
  spawn = function() return require("moonpool.core.concurrency").spawn end,
  sleep = function() return require("moonpool.core.concurrency").sleep end,
  testing = function() return require "moonpool.core.testing" end,
  scopes = function() return require("moonpool.sql").scopes end,
  quote = function() return require("moonpool.sql").quote end,
  schema = function() return require "moonpool.schema" end,
}

return setmetatable(M, {
  __names = later, __lazy = true, -- for completion
  __index = function(face, name)
    local load = later[name]
    if not load then return misname.check("moonpool has no", name, face, later) end
    local part = load()
    rawset(face, name, part)
    return part
  end,
})
