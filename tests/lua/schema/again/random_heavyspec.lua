-- Random schemas by the thousand. MOONPOOL_SEED begins somewhere else.

local closure = require "tests.lua.schema.closure"

describe("random schemas", function()
  local first = tonumber(os.getenv "MOONPOOL_SEED") or 100000

  setup(closure.make_roles)

  it("are the same when made again, of two thousand seeds", function()
    assert.is_nil(closure.try_seeds("closure_random", first + 1, first + 2000, 60))
  end)

  it("are the same when made again, of sixty big ones", function()
    assert.is_nil(closure.try_seeds("closure_random", first + 3001, first + 3060, 250))
  end)

  it("come back from schema files, of a hundred seeds", function()
    assert.is_nil(closure.try_seeds("closure_random", first + 4001, first + 4100, 60, closure.check_file))
  end)
end)
