local config = require "moonpool.core.config"
local moonpool = require "moonpool"

local function refusal(f, ...)
  local ok, e = pcall(f, ...)
  assert.is_false(ok)
  return e
end

describe("core.config", function()
  it("lays settings flat, in order", function()
    assert.same({
      { "pool.acquire_timeout", "0.25" }, { "pool.max", "8" }, { "primary", "host=a" },
      { "replicas", "host=b" }, { "replicas", "host=c" }, { "statement_timeout", "30s" },
    }, config.flatten {
      primary = "host=a", statement_timeout = "30s", replicas = { "host=b", "host=c" },
      pool = { max = 8, acquire_timeout = 0.25 },
    })
  end)

  it("takes an absent replica for none, and one for a list of one", function()
    assert.same({}, config.flatten { replicas = {}, primary = nil })
    assert.same({ { "replicas", "host=b" } }, config.flatten { replicas = { nil, "host=b" } })
    assert.same({ { "replicas", "host=b" } }, config.flatten { replicas = "host=b" })
    assert.same({}, config.flatten { replicas = { "" } })
  end)

  it("names the setting that holds what no setting can", function()
    assert.equal("the setting pool.max takes a string, a number or a boolean, got a function",
      refusal(config.flatten, { pool = { max = print } }).message)
    assert.equal("the setting timeout takes a string, a number or a boolean, got inf",
      refusal(config.flatten, { timeout = math.huge }).message)
    assert.equal("settings of pool are named, got the key 1", refusal(config.flatten, { pool = { 8 } }).message)
    assert.equal("replicas is a list, got the key x in it", refusal(config.flatten, { replicas = { x = "" } }).message)
  end)

  it("lets the engine name unknown keys and bad values", function()
    local e = refusal(moonpool.connect, { poool = { max = 8 } })
    assert.equal("config", e.kind)
    assert.matches("poool.max", e.message)
    assert.matches("config_spec%.lua:%d+", e.where)
    e = refusal(moonpool.connect, { pool = { max = "many" } })
    assert.matches("pool.max", e.message)
    assert.matches("many", e.message)
    e = refusal(moonpool.connect, { pool = { acquire_timeout = "soon" } })
    assert.matches("pool.acquire_timeout", e.message)
  end)

  it("never prints a password", function()
    for _, dsn in ipairs {
      "host=/nowhere password=tops3cret nonsense", "postgresql://u:tops3cret@h:port/db", "password=tops3cret",
      "postgres://u:tops3cret@[::1/db",
    } do
      local _, e = moonpool.try(function()
        local db = moonpool.connect { primary = dsn, pool = { connect_timeout = "200ms", acquire_timeout = "300ms" } }
        db:ping()
      end)
      assert(e, dsn)
      assert.is_nil(tostring(e):find("tops3cret", 1, true), tostring(e))
      for _, value in pairs(e) do
        assert.is_nil(tostring(value):find("tops3cret", 1, true), tostring(value))
      end
    end
  end)

  it("refuses what is no setting at all", function()
    assert.equal("connect takes a table of settings, a DSN, or nothing, got a number",
      refusal(moonpool.connect, 7).message)
  end)
end)
