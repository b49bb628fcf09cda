--- Schema truth: any database as facts, facts as DDL, the difference of two sets of facts.

local emitter = require "moonpool.schema.emitter"
local reader = require "moonpool.schema.reader"
local set_of = require "moonpool.schema.set"

local M = {}

M.introspect = reader.read

local Set = set_of.class

--- DDL that makes the same schema in a fresh database.
---@param options? moonpool.schema.EmitOptions
---@return string
function Set:to_sql(options)
  return emitter.script(self, options)
end

return M
