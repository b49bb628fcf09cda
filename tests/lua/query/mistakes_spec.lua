-- Calls that would lose what they were given, and queries that are shown before they are whole.

local building = require "building"

describe("a query", function()
  local db = building.db

  local function refused(pattern, f, ...)
    local ok, e = pcall(f, ...)
    assert.is_false(ok)
    assert.matches(pattern, e.message)
  end

  it("is begun with a table's name alone", function()
    refused("insert_into takes a table's name and nothing else; go on with :values", db.insert_into, db, "t", { a = 1 })
    refused("update takes .* :set", db.update, db, "t", { a = 1 })
    refused("delete_from takes .* :where", db.delete_from, db, "t", { a = 1 })
  end)

  it("has no columns in distinct", function()
    refused("distinct_on", function() return db:from "t" :distinct "a" end)
    assert.equal('select distinct * from "t"', (db:from "t" :distinct():to_sql()))
  end)

  it("is shown with what it lacks", function()
    assert.matches("^an update %(this update has no condition", tostring(db:update "t"))
    assert.matches("^an insert %(this insert has no rows", tostring(db:insert_into "t"))
    assert.equal('select * from "t"', tostring(db:from "t"))
  end)
end)
