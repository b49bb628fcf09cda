--- One graph, one sort: a directed graph of things that need each other, ordered so that what is needed comes first.

local M = {}

--- The strongly connected components with more than one member (or one that needs itself): the circles.
---@param nodes string[]
---@param needs table<string, table<string, boolean>>  per node the nodes it needs
---@return string[][]
function M.circles(nodes, needs)
  local index, low, on_stack, stack, counter, found = {}, {}, {}, {}, 0, {}
  local lists = {}
  local function neighbours(node)
    local list = lists[node]
    if not list then
      list = {}
      for other in pairs(needs[node] or {}) do list[#list + 1] = other end
      table.sort(list)
      lists[node] = list
    end
    return list
  end
  -- Tarjan's walk with a stack of its own: a chain of views may be longer than Lua's.
  for _, root in ipairs(nodes) do
    if not index[root] then
      local walk = { { node = root, at = 0 } }
      while #walk > 0 do
        local frame = walk[#walk]
        local node = frame.node
        if frame.at == 0 then
          counter = counter + 1
          index[node], low[node] = counter, counter
          stack[#stack + 1], on_stack[node] = node, true
        end
        local list, descended = neighbours(node), false
        while frame.at < #list do
          frame.at = frame.at + 1
          local other = list[frame.at]
          if not index[other] then
            walk[#walk + 1] = { node = other, at = 0 }
            descended = true
            break
          elseif on_stack[other] then
            low[node] = math.min(low[node], index[other])
          end
        end
        if not descended then
          if low[node] == index[node] then
            local members = {}
            repeat
              local member = table.remove(stack)
              on_stack[member] = false
              members[#members + 1] = member
            until member == node
            if #members > 1 or (needs[node] or {})[node] then
              table.sort(members)
              found[#found + 1] = members
            end
          end
          walk[#walk] = nil
          local above = walk[#walk]
          if above then low[above.node] = math.min(low[above.node], low[node]) end
        end
      end
    end
  end
  return found
end

-- A binary heap of nodes, the one that `before` puts first on top.
local function push(heap, node, before)
  local i = #heap + 1
  heap[i] = node
  while i > 1 do
    local up = math.floor(i / 2)
    if not before(heap[i], heap[up]) then break end
    heap[i], heap[up] = heap[up], heap[i]
    i = up
  end
end

local function pop(heap, before)
  local top, last = heap[1], table.remove(heap)
  if #heap > 0 then
    heap[1] = last
    local i = 1
    while true do
      local child = i * 2
      if child > #heap then break end
      if child < #heap and before(heap[child + 1], heap[child]) then child = child + 1 end
      if not before(heap[child], heap[i]) then break end
      heap[i], heap[child] = heap[child], heap[i]
      i = child
    end
  end
  return top
end

--- Orders the nodes; of those that could come next, `before` says which does. Raises if there is a circle.
---@param nodes string[]
---@param needs table<string, table<string, boolean>>
---@param before fun(a: string, b: string): boolean
---@return string[]
function M.sort(nodes, needs, before)
  local waits, wanted_by, heap, out = {}, {}, {}, {}
  for _, node in ipairs(nodes) do
    local count = 0
    for other in pairs(needs[node] or {}) do  -- order-free: what is gathered is sorted before it is used
      count = count + 1
      local list = wanted_by[other]
      if not list then
        list = {}
        wanted_by[other] = list
      end
      list[#list + 1] = node
    end
    waits[node] = count
    if count == 0 then push(heap, node, before) end
  end
  while #heap > 0 do
    local node = pop(heap, before)
    out[#out + 1] = node
    for _, other in ipairs(wanted_by[node] or {}) do
      waits[other] = waits[other] - 1
      if waits[other] == 0 then push(heap, other, before) end
    end
  end
  if #out < #nodes then
    local circle = M.circles(nodes, needs)[1]
    error("these need each other and none can come first: " .. table.concat(circle or {}, ", "), 2)
  end
  return out
end

return M
