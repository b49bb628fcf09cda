local database = require "database"
local session = require "moonpool.console.session"

describe("the shell's session", function()
  local function busy(db)
    local n = 0
    for _, node in ipairs(db:stats().nodes) do n = n + node.pools.write.busy end
    return n
  end

  it("lets go of its connection when its database is closed, so that closing waits for nothing", function()
    local db = database.connect()
    local held = session.new(db)
    local at_close
    local let_go = db.root.before_close
    db.root.before_close = function()
      assert.equal(1, busy(db))
      let_go()
      at_close = busy(db)
    end
    db:close()
    assert.equal(0, at_close)
    assert.is_true(held:is_over())
    assert.is_false(held:close())
  end)

  it("rolls back what was begun at the prompt, and says so once it is asked", function()
    local db = database.connect()
    local held = session.new(db)
    held:run "begin"
    held:run "create table never_there (a int)"
    db:close()
    assert.is_true(held:close())
    local other = database.connect()
    assert.is_nil(other:query("select to_regclass('never_there')"):scalar())
    other:close()
  end)
end)
