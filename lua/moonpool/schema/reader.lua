--- Reads a database as facts: one transaction, one batch, pg_catalog only.
--
-- This is one of the three files (with scratch.lua and loader.lua) through which the schema modules reach a database.

local catalog = require "moonpool.schema.catalog"
local consistency = require "moonpool.schema.consistency"
local context = require "moonpool.schema.context"
local graph = require "moonpool.schema.graph"
local kinds = require "moonpool.schema.kinds"
local names = require "moonpool.schema.names"
local part = require "moonpool.schema.part"
local probe = require "moonpool.schema.probe"
local queries = require "moonpool.schema.queries"
local set_of = require "moonpool.schema.set"

local OID = catalog.oid

local M = {}

---@class moonpool.schema.ReadOptions: moonpool.schema.PartOptions
---@field strict? boolean  an object that is not modelled is an error instead of a warning
---@field secrets? boolean  read passwords of user mappings and connection strings of subscriptions too
---@field cluster? boolean  read roles, memberships, tablespaces and privileges on settings too
---@field database_settings? boolean  read ALTER DATABASE … SET and ALTER ROLE … IN DATABASE … SET too

-- Every query with its name, in one fixed order.
local function plan(options)
  local list = { { name = "settings", sql = queries.settings } }
  local function put(map)
    local sorted = {}
    for name in pairs(map) do sorted[#sorted + 1] = name end
    table.sort(sorted)
    for _, name in ipairs(sorted) do list[#list + 1] = { name = name, sql = map[name] } end
  end
  put(queries.common)
  for _, module in ipairs(kinds.modules) do
    if module.queries and (not module.on_request or options[module.on_request]) then put(module.queries) end
  end
  list[#list + 1] = { name = "probe", sql = probe.query }
  list[#list + 1] = { name = "before", sql = consistency.before }
  return list
end

local function fetch(tx, options, without)
  local list, results = {}, {}
  for _, item in ipairs(plan(options)) do
    if item.name ~= without then list[#list + 1] = item end
  end
  local answers = tx:batch(function(batch)
    for _, item in ipairs(list) do batch:add(item.sql) end
  end)
  for i, item in ipairs(list) do results[item.name] = answers[i] end
  return results
end

local function read_names(cx)
  for row in cx:rows "roles" do cx.roles[row.oid] = row.rolname end
  for row in cx:rows "namespaces" do cx.namespaces[row.oid] = row.nspname end
  local extensions = {}
  for row in cx:rows "extensions" do extensions[row.oid] = row.extname end
  cx:read_members(extensions)
end

-- The fact an end of a dependency belongs to.
local function fact_at(cx, class, oid, sub)
  if class == OID.pg_class and sub > 0 then
    local columns = cx.columns[oid]
    local column = columns and columns[sub]
    if column then return column end
  end
  return cx:fact(class, oid)
end

-- Its id, or that of the extension it belongs to.
local function endpoint(cx, class, oid, sub)
  local fact = fact_at(cx, class, oid, sub)
  return fact and fact.id or cx:member(class, oid)
end

local function is_ancestor(set, id, fact)
  local parent = fact.parent
  while parent do
    -- Nothing lies above a schema.
    if parent ~= id and parent:byte() == 115 and parent:find "^schema:" then return false end
    if parent == id then return true end
    local above = set:get(parent)
    parent = above and above.parent
  end
  return false
end

-- PostgreSQL notes whatever transform there is for a routine's types when the routine is made, used or not: that tells
-- in which order the two were made, and nothing of the routine.
local function is_incidental(fact, target)
  return (fact.kind == "function" or fact.kind == "procedure") and not fact.attrs.transforms
    and target:find "^transform:" ~= nil
end

local function read_depends(cx)
  local set = cx.set
  local found = {}
  local function link(fact, target)
    if target == fact.id or is_incidental(fact, target) or is_ancestor(set, target, fact) then return end
    local list = found[fact]
    if not list then
      found[fact] = { target }
      return
    end
    for i = 1, #list do
      if list[i] == target then return end
    end
    list[#list + 1] = target
  end
  for row in cx:rows "depends" do
    local fact = fact_at(cx, row.classid, row.objid, row.objsubid)
    if fact and not cx:member(row.classid, row.objid) then
      local to = endpoint(cx, row.refclassid, row.refobjid, row.refobjsubid)
      if row.deptype == "x" and to then
        fact.attrs.depends_on_extensions = fact.attrs.depends_on_extensions or {}
        table.insert(fact.attrs.depends_on_extensions, (set:get(to).name))
        table.sort(fact.attrs.depends_on_extensions)
      end
      if to then link(fact, to) end
    end
  end
  for _, fact in set:unordered() do
    local attrs = fact.attrs
    if attrs.inherits then
      for _, id in ipairs(attrs.inherits) do link(fact, id) end
    end
    if attrs.partition_of then link(fact, attrs.partition_of) end
    if attrs.attached_to then link(fact, attrs.attached_to) end
    for i = 1, #fact.deps do link(fact, fact.deps[i]) end
    local list = found[fact]
    if list then
      if #list > 1 then table.sort(list) end
      fact.deps = list
    end
  end
end

local MAY_CIRCLE = { view = true, matview = true, ["function"] = true, procedure = true }

-- Views that need each other come into being one after the other, the first as a stand-in. Which of them was first is
-- no part of what they say, but pg_dump begins with it.
local function note_circles(cx)
  local ids, needs = {}, {}
  for _, fact in cx.set:unordered() do
    if MAY_CIRCLE[fact.kind] and #fact.deps > 0 then
      ids[#ids + 1], needs[fact.id] = fact.id, {}
    end
  end
  table.sort(ids)
  for _, id in ipairs(ids) do
    for _, dep in ipairs(cx.set:get(id).deps) do
      local fact = cx.set:get(dep)
      if fact and fact.kind == "column" then dep = fact.parent end
      if needs[dep] and dep ~= id then needs[id][dep] = true end
    end
  end
  for _, circle in ipairs(graph.circles(ids, needs)) do
    table.sort(circle, function(a, b)
      return (cx.made[cx.set:get(a)] or 0) < (cx.made[cx.set:get(b)] or 0)
    end)
    for i, id in ipairs(circle) do
      local fact = cx.set:get(id)
      if fact.kind == "view" then fact.attrs._made = i end
    end
  end
end

local function read_texts(cx)
  local strays = {}
  for row in cx:rows "comments" do
    local id = endpoint(cx, row.classoid, row.objoid, row.objsubid)
    local fact = id and not cx:member(row.classoid, row.objoid) and cx.set:get(id)
    local note = cx.notes[row.classoid] and cx.notes[row.classoid][row.objoid]
    if note then
      note.fact.attrs[note.attr] = row.description
    elseif fact then
      fact.attrs.comment = row.description
    elseif not id and catalog.is_users(row.objoid) and catalog.is_told(row.classoid) then
      strays[#strays + 1] = { class = row.classoid, oid = row.objoid }
    end
  end
  for row in cx:rows "security_labels" do
    local id = endpoint(cx, row.classoid, row.objoid, row.objsubid)
    local fact = id and not cx:member(row.classoid, row.objoid) and cx.set:get(id)
    if fact then
      fact.attrs.labels_by_provider = fact.attrs.labels_by_provider or {}
      fact.attrs.labels_by_provider[row.provider] = row.label
    end
  end
  if #strays == 0 then return end
  for row in cx:query(probe.describe(strays)):each() do
    -- A dropped subscription leaves its comment behind: words about nothing. Other sessions' are not ours.
    if row.exists and not row.temporary then cx:warn("not modelled: the comment on %s", row.text) end
  end
end

-- An object that no fact tells is never passed over in silence.
local function name_missing(cx, strict)
  local missing = probe.missing(cx)
  if #missing == 0 then return end
  local texts = {}
  for row in cx:query(probe.describe(missing)):each() do
    texts[#texts + 1] = row.text
    cx:warn("not modelled: %s", row.text)
  end
  if strict then
    error(("%d objects of the database are not modelled: %s"):format(#texts, table.concat(texts, ", ")), 0)
  end
end

-- One definition after the other, for a database in which one of them cannot be printed.
local function isolated_views(tx, cx)
  for _, kind in ipairs { "view", "matview" } do
    for _, fact in ipairs(cx.set:of_kind(kind)) do
      local name = names.qualified(fact.schema, fact.name)
      local ok, text = pcall(tx.transaction, tx, function(at)
        return at:query("select pg_get_viewdef(?::regclass) as text", name):scalar()
      end)
      if ok and text then
        fact.attrs.definition = text:gsub(";$", "")
      else
        fact.attrs.broken = true
        cx:warn("the definition of %s cannot be read: %s", fact.id, tostring(type(text) == "table" and text.message
          or text))
      end
    end
  end
end

local function read(tx, options, without)
  local results = fetch(tx, options, without)
  local meta = results.meta:first()
  local set = set_of.new {
    server_version = meta.version, database = meta.database, encoding = meta.encoding, lc_collate = meta.lc_collate,
    lc_ctype = meta.lc_ctype, locale_provider = meta.locale_provider, reader = meta.reader, complete = true,
  }
  local cx = context.new(set, results, tx)
  cx.version = meta.version
  cx.meta, cx.options = meta, options
  read_names(cx)
  for _, module in ipairs(kinds.modules) do
    if module.read then module.read(cx) end
  end
  if without then isolated_views(tx, cx) end
  read_texts(cx)
  read_depends(cx)
  note_circles(cx)
  name_missing(cx, options.strict)
  table.sort(set.warnings)
  return set, results.before:first()
end

-- How often a schema that changes while it is read is read again.
local ATTEMPTS = 4

local TRANSACTION = { isolation = "repeatable read", read_only = true }

-- What the server says when a thing went away between its row and its text.
local function is_race(failure)
  if type(failure) ~= "table" then return tostring(failure):find "went away" ~= nil end
  return failure.sqlstate == "XX000" or failure.sqlstate == "42704" or failure.sqlstate == "42P01"
end

local function is_about_views(failure, options)
  local item = type(failure) == "table" and failure.statement and plan(options)[failure.statement]
  return item and item.name == "view_texts"
end

-- Reads until the catalogs stood still.
local function read_steadily(db, options)
  local set, before, without, failure
  for attempt = 1, ATTEMPTS do
    local ok, first, second = pcall(db.transaction, db, function(tx)
      return read(tx, options, without)
    end, TRANSACTION)
    if ok then
      set, before = first, second
      local now = db:query(consistency.after(before)):first()
      if not consistency.moved(before, now) then return set end
    else
      failure = first
      if not is_race(failure) then error(failure, 0) end
      -- It fails again and again: it is no race, one of the definitions is broken.
      if attempt >= 2 and is_about_views(failure, options) then without = "view_texts" end
    end
  end
  if not set then error(failure, 0) end
  if options.strict then error("the schema was changed again and again while it was read", 0) end
  set.warnings[#set.warnings + 1] =
    "the schema was changed again and again while it was read: parts of it may be of different times"
  return set
end

--- Reads the whole database.
---@param db table  a handle: transaction(f, options) with batch() and query() inside
---@param options? moonpool.schema.ReadOptions
---@return moonpool.schema.FactSet
function M.read(db, options)
  options = options or {}
  -- Nearly everything made from here on stays: going over it again and again would only cost time.
  local pause = collectgarbage("setpause", 1000)
  local ok, set = pcall(read_steadily, db, options)
  collectgarbage("setpause", pause)
  if not ok then error(set, 0) end
  return part.within(set, options)
end

return M
