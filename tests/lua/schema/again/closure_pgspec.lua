-- What this whole floor promises: the facts of what the facts make are the facts (P1), and pg_dump prints the same of
-- both, byte for byte (P2). On samples, on a kitchen sink with everything in it, on every extension, on odd names.

local closure = require "tests.lua.schema.closure"
local files = require "tests.lua.schema.files"
local kitchen = require "tests.lua.schema.kitchen"
local moonpool = require "moonpool"
local schema = require "moonpool.schema"

local DATA = "tests/data/schema/"

-- Every sample: its name and its files.
local SAMPLES = {
  { "chinook", { "samples/chinook.sql" } }, { "northwind", { "samples/northwind.sql" } },
  { "pagila", { "samples/pagila.sql" } }, { "forge", { "samples/forge.sql" } }, { "saas", { "samples/saas.sql" } },
  { "social", { "samples/social.sql" } }, { "heirs", { "samples/heirs.sql" } }, { "circles", { "circles.sql" } },
  { "names", { "names.sql" } }, { "extensions", { "extensions.sql" } },
  { "pairs", { "pairs.sql" } },
  -- With what releases after 15 added, as far as the server has it.
  { "kitchen", kitchen.files, versions = true },
}

local function path(file) return DATA .. file end

describe("a schema, made again from its facts,", function()
  setup(closure.make_roles)

  for _, sample in ipairs(SAMPLES) do
    local name, database = sample[1], "closure_" .. sample[1]

    describe("of " .. name, function()
      setup(function()
        closure.fresh(database):close "1s"
        local texts = {}
        for i, file in ipairs(sample[2]) do texts[i] = closure.read_file(path(file)) end
        for major = 16, sample.versions and closure.major() or 0 do
          texts[#texts + 1] = closure.read_file(path(("versions/%d.sql"):format(major)))
        end
        closure.psql(database, table.concat(texts, "\n"))
      end)

      teardown(function() closure.drop(database) end)

      it("has the same facts, and pg_dump prints the same of it", function()
        assert.is_nil(closure.quick_check(database))
      end)

      if name == "kitchen" then
        it("has three of every kind, with every attribute that this server's release knows", function()
          assert.same({}, kitchen.missing(closure.facts(database)))
        end)
      end

      it("has indexes and constraints as the server tells them", function()
        assert.same({}, closure.texts_that_differ(database))
      end)

      it("comes back from a schema file in Lua", function()
        assert.is_nil(closure.check_file(database))
      end)

      it("comes back from a snapshot", function()
        local facts = closure.facts(database)
        local again = schema.from_json(facts:to_json(), "snapshot")
        assert.is_true(schema.diff(facts, again):is_empty())
        assert.equal(facts:hash(), again:hash())
        assert.equal(facts:to_sql(), again:to_sql())
      end)
    end)
  end
end)

describe("the kitchen sink", function()
  it("says the same when everything in it has an odd name", function()
    closure.make_roles()
    closure.fresh "closure_odd":close "1s"
    for _, file in ipairs(kitchen.files) do closure.psql("closure_odd", closure.read_file(path(file))) end
    local db = moonpool.connect { primary = closure.conninfo "closure_odd", pool = { max = 1 } }
    closure.run_some(db, kitchen.odd_names(closure.facts "closure_odd"))
    db:close "1s"
    local odd, few = kitchen.count_odd(closure.facts "closure_odd"), {}
    for _, kind in ipairs(kitchen.renamed) do
      if (odd[kind] or 0) < 3 then few[#few + 1] = ("%s: %d"):format(kind, odd[kind] or 0) end
    end
    assert.same({}, few)
    local wrong = files.try "closure_odd"
    closure.drop "closure_odd"
    assert.same({}, wrong)
  end)
end)
