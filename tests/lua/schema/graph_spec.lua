local graph = require "moonpool.schema.graph"

local function set(list)
  local out = {}
  for _, item in ipairs(list) do out[item] = true end
  return out
end

local function alphabetic(a, b) return a < b end

describe("the graph", function()
  it("puts what is needed first and the rest in the order asked for", function()
    local needs = { a = set { "z" }, b = {}, z = set { "c" }, c = {} }
    assert.same({ "b", "c", "z", "a" }, graph.sort({ "a", "b", "c", "z" }, needs, alphabetic))
  end)

  it("finds circles and names them", function()
    local needs = { a = set { "b" }, b = set { "c" }, c = set { "a" }, d = set { "a" }, e = set { "e" } }
    local circles = graph.circles({ "a", "b", "c", "d", "e" }, needs)
    table.sort(circles, function(x, y) return #x > #y end)
    assert.same({ "a", "b", "c" }, circles[1])
    assert.same({ "e" }, circles[2])
    assert.error_matches(function() graph.sort({ "a", "b", "c" }, needs, alphabetic) end, "a, b, c")
  end)

  it("walks chains longer than Lua's stack", function()
    local nodes, needs = {}, {}
    for i = 1, 50000 do
      nodes[i] = ("n%05d"):format(i)
      needs[nodes[i]] = i > 1 and set { nodes[i - 1] } or {}
    end
    assert.same({}, graph.circles(nodes, needs))
    assert.same(nodes, graph.sort(nodes, needs, alphabetic))
  end)
end)
