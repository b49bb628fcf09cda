--- Privileges: the catalogs' aclitem text to facts, and facts to GRANT and REVOKE.
--
-- A fact `acl` exists for each grantee whose privileges differ from what the object has when nobody touched it, so an
-- untouched object has none, and a default that was taken away is a fact with no privileges. The order of an object's
-- grants is kept (`_position`): PostgreSQL stores them in the order they were given, and pg_dump prints them so.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local M = {}

local WORDS = {
  r = "SELECT", a = "INSERT", w = "UPDATE", d = "DELETE", D = "TRUNCATE", x = "REFERENCES", t = "TRIGGER",
  X = "EXECUTE", U = "USAGE", C = "CREATE", T = "TEMPORARY", c = "CONNECT", s = "SET", A = "ALTER SYSTEM",
  m = "MAINTAIN",
}

---@class moonpool.schema.AclItem
---@field grantee string  "" is PUBLIC
---@field letters string  as PostgreSQL writes them; a star behind a letter is the grant option
---@field grantor string

--- Reads an aclitem[]'s text.
---@param text string
---@return moonpool.schema.AclItem[]
function M.parse(text)
  local items = {}
  for i, item in ipairs(catalog.array(text)) do
    local grantee, at = names.scan(item, 1)
    local letters, slash = item:match("^=([%a%*]*)/()", at)
    if not letters then error("not an aclitem: " .. item) end
    items[i] = { grantee = grantee or "", letters = letters, grantor = names.scan(item, slash) or "" }
  end
  return items
end

--- The default of a kind of object, with `owner` in place of the role the template was asked for.
---@param template string  acldefault(type, role)::text
---@param role string
---@param owner string
---@return moonpool.schema.AclItem[]
function M.defaults(template, role, owner)
  local items = M.parse(template)
  for _, item in ipairs(items) do
    if item.grantee == role then item.grantee = owner end
    if item.grantor == role then item.grantor = owner end
  end
  return items
end

local function words(letters)
  local out = {}
  for letter, star in letters:gmatch "(%a)(%*?)" do
    out[#out + 1] = (WORDS[letter] or letter) .. star
  end
  table.sort(out)
  return out
end

local function find(items, like)
  for _, item in ipairs(items) do
    if item.grantee == like.grantee and item.grantor == like.grantor then return item end
  end
end

--- What differs from the default, in the order of the list.
---@param current moonpool.schema.AclItem[]
---@param base moonpool.schema.AclItem[]
---@param owner string
---@return { grantee: string, grantor: string?, privileges: string[], position: integer, default: boolean? }[]
function M.changes(current, base, owner)
  local out = {}
  local function add(item, letters, position, default)
    out[#out + 1] = {
      grantee = item.grantee, grantor = item.grantor ~= owner and item.grantor or nil,
      privileges = words(letters), position = position, default = default,
    }
  end
  for _, item in ipairs(base) do
    if not find(current, item) then add(item, "", 0, true) end
  end
  for i, item in ipairs(current) do
    local before = find(base, item)
    if not before or before.letters ~= item.letters then add(item, item.letters, i, before ~= nil or nil) end
  end
  return out
end

local function grantee(name)
  return name == "" and "PUBLIC" or names.quote(name)
end

-- `SELECT, INSERT`, with a column list behind each word for a column's privileges.
local function word_list(list, column)
  local out = {}
  for i, word in ipairs(list) do out[i] = column and ("%s(%s)"):format(word, column) or word end
  return table.concat(out, ", ")
end

--- The statements that turn an object's default privileges into these.
---@param facts moonpool.schema.Fact[]  the acl facts of one object
---@param target string  `TABLE public.t`, `FUNCTION f(integer)`; `TABLES` for default privileges
---@param column? string  quoted, for the privileges of a column
---@param prefix? string  `ALTER DEFAULT PRIVILEGES … ` in front of each statement
---@return string[]
function M.statements(facts, target, column, prefix)
  local sorted = {}
  for i, fact in ipairs(facts) do sorted[i] = fact end
  table.sort(sorted, function(a, b)
    local pa, pb = a.attrs._position or 0, b.attrs._position or 0
    if pa ~= pb then return pa < pb end
    return a.id < b.id
  end)
  prefix = prefix or ""
  local out = {}
  for _, fact in ipairs(sorted) do
    if fact.attrs._default then
      local all = column and ("ALL(%s)"):format(column) or "ALL"
      out[#out + 1] = ("%sREVOKE %s ON %s FROM %s"):format(prefix, all, target, grantee(fact.grantee))
    end
  end
  for _, fact in ipairs(sorted) do
    local plain, option = {}, {}
    for _, word in ipairs(fact.attrs.privileges) do
      local bare = word:match "^(.-)%*$"
      if bare then option[#option + 1] = bare else plain[#plain + 1] = word end
    end
    local grantor = fact.grantor
    if grantor and #plain + #option > 0 then
      out[#out + 1] = "SET SESSION AUTHORIZATION " .. names.quote(grantor)
    end
    if #plain > 0 then
      out[#out + 1] = ("%sGRANT %s ON %s TO %s"):format(prefix, word_list(plain, column), target, grantee(fact.grantee))
    end
    if #option > 0 then
      out[#out + 1] = ("%sGRANT %s ON %s TO %s WITH GRANT OPTION")
        :format(prefix, word_list(option, column), target, grantee(fact.grantee))
    end
    if grantor and #plain + #option > 0 then out[#out + 1] = "RESET SESSION AUTHORIZATION" end
  end
  return out
end

return M
