--- A set of facts: a whole database, or a part of one, at rest.

local fact_of = require "moonpool.schema.fact"
local hash = require "moonpool.schema.hash"

---@class moonpool.schema.FactSet
---@field meta table  where it was read: server_version, database, encoding, locale …
---@field warnings string[]  what could not be read or is not modelled, each by name
---@field private by_id table<string, moonpool.schema.Fact>
---@field private size integer
---@field private order string[]?
---@field private families table<string, moonpool.schema.Fact[]>?
local Set = {}
Set.__index = Set

local M = { class = Set }

---@param meta? table
---@return moonpool.schema.FactSet
function M.new(meta)
  return setmetatable({ meta = meta or {}, warnings = {}, by_id = {}, digests = {}, size = 0 }, Set)
end

--- Adds a fact. Two facts of one id are a fault of whoever made them, and are refused.
---@param fact moonpool.schema.Fact
---@return moonpool.schema.Fact
function Set:add(fact)
  if self.by_id[fact.id] then
    error(("there are two facts with the id %s"):format(fact.id), 2)
  end
  self.by_id[fact.id] = fact
  self.size = self.size + 1
  self.order, self.families, self.kinds, self.digest = nil, nil, nil, nil
  return fact
end

---@param id string
---@return moonpool.schema.Fact?
function Set:get(id)
  return self.by_id[id]
end

---@return integer
function Set:count()
  return self.size
end

--- The ids, sorted.
---@return string[]
function Set:ids()
  if not self.order then
    local order = {}
    for id in pairs(self.by_id) do order[#order + 1] = id end
    table.sort(order)
    self.order = order
  end
  return self.order
end

--- Goes through the facts in the order of their ids.
---@return fun(): moonpool.schema.Fact?
function Set:each()
  local ids, i, by_id = self:ids(), 0, self.by_id
  return function()
    i = i + 1
    return by_id[ids[i]]
  end
end

--- Goes through the facts in no order at all.
---@return fun(t: table, id?: string): string?, moonpool.schema.Fact?
---@return table
function Set:unordered()
  return next, self.by_id
end

--- The facts of one kind, sorted by id.
---@param kind string
---@return moonpool.schema.Fact[]
function Set:of_kind(kind)
  if not self.kinds then
    local kinds = {}
    for fact in self:each() do
      local list = kinds[fact.kind]
      if not list then
        list = {}
        kinds[fact.kind] = list
      end
      list[#list + 1] = fact
    end
    self.kinds = kinds
  end
  return self.kinds[kind] or {}
end

local function before(a, b)
  local pa, pb = a.attrs._position, b.attrs._position
  if pa and pb and pa ~= pb then return pa < pb end
  return a.id < b.id
end

--- The facts whose parent this is: columns in their order, the rest by id.
---@param id string
---@param kind? string
---@return moonpool.schema.Fact[]
function Set:children(id, kind)
  if not self.families then
    local families = {}
    for _, fact in pairs(self.by_id) do  -- order-free: what is gathered is sorted before it is used
      if fact.parent then
        local whole = families[fact.parent]
        if not whole then
          whole = {}
          families[fact.parent] = whole
        end
        whole[#whole + 1] = fact
        local key = fact.parent .. "\0" .. fact.kind
        local list = families[key]
        if not list then
          list = {}
          families[key] = list
        end
        list[#list + 1] = fact
      end
    end
    -- order-free: what is gathered is sorted before it is used
    for _, list in pairs(families) do table.sort(list, before) end
    self.families = families
  end
  return self.families[kind and id .. "\0" .. kind or id] or {}
end

--- A new set of the facts for which `keep` says yes. A fact whose parent is left out goes with it.
---@param keep fun(fact: moonpool.schema.Fact): boolean
---@param change? fun(fact: moonpool.schema.Fact): moonpool.schema.Fact  what is kept in its place
---@param complete? boolean  whether the new set is still all of a database (default false)
---@return moonpool.schema.FactSet
function Set:filter(keep, change, complete)
  local out = M.new(self.meta)
  out.meta = setmetatable({ complete = complete or false }, { __index = self.meta })
  local verdict = {}
  local function kept(fact)
    local known = verdict[fact.id]
    if known == nil then
      local parent = fact.parent and self.by_id[fact.parent]
      known = (not parent or kept(parent)) and keep(fact) and true or false
      verdict[fact.id] = known
    end
    return known
  end
  for fact in self:each() do
    if kept(fact) then out:add(change and change(fact) or fact) end
  end
  out.warnings = self.warnings
  return out
end

--- The hash of what one fact says, its dependencies included.
---@param fact moonpool.schema.Fact  of this set
---@return string
function Set:digest_of(fact)
  local digest = self.digests[fact.id]
  if not digest then
    digest = hash.of(fact.id .. "\0" .. fact_of.text(fact) .. "\0" .. table.concat(fact.deps, "\0"))
    self.digests[fact.id] = digest
  end
  return digest
end

--- The hash of everything the set says: equal for equal schemas, whatever order they were read in.
---@return string
function Set:hash()
  if not self.digest then
    local lines = {}
    for fact in self:each() do lines[#lines + 1] = self:digest_of(fact) end
    self.digest = hash.of(table.concat(lines))
  end
  return self.digest
end

return M
