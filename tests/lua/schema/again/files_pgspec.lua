-- Schemas nobody prepared: the .sql files of the folder that MOONPOOL_SCHEMA_FILES names, if it names one.

local closure = require "tests.lua.schema.closure"
local files = require "tests.lua.schema.files"

local folder = os.getenv "MOONPOOL_SCHEMA_FILES"

describe("an SQL file from elsewhere, made again from its facts,", function()
  setup(closure.make_roles)

  for _, path in ipairs(folder and files.list(folder) or {}) do
    it("says the same: " .. path:match "[^/]+$", function()
      local database = files.load(path)
      local wrong = files.try(database)
      closure.drop(database)
      assert.same({}, wrong)
    end)
  end

  it("is a test that can fail", function()
    local db = closure.fresh "files_none"
    db:script "create table t (a int)"
    db:close "1s"
    local snapshots = files.checks[3]
    files.checks[3] = { "broken", function() return "a difference" end }
    local wrong = files.try "files_none"
    files.checks[3] = snapshots
    closure.drop "files_none"
    assert.same({ "broken: a difference" }, wrong)
  end)
end)
