--- From wishes and files to facts, by way of a scratch database.
--
-- Owners, privileges and subscriptions belong to the cluster and not to a scratch database: they are taken from the
-- wish by name, so that a schema can be elaborated by a role that may give nothing away, and where the roles it
-- speaks of do not exist.

local fact_of = require "moonpool.schema.fact"
local names = require "moonpool.schema.names"
local reader = require "moonpool.schema.reader"
local scratch = require "moonpool.schema.scratch"
local set_of = require "moonpool.schema.set"
local sql_file = require "moonpool.schema.sql_file"

local M = {}

-- Kinds a scratch database cannot hold for itself.
local CLUSTER = {
  subscription = true, role = true, role_setting = true, membership = true, tablespace = true, parameter = true,
  database_setting = true,
}

local ROUTINE = { ["function"] = true, procedure = true, aggregate = true }

-- What the server calls a routine whose argument types were spelt in another way.
local function real_id(db, read, fact)
  if read:get(fact.id) or not ROUTINE[fact.kind] then return fact.id end
  local named = fact.id:match "^[%l_]+:(.*)$"
  local args = db:query([[select oidvectortypes(proargtypes) from pg_proc where oid = to_regprocedure(?)]],
    named):scalar()
  return args and (fact.id:gsub("%(.*%)$", function() return "(" .. args .. ")" end)) or fact.id
end

-- What privileges on what is no fact need: the extension that owns it, or the table whose system column it is.
local OID = {
  ["function"] = "to_regprocedure(?)", procedure = "to_regprocedure(?)", aggregate = "to_regprocedure(?)",
  type = "to_regtype(?)", schema = "to_regnamespace(?)",
  language = "(select oid from pg_language where lanname = ?)",
  foreign_data_wrapper = "(select oid from pg_foreign_data_wrapper where fdwname = ?)",
}
local CATALOG = {
  ["function"] = "pg_proc", procedure = "pg_proc", aggregate = "pg_proc", type = "pg_type", schema = "pg_namespace",
  language = "pg_language", foreign_data_wrapper = "pg_foreign_data_wrapper",
}

local function owner_of(db, read, id)
  local kind, parts = names.parse(id)
  local named = id:match ":(.*)$"
  if kind == "language" or kind == "foreign_data_wrapper" then
    named = parts[1]
  elseif kind == "column" then
    local relation = names.id("table", parts[1], parts[2])
    if read:get(relation) then return { relation } end
    named = names.qualified(parts[1], parts[2])
  end
  local name = db:query(([[
select e.extname
from pg_depend d join pg_extension e on e.oid = d.refobjid
where d.deptype = 'e' and d.refclassid = 'pg_extension'::regclass and d.classid = '%s'::regclass
  and d.objid = %s]]):format(CATALOG[kind] or "pg_class", OID[kind] or "to_regclass(?)"), named):scalar()
  return name and { names.id("extension", name) } or {}
end

local function clean(attrs)
  local out = {}
  for key, value in pairs(attrs) do  -- order-free: a map is copied
    if key ~= "_at" then out[key] = value end
  end
  return out
end

local PUBLIC_OWNER = "pg_database_owner"

-- Whose a thing is that was read. It is whose the scratch database is, and says nothing, unless somebody's own SQL gave
-- it away.
local function given_to(wish, read, fact)
  local owner = fact.attrs.owner
  if not wish.meta.sql or owner == read.meta.reader then return nil end
  if fact.id == "schema:public" and owner == PUBLIC_OWNER then return nil end
  return owner
end

local function united(...)
  local all, words = {}, {}
  for _, list in ipairs { ... } do
    for _, word in ipairs(list) do all[word] = true end
  end
  for word in pairs(all) do
    if not all[word .. "*"] then words[#words + 1] = word end
  end
  table.sort(words)
  return words
end

-- Behind what the wish itself grants.
local BEHIND = 10000

-- Privileges that somebody's own SQL gave or took away, beside what the wish says by m.grant.
local function add_given(out, wish, given)
  for _, fact in ipairs(given) do
    local parent, there = out:get(fact.parent), out:get(fact.id)
    if there then
      there.attrs.privileges = united(there.attrs.privileges, fact.attrs.privileges)
      there.attrs._default = there.attrs._default or fact.attrs._default
    -- What an owner has by itself need not be given.
    elseif not (parent and fact.grantee == parent.attrs.owner and wish:get(fact.parent)) then
      fact.attrs._position = (fact.attrs._position or 0) + BEHIND
      out:add(fact)
    end
  end
end

local function set_owner(real, fact)
  local said, given = fact.attrs.owner, real.attrs.owner
  if said and given and said ~= given then
    error(("%s: %s is to be owned by %s, and SQL of the same file gives it to %s"):format(fact.attrs._at or fact.id,
      fact.id, said, given), 0)
  end
  real.attrs.owner = said or given
end

-- The facts read, with what the wish says of owners, privileges and subscriptions.
local function restore(db, wish, read)
  local out, given = set_of.new(read.meta), {}
  out.warnings = read.warnings
  out.meta.wish = wish.meta.wish
  local renamed = {}
  for fact in wish:each() do renamed[fact.id] = real_id(db, read, fact) end
  for fact in read:each() do
    if fact.kind ~= "acl" then
      fact.attrs.owner = given_to(wish, read, fact)
      out:add(fact)
    elseif wish.meta.sql then
      given[#given + 1] = fact
    end
  end
  for fact in wish:each() do
    local real = out:get(renamed[fact.id])
    if real then
      set_owner(real, fact)
      real.at, real.old_name = fact.attrs._at, fact.old_name
    elseif fact.kind == "acl" then
      local parent = renamed[fact.parent] or fact.parent
      local id = fact_of.acl_id(parent, fact.grantee, fact.grantor)
      local made = fact_of.from_id(id, parent, clean(fact.attrs))
      made.deps = out:get(parent) and {} or owner_of(db, read, parent)
      out:add(made)
    elseif CLUSTER[fact.kind] then
      local made = fact_of.from_id(fact.id, fact.parent, clean(fact.attrs))
      local _, parts = names.parse(fact.id)
      local role = fact.kind == "membership" and names.id("role", parts[1])
      made.deps = role and wish:get(role) and { role } or {}
      out:add(made)
    end
  end
  add_given(out, wish, given)
  return out
end

--- The facts PostgreSQL makes of a wish: the set is loaded in a scratch database and read back. Raises, naming file
--- and line of everything the server refused.
---@param db table  the database the wish is for
---@param wish moonpool.schema.FactSet
---@param options? moonpool.schema.ScratchOptions|moonpool.schema.ReadOptions
---@return moonpool.schema.FactSet
function M.wish(db, wish, options)
  local loaded = wish:filter(function(fact) return not CLUSTER[fact.kind] end)
  loaded.meta.complete = wish.meta.complete
  return scratch.with(db, options, function(at)
    scratch.load_facts(at, loaded, { owners = false, privileges = false })
    return restore(at, wish, reader.read(at, options))
  end)
end

--- The facts in an SQL file or dump.
---@param db table
---@param text string
---@param name string  of the file
---@param options? moonpool.schema.ScratchOptions|moonpool.schema.ReadOptions
---@return moonpool.schema.FactSet
function M.sql(db, text, name, options)
  text = sql_file.text(text, name)
  return scratch.with(db, options, function(at)
    local warnings = sql_file.load(at, text, name)
    local set = reader.read(at, options)
    for _, warning in ipairs(warnings) do set.warnings[#set.warnings + 1] = "not loaded: " .. warning end
    return set
  end)
end

return M
