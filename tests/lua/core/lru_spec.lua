local lru = require "moonpool.core.lru"
local moonpool = require "moonpool"

describe("a store of this process", function()
  it("drops what was used longest ago", function()
    local store = lru.new(3, 1e6)
    for _, key in ipairs { "a", "b", "c" } do store:set(key, key:upper()) end
    assert.equal("A", store:get "a")
    store:set("d", "D")
    assert.is_nil(store:get "b")
    assert.same({ "A", "C", "D", 3 }, { store:get "a", store:get "c", store:get "d", store.count })
  end)

  it("weighs", function()
    local store = lru.new(100, 100)
    store:set("a", 1, nil, 40)
    store:set("b", 2, nil, 40)
    assert.equal(82, store.bytes)
    store:set("c", 3, nil, 40)
    assert.is_nil(store:get "a")
    store:set("d", 4, nil, 1000)
    assert.is_nil(store:get "d")
    assert.same({ 2, 82 }, { store.count, store.bytes })
    store:set("b", 5, nil, 1)
    assert.same({ 5, 2, 43 }, { store:get "b", store.count, store.bytes })
    store:forget "b"
    store:forget "nobody"
    assert.same({ 1, 41 }, { store.count, store.bytes })
  end)

  it("forgets when the time is up", function()
    local store = lru.new(10, 1e6)
    store:set("a", 1, 0.02)
    store:set("b", 2)
    assert.equal(1, store:get "a")
    moonpool.sleep "30ms"
    assert.is_nil(store:get "a")
    assert.same({ 2, 1 }, { store:get "b", store.count })
  end)

  it("stays what it says it is under thousands of changes", function()
    local store, state = lru.new(20, 600), 7
    local function upto(n) state = state * 16807 % 2147483647 return state % n + 1 end
    local model, order = {}, {}
    local function touch(key)
      for i, one in ipairs(order) do if one == key then table.remove(order, i) break end end
      table.insert(order, key)
    end
    for step = 1, 5000 do
      local key = "k" .. upto(40)
      local kind = upto(10)
      if kind <= 5 then
        local weight = upto(60)
        store:set(key, step, nil, weight)
        model[key] = { step, weight + #key }
        touch(key)
      elseif kind == 6 then
        store:forget(key)
        model[key] = nil
      else
        local wanted = model[key] and model[key][1]
        assert.equal(wanted, store:get(key))
        if wanted then touch(key) end
      end
      local count, bytes = 0, 0
      for i = #order, 1, -1 do
        if not model[order[i]] then table.remove(order, i) end
      end
      for _, one in ipairs(order) do count, bytes = count + 1, bytes + model[one][2] end
      while count > 20 or bytes > 600 do
        count, bytes = count - 1, bytes - model[order[1]][2]
        model[order[1]] = nil
        table.remove(order, 1)
      end
      assert.same({ count, bytes }, { store.count, store.bytes }, "step " .. step)
    end
  end)
end)
