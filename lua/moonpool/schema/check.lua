--- Whether a schema can be written back: what is made of its facts, as a script, as a schema file and as a snapshot,
--- has to have the same facts. Script and file are run in scratch databases; nothing else is touched.

local diff = require "moonpool.schema.diff"
local elaborate = require "moonpool.schema.elaborate"
local emitter = require "moonpool.schema.emitter"
local load = require "moonpool.schema.dsl.load"
local normal = require "moonpool.schema.normal"
local print_file = require "moonpool.schema.dsl.print"
local snapshot = require "moonpool.schema.snapshot"

local M = {}

-- What nothing can make again is named where it is read: indexes whose build failed, broken views. A subscription is
-- the cluster's, and not made in a scratch database.
local function unmade(facts)
  local left_out = {}
  return function(fact)
    local known = left_out[fact.id]
    if known == nil then
      local parent = fact.parent and facts:get(fact.parent)
      known = fact.attrs.broken == true or fact.kind == "index" and fact.attrs.not_valid == true
        or fact.kind == "subscription" or parent ~= nil and left_out[parent.id] == true
      left_out[fact.id] = known
    end
    return known
  end
end

---@class moonpool.schema.Check
---@field form "script"|"schema file"|"snapshot"
---@field same boolean
---@field diff moonpool.schema.Diff?  what is different
---@field failure any?  why it could not be made

local FORMS = {
  { "script", function(db, facts, options)
    return elaborate.sql(db, emitter.script(facts), "script", options)
  end },
  { "schema file", function(db, facts, options)
    return elaborate.wish(db, load.wish(print_file.file(facts), "schema.lua"), options)
  end },
  { "snapshot", function(_, facts) return snapshot.read(snapshot.write(facts), "snapshot") end },
}

--- Writes the facts in each form, makes each again, and compares. Raises only if no scratch database can be made.
---@param db table  where scratch databases may be made
---@param facts moonpool.schema.FactSet
---@param options? moonpool.schema.ScratchOptions|moonpool.schema.ReadOptions
---@return moonpool.schema.Check[]  one a form
function M.run(db, facts, options)
  local ignore, out = unmade(facts), {}
  local read = {}
  for key, value in pairs(options or {}) do read[key] = value end  -- order-free: a map is copied
  -- What is made must be read as the facts were, and all of it.
  read.strict, read.cluster = nil, nil
  for i, form in ipairs(FORMS) do
    local result = { form = form[1], same = false }
    local ok, made = pcall(form[2], db, facts, read)
    if not ok then
      if tostring(made):find("no scratch database could be made", 1, true) then error(made, 0) end
      result.failure = made
    else
      local compare = { ignore = ignore, scratch = read.scratch }
      result.diff = i == #FORMS and diff.compare(facts, made, compare) or normal.compare(db, facts, made, compare)
      result.same = result.diff:is_empty()
    end
    out[i] = result
  end
  return out
end

return M
