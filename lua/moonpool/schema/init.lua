--- Schema truth: any database as facts, facts as DDL, the difference of two sets of facts.

local diff = require "moonpool.schema.diff"
local emitter = require "moonpool.schema.emitter"
local reader = require "moonpool.schema.reader"
local set_of = require "moonpool.schema.set"
local snapshot = require "moonpool.schema.snapshot"

local M = {}

M.introspect = reader.read
M.diff = diff.compare
M.layout = diff.layout

--- A fact set out of a snapshot's text.
---@param text string
---@param name? string
---@return moonpool.schema.FactSet
M.from_json = snapshot.read

local Set = set_of.class

--- DDL that makes the same schema in a fresh database.
---@param options? moonpool.schema.EmitOptions
---@return string
function Set:to_sql(options)
  return emitter.script(self, options)
end

--- The snapshot: one fact a line.
---@return string
function Set:to_json()
  return snapshot.write(self)
end

return M
