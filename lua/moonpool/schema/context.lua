--- What a reading of the catalogs knows while it goes on: rows of every query, and facts by oid.

local catalog = require "moonpool.schema.catalog"
local fact_of = require "moonpool.schema.fact"
local names = require "moonpool.schema.names"
local privileges = require "moonpool.schema.privileges"

local OID = catalog.oid

---@class moonpool.schema.Context
---@field set moonpool.schema.FactSet
---@field version integer  server_version_num
---@field meta table  the row of the query `meta`
---@field options moonpool.schema.ReadOptions
---@field roles table<integer, string>
---@field namespaces table<integer, string>
---@field columns table<integer, table<integer, moonpool.schema.Fact>>  by relation and attnum
---@field private results table<string, any>
---@field private facts table<integer, table<integer, moonpool.schema.Fact>>
---@field made table<moonpool.schema.Fact, integer>  the oids of views
---@field accounted table<integer, integer>  per catalog how many of the objects somebody made are told
---@field private members table<integer, table<integer, string>>
local Context = {}
Context.__index = Context

local M = {}

---@param set moonpool.schema.FactSet
---@param results table<string, any>
---@param tx table  the transaction the results were read in
---@return moonpool.schema.Context
function M.new(set, results, tx)
  local cx = { tx = tx, set = set, results = results, roles = {}, namespaces = {}, columns = {}, facts = {},
    members = {},
    seen_oids = {}, notes = {}, accounted = {}, made = {} }
  for _, oid in pairs(OID) do  -- order-free: a table is filled
    cx.facts[oid], cx.members[oid] = {}, {}
  end
  return setmetatable(cx, Context)
end

--- Goes through the rows of a query.
---@param name string
---@return fun(): table?
function Context:rows(name)
  local result = self.results[name]
  if not result then return function() end end
  local i, list = 0, result:all()
  return function()
    i = i + 1
    return list[i]
  end
end

--- Asks the database once more, in the same snapshot.
---@param sql string
---@return table result
function Context:query(sql)
  return self.tx:query(sql)
end

--- The name of the schema with this oid if facts are made of what is in it: not the system's own, not pg_temp.
---@param oid integer
---@return string?
function Context:user_schema(oid)
  local name = self.namespaces[oid]
  if name and not name:find "^pg_" and name ~= "information_schema" then return name end
end

--- Takes in which extension owns what.
---@param extensions table<integer, string>  names by oid
function Context:read_members(extensions)
  for row in self:rows "members" do
    local members = self.members[row.classid]
    if not members then
      members = {}
      self.members[row.classid] = members
    end
    members[row.objid] = names.id("extension", extensions[row.refobjid])
  end
end

--- The extension that owns the object, if one does.
---@param class integer
---@param oid integer
---@return string?  the id of the extension's fact
function Context:member(class, oid)
  local of_class = self.members[class]
  return of_class and of_class[oid]
end

--- Makes a fact of the object `oid` of a catalog.
---@param class integer  the catalog's oid
---@param oid integer
---@param kind string
---@param parent? string
---@param attrs table
---@param ... string  the parts of its name
---@return moonpool.schema.Fact
function Context:add(class, oid, kind, parent, attrs, ...)
  local n = select("#", ...)
  return self:add_id(class, oid, kind, names.id(kind, ...), parent, attrs, (select(n, ...)),
    n > 1 and not fact_of.unqualified[kind] and (...) or nil)
end

-- Most facts need nothing but their parent; they share one empty list until they get one of their own.
local NONE = {}

--- The same for an id that is more than a dotted name.
---@param class? integer
---@param oid? integer
---@param kind string
---@param id string
---@param parent? string
---@param attrs table
---@param name string
---@param schema? string
---@return moonpool.schema.Fact
function Context:add_id(class, oid, kind, id, parent, attrs, name, schema)
  local fact = { kind = kind, id = id, parent = parent, attrs = attrs, deps = NONE, name = name, schema = schema }
  self.set:add(fact)
  if class then self:alias(class, oid, fact) end
  return fact
end

--- The fact of an object, if it was made.
---@param class integer
---@param oid integer
---@return moonpool.schema.Fact?
function Context:fact(class, oid)
  local of_class = self.facts[class]
  return of_class and of_class[oid]
end

--- Says that an object is a part of what another fact tells (an attribute default is its column's, and so on).
---@param class integer
---@param oid integer
---@param fact moonpool.schema.Fact
function Context:alias(class, oid, fact)
  local of_class = self.facts[class]
  if not of_class[oid] then self:account(class, oid) end
  of_class[oid] = fact
end

--- The same for what nobody made: the row type of a table, the multirange of a range.
---@param class integer
---@param oid integer
---@param fact moonpool.schema.Fact
function Context:stand_in(class, oid, fact)
  self.facts[class][oid] = fact
end

function Context:account(class, oid)
  if catalog.is_users(oid) then self.accounted[class] = (self.accounted[class] or 0) + 1 end
end

--- Says that an object is accounted for without a fact of its own.
---@param class integer
---@param oid integer
function Context:seen(class, oid)
  local seen = self.seen_oids[class] or {}
  self.seen_oids[class] = seen
  if not seen[oid] then self:account(class, oid) end
  seen[oid] = true
end

--- Says where the comment on an object goes that is an attribute of another fact.
---@param class integer
---@param oid integer
---@param fact moonpool.schema.Fact
---@param attr string
function Context:note(class, oid, fact, attr)
  local notes = self.notes[class] or {}
  self.notes[class] = notes
  notes[oid] = { fact = fact, attr = attr }
end

---@param class integer
---@param oid integer
---@return boolean
function Context:is_seen(class, oid)
  return self.seen_oids[class] ~= nil and self.seen_oids[class][oid] == true
end

---@param oid integer
---@return string
function Context:role(oid)
  return self.roles[oid] or tostring(oid)
end

--- Makes facts of an object's privileges.
---@param parent string  the id of the object
---@param type string  as acldefault() takes it
---@param acl? string  the catalog's text; nil means nobody touched them
---@param owner string
---@param base? string|false  what they were at first instead of acldefault(); false for nothing at all
---@return moonpool.schema.Fact[]
function Context:acl(parent, type, acl, owner, base)
  if not acl then return {} end
  local defaults
  if base == false then
    defaults = {}
  elseif base then
    defaults = privileges.parse(base)
  else
    defaults = privileges.defaults(self.meta["acl_" .. type], self.meta.acl_role, owner)
  end
  local made = {}
  for _, change in ipairs(privileges.changes(privileges.parse(acl), defaults, owner)) do
    local fact = fact_of.from_id(fact_of.acl_id(parent, change.grantee, change.grantor), parent,
      { privileges = change.privileges, _default = change.default, _position = change.position })
    made[#made + 1] = self.set:add(fact)
  end
  return made
end

--- Says what could not be told; it is part of the result, never only of a log.
---@param text string
---@param ... any
function Context:warn(text, ...)
  self.set.warnings[#self.set.warnings + 1] = text:format(...)
end

return M
