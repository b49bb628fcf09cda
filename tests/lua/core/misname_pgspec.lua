local moonpool = require "moonpool"

describe("a name that is nearly right", function()
  local db

  setup(function() db = moonpool.connect() end)
  teardown(function() db:close() end)

  local function refusal(f)
    local ok, e = pcall(f)
    assert.is_false(ok)
    return tostring(e)
  end

  it("is told what was meant, on a handle, a transaction, a result and the module", function()
    assert.matches('a handle has no method qery %(did you mean "query"%?%)', refusal(function() db:qery "select 1" end))
    assert.matches('has no method insert_in .*"insert_into"', refusal(function() db:insert_in "t" end))
    db:transaction(function(tx)
      assert.matches('has no method exce .*"exec"', refusal(function() tx:exce "select 1" end))
    end)
    assert.matches('a result has no clumn .*"column"', refusal(function() db:query("select 1 as a"):clumn "a" end))
    assert.matches('moonpool has no conect .*"connect"', refusal(function() moonpool.conect() end))
  end)

  it("is told what other tools call it", function()
    assert.matches("no method insert; say db:insert_into%(table%)", refusal(function() db:insert("t", {}) end))
    assert.matches("no method findOne; say :find_by", refusal(function() db:from "t":findOne() end))
    assert.matches("no method innerJoin; say :join", refusal(function() db:from "t":innerJoin "u" end))
    assert.matches("no method update; say db:update%(table%)", refusal(function() db:from "t":update {} end))
  end)

  it("is told that a query is no list", function()
    assert.matches("a select is no list of rows; say :all()", refusal(function() return (db:from "t")[1] end))
  end)

  it("names the line that wrote it", function()
    assert.matches("misname_pgspec.lua:%d+", refusal(function() db:qery "select 1" end))
  end)

  it("is nil where nothing is near: asking what a value can do is no mistake", function()
    assert.is_nil(db.reconnoitre)
    assert.is_nil(db:query("select 1").reconnoitre)
    assert.is_nil(moonpool.reconnoitre)
  end)
end)
