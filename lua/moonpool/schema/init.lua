--- Schema truth: any database as facts, facts as DDL or as a schema file, the difference of two sets of facts, and the
--- words schema files are written in.

local check = require "moonpool.schema.check"
local collect = require "moonpool.schema.dsl.collect"
local diagram = require "moonpool.schema.diagram"
local diff = require "moonpool.schema.diff"
local elaborate = require "moonpool.schema.elaborate"
local emitter = require "moonpool.schema.emitter"
local load = require "moonpool.schema.dsl.load"
local names = require "moonpool.schema.names"
local normal = require "moonpool.schema.normal"
local part = require "moonpool.schema.part"
local print_file = require "moonpool.schema.dsl.print"
local reader = require "moonpool.schema.reader"
local set_of = require "moonpool.schema.set"
local snapshot = require "moonpool.schema.snapshot"
local words = require "moonpool.schema.dsl.words"

local M = {}

for word, make in pairs(words) do M[word] = make end  -- order-free: a table is filled

M.introspect = reader.read
M.diff = diff.compare
M.compare = normal.compare
M.layout = diff.layout
M.check = check.run
M.diagram = diagram
M.wish = collect.collect
M.load = load.wish
M.elaborate = elaborate.wish
M.elaborate_sql = elaborate.sql
M.from_json = snapshot.read
M.is_snapshot = snapshot.is_snapshot
M.within = part.within
M.without = part.without
M.id = names.id

local Set = set_of.class

-- Where SQL of somebody's own stands is known in the file alone; what it makes is known when it has been run.
local function require_facts(set)
  if set.meta.sql and #set:of_kind "sql" > 0 then
    error("this schema has SQL of its own, which is no fact: schema.elaborate(db, wish) makes facts of it", 3)
  end
end

--- DDL that makes the same schema in a fresh database.
---@param options? moonpool.schema.EmitOptions
---@return string
function Set:to_sql(options)
  return emitter.script(self, options)
end

--- The snapshot: one fact a line.
---@return string
function Set:to_json()
  require_facts(self)
  return snapshot.write(self)
end

--- A schema file that makes the same facts.
---@return string
function Set:to_lua()
  require_facts(self)
  return print_file.file(self)
end

return M
