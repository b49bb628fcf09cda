--- A fact: one thing the catalogs know, told without its own name.
--
-- `{ kind, id, parent, attrs, deps }` is all of it. What else a fact carries (`schema`, `name`, `args`, `grantee`,
-- `grantor`) is read out of the id and only saves taking it apart again. In `attrs` a key that is absent has
-- PostgreSQL's default; a key that begins with `_` is kept but is no part of what the fact says.

local json = require "moonpool.schema.json"
local names = require "moonpool.schema.names"

local M = {}

---@class moonpool.schema.Fact
---@field kind string
---@field id string
---@field parent? string  the id of the fact it goes away with
---@field attrs table<string, any>
---@field deps string[]  sorted ids of the facts it cannot be made without, besides its parent
---@field schema? string
---@field name string  its own name, the last part of the id
---@field args? string  of routines, aggregates, operators and casts: the types in the id's parentheses
---@field grantee? string  of privileges: "" is PUBLIC
---@field grantor? string  of privileges given by another role than the owner

--- Kinds whose name does not begin with a schema.
---@type table<string, boolean>
M.unqualified = {
  schema = true, extension = true, cast = true, transform = true, language = true, access_method = true,
  event_trigger = true, publication = true, subscription = true, foreign_data_wrapper = true, server = true,
  user_mapping = true, default_acl = true, publication_table = true, publication_schema = true, database_setting = true,
  role = true, role_setting = true, membership = true, tablespace = true, parameter = true, sql = true,
}

--- Attributes that are nothing but words about the thing.
---@type table<string, boolean>
M.comments = {
  comment = true, index_comment = true, constraint_comment = true, not_null_comment = true, labels_by_provider = true,
}

--- The id of privileges: `acl:grantee on <id>`, `acl:grantee/grantor on <id>`.
---@param parent string
---@param grantee string  "" is PUBLIC
---@param grantor? string
---@return string
function M.acl_id(parent, grantee, grantor)
  local who = grantee == "" and "public" or names.part(grantee)
  if grantor then who = who .. "/" .. names.part(grantor) end
  return ("acl:%s on %s"):format(who, parent)
end

--- The fact of this id, its derived fields filled in.
---@param id string
---@param parent? string
---@param attrs table
---@return moonpool.schema.Fact
function M.from_id(id, parent, attrs)
  local fact = { id = id, parent = parent, attrs = attrs, deps = {} }
  if id:find "^acl:" then
    fact.kind = "acl"
    local grantee, at = names.scan(id, 5)
    fact.grantee = id:sub(5, 10) == "public" and grantee == "public" and "" or grantee
    if id:sub(at, at) == "/" then fact.grantor = names.scan(id, at + 1) end
    fact.name = grantee
    return fact
  end
  local kind, parts, args = names.parse(id)
  fact.kind, fact.args, fact.name = kind, args, parts[#parts]
  if not M.unqualified[kind] then fact.schema = parts[1] end
  return fact
end

--- What a fact says, as one text: its attributes without the ones that do not count.
---@param fact moonpool.schema.Fact
---@return string
function M.text(fact)
  local attrs = fact.attrs
  for key in pairs(attrs) do  -- order-free: each key is judged for itself
    if key:byte() == 95 then
      local clean = {}
      for k, v in pairs(attrs) do  -- order-free: a map is copied
        if k:byte() ~= 95 then clean[k] = v end
      end
      attrs = clean
      break
    end
  end
  return json.encode(attrs)
end

return M
