-- `moonpool status` as a user runs it.

local json = require "moonpool.core.json"
local program = require "program"

describe("moonpool status", function()
  local function run(...)
    return program.run { "status", ... }
  end

  it("shows every server with its role, and that the replica follows", function()
    for _ = 1, 5 do
      local ran = run()
      assert.equal("", ran.err)
      assert.equal(0, ran.code)
      assert.matches("node +role +state", ran.out)
      assert.matches("primary +primary +up", ran.out)
      assert.matches("replica%-1 +replica +up", ran.out)
    end
  end)

  it("says the same as one document", function()
    local ran = run "--json"
    assert.equal(0, ran.code)
    local document = json.decode(ran.out)
    assert.equal(2, #document.nodes)
    for _, node in ipairs(document.nodes) do
      assert.is_true(node.alive)
      assert.is_number(node.round_trip_ms)
      assert.equal("closed", node.breaker.write)
    end
    assert.is_number(document.schema_version)
  end)

  it("looks again every second until the first Ctrl-C", function()
    local ran = program.run({ "status", "--watch", "--json" }, { interrupt = 4 })
    assert.equal(130, ran.code)
    local documents = 0
    for line in ran.out:gmatch "[^\n]+" do
      assert.equal(2, #json.decode(line).nodes)
      documents = documents + 1
    end
    assert.is_true(documents >= 2, documents .. " looks")
    assert.equal("", ran.err)
  end)

  it("has a shell beside it that reads at once where nobody takes writes", function()
    local began = os.time()
    local ran = program.run({ "-c", "select pg_is_in_recovery()" }, {
      env = { MOONPOOL_PRIMARY = "host=/nonexistent user=postgres dbname=moonpool" } })
    assert.equal(0, ran.code)
    assert.matches("\n +t\n", ran.out)
    assert.is_true(os.time() - began < 6, "it waited for a primary")
  end)

  it("ends with 3 when nobody answers, and shows no password", function()
    local ran = program.run({ "status", "--dsn", "host=/nonexistent password=tops3cret" }, {
      env = { MOONPOOL_PRIMARY = false, MOONPOOL_REPLICA = false } })
    assert.equal(3, ran.code)
    assert.matches("down", ran.out)
    assert.is_nil((ran.out .. ran.err):find("tops3cret", 1, true))
  end)
end)
