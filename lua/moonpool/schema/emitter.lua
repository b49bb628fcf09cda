--- Facts to DDL, in an order in which every statement finds what it needs.
--
-- Every fact is written by one node of a graph: its own, or that of its host (a column's is its table's). A node may
-- leave a step for later (attach the partition, own the sequence), which is a node of its own. Edges come from the
-- facts' dependencies. Where the graph has circles, what can be said apart is taken apart (a default out of its
-- table, a shell before its type, a stand-in before its view) until none is left.

local graph = require "moonpool.schema.graph"
local kinds = require "moonpool.schema.kinds"
local acl = require "moonpool.schema.kinds.acl"
local names = require "moonpool.schema.names"
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
---@return { not_null: boolean, default: boolean }
function Emitter:inherited(fact, column)
  local out = { not_null = false, default = false }
  for _, id in ipairs(fact.attrs.inherits or {}) do
    local above = self.set:get((id:gsub("^[%l_]+:", "column:")) .. "." .. names.part(column))
    if above then
      out.not_null = out.not_null or above.attrs.not_null == true
      out.default = out.default or #self.set:children(above.id, "default") > 0
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
  for id in pairs(self.splits) do out[id] = true end
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
    self:add(("SECURITY LABEL FOR %s ON %s IS %s"):format(names.quote(provider), label, names.literal(labels[provider])))
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

