--- Where SQL of somebody's own comes in the order: the names behind `after` and `before`, and what they mean for the
--- graph of statements.
--
-- It is run where it stands: after what is written above it, before what is written below, so far as what needs what
-- leaves that open. What was asked for by name holds whatever else does not.

local graph = require "moonpool.schema.graph"
local names = require "moonpool.schema.names"
local suggest = require "moonpool.core.suggest"

local M = {}

-- What the server has and a scratch database is not made for.
local ELSEWHERE = {
  acl = true, subscription = true, role = true, role_setting = true, membership = true, tablespace = true,
  parameter = true, database_setting = true, sql = true,
}

-- What stands in the braces of something else is meant with it, or by its id.
local INSIDE = { column = true, attribute = true, default = true, constraint = true, trigger = true, rule = true,
  policy = true, publication_table = true, publication_schema = true }

local function called(set, name)
  local fact = set:get(name)
  if fact and not ELSEWHERE[fact.kind] then return { fact.id } end
  local parts, at = names.split(name)
  local args = name:sub(at):match "^%((.*)%)$"
  if at <= #name and not args then parts = { name } end
  local out, known = {}, {}
  for one in set:each() do
    if not ELSEWHERE[one.kind] and not INSIDE[one.kind] then
      local schema = #parts == 1 and "public" or parts[1]
      if one.name == parts[#parts] and (one.schema == schema and #parts <= 2 or not one.schema and #parts == 1)
        and (not args or one.args == args) then
        out[#out + 1] = one.id
      end
      known[#known + 1] = one.schema and one.schema ~= "public" and one.schema .. "." .. one.name or one.name
    end
  end
  return out, known
end

--- Takes the names for the facts they mean. Raises for one that the file does not declare.
---@param set moonpool.schema.FactSet
---@param id string
---@param raw moonpool.schema.Raw
function M.resolve(set, id, raw)
  local fact = set:get(id)
  for word, list in pairs { behind = raw.behind, ahead = raw.ahead } do  -- order-free: two lists, each for itself
    local found = {}
    for _, name in ipairs(list) do
      local ids, known = called(set, name)
      if #ids == 0 then
        error(("%s: nothing in this file is called %q%s"):format(raw.at or "schema", name, suggest.hint(name, known)),
          0)
      end
      for _, one in ipairs(ids) do found[#found + 1] = one end
    end
    fact[word == "behind" and "after" or "before"] = found
  end
end

local function add(edges, from, to)
  if from == to then return end
  edges[from] = edges[from] or {}
  edges[from][to] = true
end

local function belongs(set, fact, id)
  while fact do
    if fact.id == id then return true end
    fact = fact.parent and set:get(fact.parent)
  end
  return false
end

-- The edges that somebody asked for.
local function asked_edges(e, blocks, nodes, ids)
  local asked = {}
  for _, block in ipairs(blocks) do
    for _, id in ipairs(block.after) do
      local host = e:host(e.set:get(id))
      for _, node in ipairs(ids) do
        if node == host or belongs(e.set, nodes[node].fact, id) then add(asked, block.id, node) end
      end
    end
    for _, id in ipairs(block.before) do
      local host = e:host(e.set:get(id))
      for _, node in ipairs { host, "before " .. host } do
        if nodes[node] then add(asked, node, block.id) end
      end
    end
  end
  return asked
end

local function circles(ids, ...)
  local all = {}
  for _, id in ipairs(ids) do
    local of = {}
    for _, edges in ipairs { ... } do
      for other in pairs(edges[id] or {}) do of[other] = true end  -- order-free: a set is filled
    end
    all[id] = of
  end
  return graph.circles(ids, all), all
end

-- Of edges that only tell where something stands, those that contradict what is needed say nothing.
local function give_way(edges, found)
  for _, circle in ipairs(found) do
    for _, id in ipairs(circle) do
      for _, other in ipairs(circle) do
        if edges[id] then edges[id][other] = nil end
      end
    end
  end
end

---@class moonpool.schema.Places
---@field needs table<string, table<string, boolean>>  the whole graph
---@field asked table<string, table<string, boolean>>  what of it was asked for by name

--- The graph of statements with the wish's own SQL in its place. Raises if what was asked for goes in circles.
---@param e moonpool.schema.Emitter
---@param nodes table<string, table>
---@param ids string[]
---@param needs table<string, table<string, boolean>>
---@return moonpool.schema.Places
function M.edges(e, nodes, ids, needs)
  local blocks, number = e.set:of_kind "sql", {}
  for i, block in ipairs(blocks) do number[block.id] = i end
  local above, below = {}, {}
  for _, id in ipairs(ids) do
    local fact = nodes[id].fact
    if fact.kind ~= "sql" then
      local i = number[fact.behind or ""] or 0
      if i > 0 then add(below, id, blocks[i].id) end
      if blocks[i + 1] then add(above, blocks[i + 1].id, id) end
    end
  end
  for i = 2, #blocks do add(above, blocks[i].id, blocks[i - 1].id) end
  local asked = asked_edges(e, blocks, nodes, ids)
  give_way(below, (circles(ids, needs, asked, above, below)))
  give_way(above, (circles(ids, needs, asked, above, below)))
  local left, all = circles(ids, needs, asked, above, below)
  if #left > 0 then
    local places = {}
    for _, id in ipairs(left[1]) do
      places[#places + 1] = nodes[id].fact.attrs._at or id
    end
    error("what comes before and after what goes in circles: " .. table.concat(places, ", "), 0)
  end
  return { needs = all, asked = asked }
end

return M
