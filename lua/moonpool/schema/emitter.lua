--- Facts to DDL, in an order in which every statement finds what it needs.
--
-- Every fact is written by one node of a graph: its own, or that of its host (a column's is its table's). A node may
-- leave a step for later (attach the partition, own the sequence), which is a node of its own. Edges come from the
-- facts' dependencies. Where the graph has circles, what can be said apart is taken apart (a default out of its
-- table, a shell before its type, a stand-in before its view) until none is left.

local kinds = require "moonpool.schema.kinds"
local acl = require "moonpool.schema.kinds.acl"
local names = require "moonpool.schema.names"
local order = require "moonpool.schema.order"
local privileges = require "moonpool.schema.privileges"

local M = {}

---@class moonpool.schema.EmitOptions
---@field owners? boolean  write ALTER … OWNER TO (default true)
---@field privileges? boolean  write GRANT and REVOKE (default true)
---@field comments? boolean  write COMMENT ON (default true)

---@class moonpool.schema.Emitter
---@field set moonpool.schema.FactSet
---@field options moonpool.schema.EmitOptions
---@field skipped string[]  what could not be written, and why
---@field private splits table<string, table<string, boolean>|true>
---@field private hosts table<string, string>
---@field private node table
local Emitter = {}
Emitter.__index = Emitter

---@param set moonpool.schema.FactSet
---@param options? moonpool.schema.EmitOptions
---@return moonpool.schema.Emitter
function M.new(set, options)
  return setmetatable({ set = set, options = options or {}, splits = {}, hosts = {}, skipped = {} }, Emitter)
end

--- The quoted, qualified name of a relation or type, whether it is a fact of the set or an extension's.
---@param id string
---@return string
function Emitter:name_of(id)
  local fact = self.set:get(id)
  if fact then return names.qualified(fact.schema, fact.name) end
  local _, parts = names.parse(id)
  return names.qualified(parts[1], parts[2])
end

--- The fact in whose node this one is written.
---@param fact moonpool.schema.Fact
---@return string
function Emitter:host(fact)
  local known = self.hosts[fact.id]
  if known then return known end
  local host
  local kind = kinds.by_name[fact.kind]
  if fact.kind == "acl" then
    host = fact.parent
  elseif kind and kind.host and not self.splits[fact.id] then
    host = kind.host == "parent" and fact.parent or kind.host ~= "parent" and kind.host(fact, self) or nil
  end
  local above = host and self.set:get(host)
  local id = above and self:host(above) or fact.id
  self.hosts[fact.id] = id
  return id
end

