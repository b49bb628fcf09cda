--- What the texts of a wish seem to need, read from the names in them.
--
-- Only the server knows what a text means, so these are hints: they put most things in their order at once, and what
-- they get wrong is made good by running what failed again.

local names = require "moonpool.schema.names"
local trigger = require "moonpool.schema.kinds.trigger"

local M = {}

-- Attributes that are words of people or of other languages.
local SKIPPED = {
  comment = true, owner = true, language = true, labels = true, connection = true, privileges = true, name = true,
  attached_to = true, owned_by = true, identity = true, commutator = true, negator = true,
}

local NAMED = {}
for kind in ([[enum composite range domain type function procedure aggregate collation ts_parser ts_template
ts_dictionary ts_configuration sequence table foreign_table view matview operator operator_class operator_family
conversion]]):gmatch "%S+" do
  NAMED[kind] = true
end

-- What a name may mean where a type is meant.
local TYPES = {
  enum = true, composite = true, range = true, domain = true, type = true, table = true, foreign_table = true,
  view = true, matview = true,
}

local function by_name(set)
  local map = {}
  for _, fact in set:unordered() do
    if NAMED[fact.kind] then
      local key = fact.schema .. "\0" .. fact.name
      map[key] = map[key] or {}
      table.insert(map[key], fact.id)
    end
  end
  return map
end

local function is_type(id)
  return TYPES[id:match "^[%l_]+"] ~= nil
end

local function has_type(ids)
  for _, id in ipairs(ids) do
    if is_type(id) then return true end
  end
  return false
end

local function scan(text, map, found)
  local at = 1
  while true do
    local p = text:find('["%a_\128-\255]', at)
    if not p then return end
    local parts, after = names.split(text, p)
    at = math.max(after, p + 1)
    if #parts > 0 then
      local key = #parts == 1 and "public\0" .. parts[1] or parts[1] .. "\0" .. parts[2]
      local ids = map[key] or {}
      -- A type and the functions that make it often share a name: without a parenthesis the type is meant.
      local types_only = #ids > 1 and text:sub(at, at) ~= "(" and has_type(ids)
      for _, id in ipairs(ids) do
        if not types_only or is_type(id) then found[id] = true end
      end
    end
  end
end

local function walk(value, map, found)
  if type(value) == "string" then
    scan(value, map, found)
  elseif type(value) == "table" then
    for _, item in pairs(value) do walk(item, map, found) end  -- order-free: a set is filled
  end
end

-- The keys that a foreign key may refer to.
local function keys_of(set, fact, found)
  local wanted = {}
  for _, column in ipairs(fact.attrs.ref_columns or {}) do wanted[column] = true end
  for _, key in ipairs(set:children(fact.attrs.references, "constraint")) do
    local fits = key.attrs.type == "primary key" or key.attrs.type == "unique"
    for _, column in ipairs(fits and key.attrs.columns or {}) do fits = fits and wanted[column] end
    if fits then found[key.id] = true end
  end
end

--- Adds the hints to the facts of a wish.
---@param set moonpool.schema.FactSet
function M.add(set)
  local map = by_name(set)
  for fact in set:each() do
    local found = {}
    -- Where somebody's own SQL stands is said, not guessed.
    local attrs = fact.kind == "sql" and {} or fact.attrs
    local routine = fact.kind == "function" or fact.kind == "procedure"
    for key, value in pairs(attrs) do
      if key:byte() ~= 95 and not SKIPPED[key] and not (routine and key == "body") then walk(value, map, found) end
    end
    if fact.attrs.references then keys_of(set, fact, found) end
    if fact.args then scan(fact.args, map, found) end
    if fact.kind == "trigger" and fact.attrs.inherited then found[trigger.origin(set, fact) or fact.id] = true end
    found[fact.id], found[fact.parent or ""] = nil, nil
    local deps = {}
    for id in pairs(found) do deps[#deps + 1] = id end
    table.sort(deps)
    fact.deps = deps
  end
end

return M
