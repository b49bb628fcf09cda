--- Parts of a fact set: some schemas of it, or all of it without owners, privileges or comments.

local fact_of = require "moonpool.schema.fact"
local names = require "moonpool.schema.names"

local M = {}

local function contains(list, name)
  for _, item in ipairs(list) do
    if item == name then return true end
  end
  return false
end

-- The schema a fact lies in, itself if it is one; nil for what lies in none.
local function schema_of(fact)
  if fact.kind == "schema" then return fact.name end
  if fact.kind == "acl" then return schema_of(fact_of.from_id(fact.parent, nil, {})) end
  if fact.kind == "default_acl" then
    local _, parts = names.parse(fact.id)
    return parts[3]
  end
  return fact.schema
end

---@class moonpool.schema.PartOptions
---@field schemas? string[]  keep only what is in these schemas
---@field exclude_schemas? string[]  keep what is not in these

--- What lies in the schemas asked for. With `schemas`, what lies in none (extensions, casts, publications) is left
--- out as well.
---@param set moonpool.schema.FactSet
---@param options moonpool.schema.PartOptions
---@return moonpool.schema.FactSet
function M.within(set, options)
  local only, without = options.schemas, options.exclude_schemas
  if not only and not without then return set end
  return set:filter(function(fact)
    local schema = schema_of(fact)
    if not schema then return not only end
    return (not only or contains(only, schema)) and not (without and contains(without, schema))
  end)
end

local function stripped(fact, options)
  local attrs, changed = {}, false
  for key, value in pairs(fact.attrs) do  -- order-free: a map is copied
    local gone = key == "owner" and options.owners == false
      or fact_of.comments[key] and options.comments == false
    if gone then changed = true else attrs[key] = value end
  end
  if not changed then return fact end
  local copy = fact_of.from_id(fact.id, fact.parent, attrs)
  copy.deps = fact.deps
  return copy
end

--- The set without what the options say no to.
---@param set moonpool.schema.FactSet
---@param options { owners: boolean?, privileges: boolean?, comments: boolean? }
---@return moonpool.schema.FactSet
function M.without(set, options)
  return set:filter(function(fact)
    return options.privileges ~= false or fact.kind ~= "acl" and fact.kind ~= "default_acl"
  end, function(fact) return stripped(fact, options) end, set.meta.complete)
end

return M