--- The children of a kind that are written together with their parent.
---@param fact moonpool.schema.Fact
---@param kind string
---@return moonpool.schema.Fact[]
function Emitter:folded(fact, kind)
  local children = self.set:children(fact.id, kind)
  local host = self:host(fact)
  local out = {}
  for _, child in ipairs(children) do
    if self:host(child) == host and not child.attrs.inherited or kind == "column" then out[#out + 1] = child end
  end
  return out
end

--- Whether the fact was taken out of its host to break a circle.
---@param id string
---@return boolean
function Emitter:split_off(id)
  return self.splits[id] ~= nil
end

--- Whether a stand-in for the fact was made before it.
---@param fact moonpool.schema.Fact
---@return boolean
function Emitter:replaces(fact)
  return self.splits[fact.id] ~= nil
end

--- The sequence an identity column counts by.
---@param column string
---@return moonpool.schema.Fact?
function Emitter:identity_sequence(column)
  for _, fact in ipairs(self.set:children(column, "sequence")) do
    if fact.attrs.identity == column then return fact end
  end
end

--- What a column inherits from the parents of its table.
---@param fact moonpool.schema.Fact  the table
---@param column string
---@return { not_null: boolean, default: boolean, generated: string? }
function Emitter:inherited(fact, column)
  local out = { not_null = false, default = false }
  for _, id in ipairs(fact.attrs.inherits or {}) do
    local above = self.set:get((id:gsub("^[%l_]+:", "column:")) .. "." .. names.part(column))
    if above then
      out.not_null = out.not_null or above.attrs.not_null == true and not above.attrs.not_null_no_inherit
      out.default = out.default or #self.set:children(above.id, "default") > 0
      out.generated = out.generated or above.attrs.generated and above.attrs.expression
    end
  end
  return out
end

--- Adds a statement to the node being written.
---@param sql string
function Emitter:add(sql)
  local list = self.node.sql
  list[#list + 1] = sql
end

--- Adds a statement that has to wait for more than its own node.
---@param fact moonpool.schema.Fact
---@param sql string
---@param needs? string[]  ids of the facts it waits for
function Emitter:later(fact, sql, needs)
  self.steps[#self.steps + 1] = { fact = fact, sql = sql, needs = needs or fact.deps }
end

--- The facts that have to be taken apart to come in any order, by id.
---@return table<string, boolean>
function Emitter:apart()
  self:statements()
  local out = {}
  for id in pairs(self.splits) do out[id] = true end  -- order-free: a set is filled
  return out
end

--- Says that a fact is not written, and why.
---@param fact moonpool.schema.Fact
---@param why string
function Emitter:skip(fact, why)
  self.skipped[#self.skipped + 1] = ("%s is left out: %s"):format(fact.id, why)
end

---@param fact moonpool.schema.Fact
---@param owner? string  if it is not the fact's to say
function Emitter:owner(fact, owner)
  owner = owner or fact.attrs.owner
  if owner and self.options.owners ~= false then
    self:add(("ALTER %s OWNER TO %s"):format(kinds.by_name[fact.kind].label(fact, self), names.quote(owner)))
  end
end

---@param fact moonpool.schema.Fact
---@param always? boolean  write that there is none, too: the object comes with one
function Emitter:comment(fact, always)
  if self.options.comments == false then return end
  local comment = fact.attrs.comment
  local label = kinds.by_name[fact.kind].label(fact, self)
  if comment or always then
    self:add(("COMMENT ON %s IS %s"):format(label, comment and names.literal(comment) or "NULL"))
  end
  local labels, providers = fact.attrs.labels_by_provider or {}, {}
  for provider in pairs(labels) do providers[#providers + 1] = provider end
  table.sort(providers)
  for _, provider in ipairs(providers) do
    self:add(("SECURITY LABEL FOR %s ON %s IS %s"):format(names.quote(provider), label,
      names.literal(labels[provider])))
  end
  for _, extension in ipairs(fact.attrs.depends_on_extensions or {}) do
    self:add(("ALTER %s DEPENDS ON EXTENSION %s"):format(label, names.quote(extension)))
  end
end

-- GRANT and REVOKE for one fact.
function Emitter:grants(fact)
  if self.options.privileges == false then return end
  local kind = kinds.by_name[fact.kind]
  if kind.own_privileges then return end
  local list = self.set:children(fact.id, "acl")
  if #list == 0 then return end
  local target, column
  if fact.kind == "column" then
    target, column = "TABLE " .. self:name_of(fact.parent), names.quote(fact.name)
  else
    target = (kind.grant or kind.label)(fact, self)
  end
  for _, sql in ipairs(privileges.statements(list, target, column)) do self:add(sql) end
end

--- A node of the graph of statements.
---@param id string
---@param fact moonpool.schema.Fact
---@param weight number  the lighter comes first where nothing forces an order
---@return table
function Emitter.new_node(id, fact, weight)
  local key = id
  if fact.attrs.references then
    -- PostgreSQL makes names of its own beside a key that refers to a partitioned table, counting up: the keys with
    -- such names come first and as they are counted, so that none of them finds its name taken.
    local padded = fact.name:gsub("%d+", function(digits) return ("0"):rep(9 - #digits) .. digits end)
    key = ("%s\0%s%s"):format(fact.parent:gsub("^%l+:", "constraint:"), fact.name:find "_fkey%d*$" and " " or "~",
      padded)
  end
  return { id = id, fact = fact, sql = {}, needs = {}, weight = weight, key = key }
end

-- A check of a domain that had to wait for a function must not wait for tables as well: what has columns made of the
-- domain can keep PostgreSQL from adding it.
---@private
---@param fact moonpool.schema.Fact
---@return number
function Emitter.weight(_, fact)
  if fact.kind == "constraint" and fact.parent and fact.parent:find "^domain:" then
    return kinds.weight["function"] + 0.25
  end
  return kinds.weight[fact.kind] or 99
end

-- Privileges on what is no fact: one node an object.
function Emitter:foreign_grants(nodes, list)
  local by_target, targets = {}, {}
  for _, fact in ipairs(list) do
    local group = by_target[fact.parent]
    if not group then
      group = {}
      by_target[fact.parent], targets[#targets + 1] = group, fact.parent
    end
    group[#group + 1] = fact
  end
  for _, target in ipairs(targets) do
    local name, column = acl.target(target)
    -- What is taken away from a table is taken away from its columns.
    local weight = kinds.weight.acl + (column and 0.5 or 0)
    local node = self.new_node("grants " .. target, by_target[target][1], weight)
    node.facts = by_target[target]
    if self.options.privileges ~= false then
      node.sql = privileges.statements(by_target[target], name, column)
    end
    nodes[node.id] = node
  end
end

-- Writes every node; returns them by id.
function Emitter:write()
  local nodes, foreign = {}, {}
  self.hosts, self.steps, self.skipped, self.attached = {}, {}, {}, {}
  for fact in self.set:each() do
    local host = self:host(fact)
    if fact.kind == "acl" and host == fact.id then
      foreign[#foreign + 1] = fact
    else
      local node = nodes[host]
      if not node then
        node = self.new_node(host, self.set:get(host), self:weight(self.set:get(host)))
        node.facts = {}
        nodes[host] = node
      end
      if fact.id ~= host then node.facts[#node.facts + 1] = fact end
    end
  end
  local ids = {}
  for id in pairs(nodes) do ids[#ids + 1] = id end
  table.sort(ids)
  for _, id in ipairs(ids) do
    local node = nodes[id]
    table.sort(node.facts, function(a, b)
      local pa, pb = a.attrs._position or 0, b.attrs._position or 0
      if a.kind == b.kind and a.parent == b.parent and pa ~= pb then return pa < pb end
      return a.id < b.id
    end)
    table.insert(node.facts, 1, node.fact)
    self.node = node
    for _, fact in ipairs(node.facts) do
      local kind = kinds.by_name[fact.kind]
      if kind.create then kind.create(fact, self) end
    end
    for _, fact in ipairs(node.facts) do
      if fact.kind ~= "acl" then self:grants(fact) end
    end
  end
  self:foreign_grants(nodes, foreign)
  return nodes
end

--- All statements, in order.
---@return moonpool.schema.Item[]
function Emitter:statements()
  return order.statements(self)
end

--- The settings a script begins with: the same texts must mean the same in every session.
M.preamble = {
  "SET statement_timeout = 0", "SET lock_timeout = 0", "SET idle_in_transaction_session_timeout = 0",
  "SET client_encoding = 'UTF8'", "SET standard_conforming_strings = on", "SET check_function_bodies = false",
  "SET xmloption = content", "SET client_min_messages = warning", "SET row_security = off",
  "SET default_tablespace = ''", "SET default_table_access_method = heap", "SET DateStyle = 'ISO, MDY'",
  "SET IntervalStyle = 'postgres'", "SET TimeZone = 'UTC'", "SET search_path = ''",
}

--- What has to go first on a fresh database because the set does not have it.
---@param set moonpool.schema.FactSet
---@return string[]
function M.removals(set)
  if not set.meta.complete or set:get "schema:public" then return {} end
  return { "DROP SCHEMA IF EXISTS public" }
end

--- The whole set as a script that psql can run on a fresh database.
---@param set moonpool.schema.FactSet
---@param options? moonpool.schema.EmitOptions
---@return string
function M.script(set, options)
  local emitter = M.new(set, options)
  local statements = emitter:statements()
  local out = { "-- Made by moonpool from " .. set:count() .. " facts." }
  for _, warning in ipairs(set.warnings) do out[#out + 1] = "-- Warning: " .. warning:gsub("\n", " ") end
  for _, text in ipairs(emitter.skipped) do out[#out + 1] = "-- Note: " .. text:gsub("\n", " ") end
  out[#out + 1] = ""
  for _, sql in ipairs(M.preamble) do out[#out + 1] = sql .. ";" end
  for _, sql in ipairs(M.removals(set)) do out[#out + 1] = sql .. ";" end
  for _, item in ipairs(statements) do out[#out + 1] = "\n" .. item.sql .. ";" end
  return table.concat(out, "\n") .. "\n"
end

return M