local function new_node(id, fact, weight)
  return { id = id, fact = fact, sql = {}, needs = {}, weight = weight, key = id }
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
    local node = new_node("grants " .. target, by_target[target][1], kinds.weight.acl)
    node.facts = by_target[target]
    if self.options.privileges ~= false then
      node.sql = privileges.statements(by_target[target], acl.target(target))
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
        node = new_node(host, self.set:get(host), kinds.weight[self.set:get(host).kind] or 99)
        node.facts = {}
        nodes[host] = node
      end
      if fact.id ~= host then node.facts[#node.facts + 1] = fact end
    end
  end
  for _, node in pairs(nodes) do
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

-- Stand-ins and later steps become nodes.
function Emitter:extra_nodes(nodes)
  for i, step in ipairs(self.steps) do
    local host = self:host(step.fact)
    local node = new_node(("%s step %05d"):format(host, i), step.fact, nodes[host].weight + 0.5)
    node.key, node.sql = step.fact.id, { step.sql }
    node.needs[host] = true
    for _, id in ipairs(step.needs) do
      local fact = self.set:get(id)
      if fact then node.needs[self:host(fact)] = true end
    end
    nodes[node.id] = node
    local above = step.fact.attrs.partition_of or step.fact.attrs.attached_to
    if above then
      local list = self.attached[above] or {}
      self.attached[above] = list
      list[#list + 1] = { node = node.id, id = step.fact.id }
    end
  end
  for id, inside in pairs(self.splits) do
    local fact = self.set:get(id)
    local kind = fact and kinds.by_name[fact.kind]
    if type(inside) == "table" then
      local node = new_node("before " .. id, fact, kinds.weight[fact.kind] - 0.5)
      node.key = id
      if kind.shell then
        node.sql[1] = kind.shell(fact)
      else
        self.node = node
        kind.placeholder(fact, self)
        local function need_all(deps)
          for _, dep in ipairs(deps) do
            local needed = self.set:get(dep)
            local host = needed and self:host(needed)
            if host and not inside[host] then node.needs[host] = true end
          end
        end
        -- A view's stand-in needs the types of its columns; a routine's all but what it goes round in circles with.
        for _, column in ipairs(self.set:children(id, "column")) do need_all(column.deps) end
        if fact.kind ~= "view" then need_all(fact.deps) end
      end
      local schema = self.set:get(fact.parent)
      if schema then node.needs[schema.id] = true end
      nodes[id].needs[node.id] = true
      nodes[node.id] = node
    end
  end
end

-- A partitioned index is valid, and can be referred to, when the indexes of all partitions are attached.
function Emitter:need_attached(node, id)
  for _, below in ipairs(self.attached[id] or {}) do
    node.needs[below.node] = true
    self:need_attached(node, below.id)
  end
end

function Emitter:edges(nodes)
  for _, node in pairs(nodes) do
    local function need(id)
      local fact = self.set:get(id)
      if not fact then return end
      local host = self:host(fact)
      if host == node.id or not nodes[host] then return end
      local inside = self.splits[host]
      if type(inside) == "table" and inside[node.id] then host = "before " .. host end
      node.needs[host] = true
      if fact.kind == "index" or fact.kind == "constraint" then self:need_attached(node, id) end
    end
    for _, fact in ipairs(node.facts or {}) do
      if not kinds.by_name[fact.kind].lazy then
        for _, id in ipairs(fact.deps) do
          if id ~= fact.attrs.attached_to then need(id) end
        end
      end
      if fact.parent then need(fact.parent) end
    end
    -- An index made on a table before its partitions are attached would be made on them by itself.
    local parent = node.facts and node.fact.parent
    if parent and (node.fact.kind == "index" or node.fact.kind == "constraint" or node.fact.kind == "trigger") then
      for _, below in ipairs(self.attached[parent] or {}) do node.needs[below.node] = true end
    end
  end
end

-- A foreign key takes the first of the unique indexes on the columns it refers to: the others are made behind it.
function Emitter:prefer_keys(nodes)
  local used, keys = {}, {}
  for _, fact in ipairs(self.set:of_kind "constraint") do
    if fact.attrs.references then
      for _, id in ipairs(fact.deps) do
        local key = self.set:get(id)
        if key and key.parent == fact.attrs.references and key.kind ~= "column" then
          used[id], keys[fact.id] = true, key
        end
      end
    end
  end
  local function same_columns(a, b)
    if #a ~= #b then return false end
    local set = {}
    for _, column in ipairs(a) do set[column] = true end
    for _, column in ipairs(b) do
      if not set[column] then return false end
    end
    return true
  end
  for id, key in pairs(keys) do
    local columns = key.attrs.columns or key.attrs.keys
    for _, kind in ipairs { "constraint", "index" } do
      for _, other in ipairs(self.set:children(key.parent, kind)) do
        local unique = other.attrs.unique or other.attrs.type == "unique" or other.attrs.type == "primary key"
        if unique and not used[other.id] and nodes[other.id] and nodes[id]
          and same_columns(columns, other.attrs.columns or other.attrs.keys or {}) then
          nodes[other.id].needs[id] = true
        end
      end
    end
  end
end

-- Takes apart one sort of thing in a circle; false if nothing in it can be.
function Emitter:take_apart(circle, nodes)
  local inside = {}
  for _, id in ipairs(circle) do inside[id] = true end
  local done = false
  for _, id in ipairs(circle) do
    for i, fact in ipairs(nodes[id].facts or {}) do
      if i > 1 and kinds.by_name[fact.kind].splits and not self.splits[fact.id] then
        for _, dep in ipairs(fact.deps) do
          local needed = self.set:get(dep)
          if needed and inside[self:host(needed)] then
            self.splits[fact.id] = true
            done = true
            break
          end
        end
      end
    end
  end
  if done then return true end
  local function apart(wanted)
    for _, id in ipairs(circle) do
      local fact = nodes[id].fact
      if nodes[id].facts and fact.id == id and not self.splits[id] and wanted(kinds.by_name[fact.kind], fact) then
        self.splits[id] = inside
        done = true
      end
    end
    return done
  end
  return apart(function(kind) return kind.shell end)
    or apart(function(kind, fact) return kind.placeholder and fact.kind == "view" end)
    or apart(function(kind) return kind.placeholder end)
end

--- All statements, in order.
---@return { sql: string, fact: moonpool.schema.Fact }[]
function Emitter:statements()
  local nodes, ids, needs
  repeat
    nodes, ids, needs = self:write(), {}, {}
    self:extra_nodes(nodes)
    self:edges(nodes)
    self:prefer_keys(nodes)
    for id, node in pairs(nodes) do
      ids[#ids + 1], needs[id] = id, node.needs
    end
    table.sort(ids)
    local again = false
    for _, circle in ipairs(graph.circles(ids, needs)) do
      again = self:take_apart(circle, nodes) or again
    end
  until not again
  -- What a wish says it needs is read from its texts; where that goes in circles some of it was misread.
  if self.set.meta.wish then
    for _, circle in ipairs(graph.circles(ids, needs)) do
      for _, id in ipairs(circle) do
        for _, other in ipairs(circle) do needs[id][other] = nil end
      end
    end
  end
  local sorted = graph.sort(ids, needs, function(a, b)
    local x, y = nodes[a], nodes[b]
    if x.weight ~= y.weight then return x.weight < y.weight end
    if x.key ~= y.key then return x.key < y.key end
    return a < b
  end)
  local out = {}
  for _, id in ipairs(sorted) do
    for _, sql in ipairs(nodes[id].sql) do out[#out + 1] = { sql = sql, fact = nodes[id].fact } end
  end
  return out
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
