local guard = require "moonpool.console.guard"

describe("danger", function()
  local dangerous = {
    { "delete from users", "deletes every row of users" },
    { "DELETE FROM only app.users;", "deletes every row of app.users" },
    { "delete from users using (select 1 where true) x", "deletes every row of users" },
    { "update users set a = 1", "changes every row of users" },
    { 'update "Users" u set a = (select 1 where true)', 'changes every row of "Users"' },
    { "truncate table a.b, c", "empties a.b" },
    { "drop table if exists users", "drops the table users" },
    { "drop materialized view x", "drops the materialized x" },
    { "drop database shop", "drops the database shop" },
    { "-- where\nalter table t drop column c", "drops a column of t" },
  }
  for _, case in ipairs(dangerous) do
    it("sees: " .. case[1], function() assert.is_truthy(guard.danger(case[1]):find(case[2], 1, true)) end)
  end

  local harmless = {
    "delete from users where id = 1", "update users set a = 1 where b", "select 'delete from users'", "drop index i",
    "create table t (a int)", "alter table t drop constraint c", "alter table t alter a drop not null",
    "alter table t alter a drop default", "insert into t values ('drop table t')", "explain delete from t",
  }
  for _, text in ipairs(harmless) do
    it("lets pass: " .. text, function() assert.is_nil(guard.danger(text)) end)
  end
end)
