-- Random schemas, a few dozen; thousands of them are made in random_heavyspec. A seed that fails is shrunk.

local closure = require "tests.lua.schema.closure"

describe("random schemas", function()
  setup(closure.make_roles)

  it("are the same when made again, of two dozen seeds", function()
    assert.is_nil(closure.try_seeds("closure_random", 20001, 20024, 60))
  end)

  it("are the same when made again, of four big ones", function()
    assert.is_nil(closure.try_seeds("closure_random", 30001, 30004, 250))
  end)

  it("come back from schema files, of eight seeds", function()
    assert.is_nil(closure.try_seeds("closure_random", 40001, 40008, 60, closure.check_file))
  end)
end)
