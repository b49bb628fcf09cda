-- use_primary and use_replica, seen by which node answers while the replica stands still.

local moonpool = require "moonpool"

describe("a query that says where it is to be read", function()
  local db, witness

  setup(function()
    db = moonpool.connect {
      primary = os.getenv "MOONPOOL_PRIMARY", replicas = { os.getenv "MOONPOOL_REPLICA" } }
    witness = moonpool.connect { nodes = { os.getenv "MOONPOOL_REPLICA" } }
    db:exec "create table if not exists where_read (id int primary key)"
    db:exec "truncate where_read"
  end)
  teardown(function()
    witness:read_query "select pg_wal_replay_resume()"
    db:exec "drop table where_read"
    witness:close()
    db:close()
  end)

  local function settle()
    db:exec "insert into where_read values (1) on conflict do nothing"
    for _ = 1, 200 do
      if db:read_query("select pg_is_in_recovery()"):scalar() then return end
      moonpool.sleep "25ms"
    end
    error "no read went to the replica"
  end

  it("sees its own writes unless it says that any replica will do", function()
    settle()
    witness:read_query "select pg_wal_replay_pause()"
    db:exec "insert into where_read values (2)"
    assert.equal(2, db:from("where_read"):count())                 -- the session's own write: not from this replica
    assert.equal(1, db:from("where_read"):use_replica():count())   -- what the replica has
    assert.equal(2, db:from("where_read"):use_primary():count())
    witness:read_query "select pg_wal_replay_resume()"
  end)
end)
