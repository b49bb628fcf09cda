--- What a refused statement means for whoever wrote the wish: which line of it, and what was probably meant.

local names = require "moonpool.schema.names"
local suggest = require "moonpool.core.suggest"

local M = {}

--- The byte at which the character `position` stands.
---@param text string
---@param position integer
---@return integer
function M.byte_of(text, position)
  local at, count = 1, 1
  while count < position and at <= #text do
    at = at + 1
    local byte = text:byte(at)
    if not byte or byte < 128 or byte >= 192 then count = count + 1 end
  end
  return at
end

-- The child a line of a statement tells: a column by its name, a constraint by its.
local function child_of_line(set, fact, line)
  local body = line:match "^  (%S.*)$"
  if not body then return nil end
  local constraint = body:match "^CONSTRAINT (.*)$"
  local name = names.scan(constraint or body, 1)
  if not name then return nil end
  for _, child in ipairs(set:children(fact.id)) do
    if child.name == name and (child.kind == "constraint") == (constraint ~= nil) and child.kind ~= "acl" then
      return child
    end
  end
end

-- The line of the statement that the server points at, or the last above it that tells a child.
local function child_at(set, fact, sql, position)
  local place, from, found = M.byte_of(sql, position), 1, nil
  while from <= place do
    local stop = sql:find("\n", from, true) or #sql + 1
    found = child_of_line(set, fact, sql:sub(from, stop - 1)) or found
    from = stop + 1
  end
  return found
end

-- The child whose name the message has in quotes.
local function child_named(set, fact, message)
  for quoted in message:gmatch '"(.-)"' do
    for _, child in ipairs(set:children(fact.id)) do
      if child.name == quoted and child.attrs._at then return child end
    end
  end
end

--- The fact that is to blame: the one the statement makes, or the column or constraint in it.
---@param set moonpool.schema.FactSet
---@param fact moonpool.schema.Fact
---@param sql string
---@param e moonpool.Error
---@return moonpool.schema.Fact
function M.fact(set, fact, sql, e)
  local child = e.position and child_at(set, fact, sql, e.position) or child_named(set, fact, e.message or "")
  return child and child.attrs._at and child or fact
end

-- What may be behind an error of SQL that somebody wrote for themselves.
local CURES = {
  ["25001"] = "each sql of a schema file is one transaction, and nobody waits for a schema in the making",
  ["55P04"] = "what a transaction adds to an enum is of use only behind it: put the rest in an sql of its own",
}

local function own_cure(e)
  local message = e.message or ""
  if CURES[e.sqlstate] then return "\n  " .. CURES[e.sqlstate] end
  if message:find '^role ".-" does not exist' then
    return "\n  SQL can speak of roles that the server has; m.grant and owner = can speak of any"
  elseif message:find "at or near \"\\" then
    return "\n  what begins with a backslash is a command of psql, which the server does not know"
  end
end

-- Whose a thing is that files take to be there.
local OF_EXTENSIONS = {
  citext = "citext", cube = "cube", geography = "postgis", geometry = "postgis", gin_trgm_ops = "pg_trgm",
  gist_trgm_ops = "pg_trgm", halfvec = "vector", hnsw = "vector", hstore = "hstore", ivfflat = "vector",
  ltree = "ltree", plperl = "plperl", plperlu = "plperlu", plpython3u = "plpython3u", plv8 = "plv8",
  sparsevec = "vector", uuid_generate_v1 = "uuid-ossp", uuid_generate_v4 = "uuid-ossp", vector = "vector",
}

local MISSES = {
  role = "make the role on this server, or give another as scratch; only owners and privileges may name roles that are "
    .. "not there",
  tablespace = "tablespaces belong to the server: make it there, or leave them out (pg_dump --no-tablespaces)",
}

-- What may be behind an error of an SQL file of any making.
local function file_cure(e)
  local message = e.message or ""
  local what, name = message:match '^([%l ]+) "?([^"( ]+).* does not exist'
  if message:find 'at or near ":"' then
    return "\n  variables of psql are not known here: load the file with psql into a database, and name that instead"
  elseif MISSES[what] then
    return "\n  " .. MISSES[what]
  elseif name then
    local extension = OF_EXTENSIONS[name:match "[^.]+$"]
    return extension and ("\n  the extension %s has it: CREATE EXTENSION has to stand above"):format(extension)
  end
end

--- What to do about a refusal, as a line of its own; nothing if the server's own words are all there is.
---@param e moonpool.Error
---@param of? "own"|"file"  SQL in a schema file that somebody wrote for themselves; an SQL file
---@return string
function M.cure(e, of)
  local known = of == "own" and own_cure(e) or of == "file" and file_cure(e)
  if known then return known end
  local extension = (e.message or ""):match '^extension "(.-)" is not available'
  if extension then
    return ("\n  install the package that has the extension %s on this server, or give another as scratch")
      :format(extension)
  end
  return e.hint and "\n  " .. e.hint or ""
end

--- Whether what is written at `a` stands before what is written at `b`; both are `file:line: …`.
---@param a string
---@param b string
---@return boolean
function M.before(a, b)
  local file_a, line_a = a:match "^(.-):(%d+): "
  local file_b, line_b = b:match "^(.-):(%d+): "
  if file_a and file_a == file_b and line_a ~= line_b then return tonumber(line_a) < tonumber(line_b) end
  return a < b
end

local TYPES = {
  "bigint", "boolean", "bytea", "char", "character varying",
  "cidr", "date", "double precision", "inet", "int", "integer",
  "interval", "json", "jsonb", "macaddr", "money", "numeric", "oid", "point", "real", "smallint", "text", "time",
  "timestamp", "timestamptz", "timetz", "tsquery", "tsvector", "uuid", "varchar", "xml",
}

local RELATIONS = { "table", "foreign_table", "view", "matview", "sequence" }
local OWN_TYPES = { "enum", "domain", "composite", "range", "type" }

local function known(set, kinds, list)
  for _, kind in ipairs(kinds) do
    for _, fact in ipairs(set:of_kind(kind)) do
      list[#list + 1] = fact.name
      if fact.schema then list[#list + 1] = fact.schema .. "." .. fact.name end
    end
  end
  return list
end

--- ` (did you mean "orders"?)` behind a message that misses something the wish or the server nearly has.
---@param set moonpool.schema.FactSet
---@param fact moonpool.schema.Fact
---@param message string
---@return string
function M.hint(set, fact, message)
  local what, name = message:match '^(%l+) "(.-)"'
  if not what or not message:find "does not exist" then return "" end
  local list = {}
  if what == "type" then
    list = known(set, OWN_TYPES, { unpack(TYPES) })
  elseif what == "relation" then
    list = known(set, RELATIONS, list)
  elseif what == "schema" then
    for i, one in ipairs(set:of_kind "schema") do list[i] = one.name end
  elseif what == "column" then
    local host = fact.parent and set:get(fact.parent) or fact
    for _, id in ipairs { fact.id, host.id } do
      for _, child in ipairs(set:children(id, "column")) do list[#list + 1] = child.name end
    end
  end
  local plain, others = name:gsub('"', ""), {}
  for _, one in ipairs(list) do
    if one ~= plain then others[#others + 1] = one end
  end
  return suggest.hint(plain, others)
end

return M
