--- Normal form on demand.
--
-- PostgreSQL prints some texts in a way that it reads as another text, once: `v IN ('a', 'b')` on a varchar is printed
-- with casts that are gone, and others in their place, after one reload. Only then is the text fixed. So where two
-- sets differ in a text, both texts are loaded once more, each with what it stands on, and what comes back is
-- compared; the few objects that differ pay for it and no other.

local canon = require "moonpool.schema.canon"
local diff = require "moonpool.schema.diff"
local fact_of = require "moonpool.schema.fact"
local reader = require "moonpool.schema.reader"
local scratch = require "moonpool.schema.scratch"
local set_of = require "moonpool.schema.set"

local M = {}

-- Attributes whose value PostgreSQL prints from a parsed expression or query.
local TEXTS = {
  definition = true, expression = true, predicate = true, condition = true, using = true, check = true, keys = true,
  elements = true, bound = true, partition_key = true, default = true, filter = true, expressions = true,
    sql_body = true,
  arguments = true, body = true,
}

-- Ids of the facts that differ in nothing but texts, as far as texts go.
local function candidates(changes)
  local ids, any = {}, false
  for change in changes:each() do
    if change.op == "set" and TEXTS[change.attr] and not (change.attr == "body" and change.kind ~= "rule") then
      ids[change.id], any = true, true
    end
  end
  return any and ids or nil
end

-- The facts with everything they stand on: parents, dependencies, and whatever belongs to those.
local function closure(set, ids)
  local wanted, queue = {}, {}
  local function want(id)
    local fact = set:get(id)
    if fact and not wanted[id] then
      wanted[id] = true
      queue[#queue + 1] = fact
    end
  end
  for id in pairs(ids) do want(id) end  -- order-free: what is gathered is sorted before it is used
  local at = 0
  while at < #queue do
    at = at + 1
    local fact = queue[at]
    if fact.parent then want(fact.parent) end
    for _, id in ipairs(fact.deps) do want(id) end
    -- A relation is nothing without its columns, a type without its attributes, a key without its table's.
    if fact.kind ~= "schema" then
      for _, child in ipairs(set:children(fact.id)) do
        if child.kind == "column" or child.kind == "attribute" or child.kind == "default"
          or child.kind == "sequence" then
          want(child.id)
        end
      end
    end
    if fact.attrs.references then
      want(fact.attrs.references)
      for _, child in ipairs(set:children(fact.attrs.references, "constraint")) do
        if child.attrs.columns and child.attrs.type ~= "foreign key" then want(child.id) end
      end
    end
  end
  local out = set:filter(function(fact)
    return wanted[fact.id] and fact.kind ~= "acl" and fact.kind ~= "subscription"
  end)
  return out
end

-- The same facts after one more reload.
local function reloaded(db, set, ids, options)
  local part = closure(set, ids)
  return scratch.with(db, options, function(at)
    scratch.load_facts(at, part, { owners = false, privileges = false, comments = false })
    return reader.read(at)
  end)
end

-- A copy of the set in which those facts have the texts of the other.
local function with_texts(set, texts, ids)
  local out = set_of.new(set.meta)
  out.warnings = set.warnings
  for fact in set:each() do
    local other = ids[fact.id] and texts:get(fact.id)
    if other then
      local attrs = {}
      for key, value in pairs(fact.attrs) do attrs[key] = value end  -- order-free: a map is copied
      for key in pairs(TEXTS) do  -- order-free: each key is judged for itself
        if attrs[key] ~= nil and other.attrs[key] ~= nil then attrs[key] = other.attrs[key] end
      end
      local copy = fact_of.from_id(fact.id, fact.parent, attrs)
      copy.deps, copy.at, copy.old_name = fact.deps, fact.at, fact.old_name
      fact = copy
    end
    out:add(fact)
  end
  return out
end

-- The facts as the server prints them from a temporary table; a set of those that could be had so.
local function canonical(db, set, ids)
  local out = set_of.new(set.meta)
  for id in pairs(ids) do  -- order-free: what is gathered is sorted before it is used
    local fact = set:get(id)
    local text, attr = canon.text(db, set, fact)
    if text then
      local attrs = {}
      for key, value in pairs(fact.attrs) do attrs[key] = value end  -- order-free: a map is copied
      attrs[attr] = text
      out:add(fact_of.from_id(id, fact.parent, attrs))
    end
  end
  return out
end

local function no_database(failure)
  return tostring(failure):find("no scratch database could be made", 1, true) ~= nil
end

--- The difference of two sets in normal form. Without a difference in texts it costs nothing more than `diff`.
---@param db table  where a scratch database may be made
---@param a moonpool.schema.FactSet
---@param b moonpool.schema.FactSet
---@param options? moonpool.schema.DiffOptions|moonpool.schema.ScratchOptions
---@return moonpool.schema.Diff
function M.compare(db, a, b, options)
  local changes = diff.compare(a, b, options)
  local ids = candidates(changes)
  if not ids then return changes end
  local ok, texts_a = pcall(reloaded, db, a, ids, options)
  if not ok and not no_database(texts_a) then error(texts_a, 0) end
  if not ok then texts_a = canonical(db, a, ids) end
  local texts_b = ok and reloaded(db, b, ids, options) or canonical(db, b, ids)
  return diff.compare(with_texts(a, texts_a, ids), with_texts(b, texts_b, ids), options)
end

return M
