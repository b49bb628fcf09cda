--- The order of statements: one graph of nodes, one sort.
--
-- Edges come from the facts' dependencies, and from three things PostgreSQL does by itself and that must not happen too
-- early: an index made on a partitioned table goes down to the partitions that are attached already, a partitioned
-- index is valid when all of its parts are attached, and a foreign key takes the first key that fits. Where the graph
-- has circles, what can be said apart is taken apart until none is left.

local graph = require "moonpool.schema.graph"
local kinds = require "moonpool.schema.kinds"
local place = require "moonpool.schema.place"

local M = {}

-- Stand-ins and later steps become nodes.
local function extra_nodes(self, nodes)
  for i, step in ipairs(self.steps) do
    local host = self:host(step.fact)
    local node = self.new_node(("%s step %05d"):format(host, i), step.fact, nodes[host].weight + 0.5)
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
  for id, inside in pairs(self.splits) do  -- order-free: a set is filled
    local fact = self.set:get(id)
    local kind = fact and kinds.by_name[fact.kind]
    if type(inside) == "table" then
      local node = self.new_node("before " .. id, fact, kinds.weight[fact.kind] - 0.5)
      node.key, node.stand_in = fact.attrs._made and (" %06d"):format(fact.attrs._made) or id, true
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
local function need_attached(self, node, id)
  for _, below in ipairs(self.attached[id] or {}) do
    node.needs[below.node] = true
    need_attached(self, node, below.id)
  end
end

local function edges(self, nodes)
  for _, node in pairs(nodes) do  -- order-free: what is gathered is sorted before it is used
    local function need(id)
      local fact = self.set:get(id)
      if not fact then return end
      local host = self:host(fact)
      if host == node.id or not nodes[host] then return end
      local inside = self.splits[host]
      if type(inside) == "table" and inside[node.id] then host = "before " .. host end
      node.needs[host] = true
      if fact.kind == "index" or fact.kind == "constraint" then need_attached(self, node, id) end
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
local function prefer_keys(self, nodes)
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
  for id, key in pairs(keys) do  -- order-free: what is gathered is sorted before it is used
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

-- An operator that another one names as its commutator or negator, without naming that one, is made behind it: made
-- before, it would be linked back by PostgreSQL itself.
local function behind_their_namers(self, nodes)
  local function hold(namer, symbol, args, attr)
    local id = symbol and ("operator:%s(%s)"):format(symbol, args)
    local named = id and self.set:get(id)
    if named and named ~= namer and not named.attrs[attr] and nodes[id] then nodes[id].needs[namer.id] = true end
  end
  for _, fact in ipairs(self.set:of_kind "operator") do
    local attrs = fact.attrs
    hold(fact, attrs.commutator, ("%s,%s"):format(attrs.right, attrs.left or "none"), "commutator")
    hold(fact, attrs.negator, ("%s,%s"):format(attrs.left or "none", attrs.right), "negator")
  end
end

-- What such a routine does is no text that could name anything.
local BODILESS = { c = true, internal = true }

-- Takes apart one sort of thing in a circle; false if nothing in it can be.
local function take_apart(self, circle, nodes)
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
    or apart(function(kind, fact) return kind.placeholder and not BODILESS[fact.attrs.language or ""] end)
end

---@class moonpool.schema.Item
---@field sql string
---@field fact moonpool.schema.Fact  whom it makes
---@field stand_in? boolean  for one that is made later
---@field node? string  of the graph; told where the wish has SQL of its own, as are these:
---@field waits? table<string, boolean>  of such SQL: the nodes it comes behind
---@field asked? table<string, boolean>  the nodes it was asked to come behind

--- All statements of an emitter, in order.
---@param self moonpool.schema.Emitter
---@return moonpool.schema.Item[]
function M.statements(self)
  local nodes, ids, needs
  repeat
    nodes, ids, needs = self:write(), {}, {}
    extra_nodes(self, nodes)
    edges(self, nodes)
    prefer_keys(self, nodes)
    behind_their_namers(self, nodes)
    for id, node in pairs(nodes) do  -- order-free: what is gathered is sorted before it is used
      ids[#ids + 1], needs[id] = id, node.needs
    end
    table.sort(ids)
    local again = false
    for _, circle in ipairs(graph.circles(ids, needs)) do
      again = take_apart(self, circle, nodes) or again
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
  local places = self.set.meta.sql and place.edges(self, nodes, ids, needs)
  if places then needs = places.needs end
  local sorted = graph.sort(ids, needs, function(a, b)
    local x, y = nodes[a], nodes[b]
    if x.weight ~= y.weight then return x.weight < y.weight end
    if x.key ~= y.key then return x.key < y.key end
    return a < b
  end)
  local out = {}
  for _, id in ipairs(sorted) do
    local node = nodes[id]
    for _, sql in ipairs(node.sql) do
      out[#out + 1] = { sql = sql, fact = node.fact, stand_in = node.stand_in, node = places and id,
        waits = places and node.fact.kind == "sql" and needs[id] or nil, asked = places and places.asked[id] }
    end
  end
  return out
end

return M
