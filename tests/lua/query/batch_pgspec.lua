-- Many rows in one insert: whatever a column holds, what is stored is what rows sent one by one store, by a statement
-- whose text does not tell how many there were.

local database = require "database"
local model = require "model"
local moonpool = require "moonpool"

local null = moonpool.null

describe("rows in one insert", function()
  local db

  setup(function()
    db = database.in_schema "batches"
    db:script [[
      create domain counted as int not null; create domain labels as text[] check (cardinality(value) < 9);
      create type place as (street text, number int);
      create table kinds (id int, "T""ags" text[], numbers int[], prices numeric[], docs jsonb[], doc jsonb, label labels,
        home place, homes place[], span int4range, name text, obligatory counted default 1, gone int);
      alter table kinds drop column gone]]
  end)
  teardown(function()
    db:exec "drop schema batches cascade"
    db:close()
  end)
  before_each(function() db:exec "truncate kinds" end)

  local quoted = '"T""ags"'

  local function stored() return db:query("select * from kinds order by id"):to_json() end

  local function text_of(rows) return (db:insert_into("kinds"):values(rows):to_sql()) end

  it("keeps arrays of every kind", function()
    local rows = {
      { id = 1, [quoted] = { "a,b", 'q"', null, "NULL", "{", "\\", "" }, numbers = { { 1, 2 }, { 3, null } },
        prices = { "1.10", "NaN" }, docs = { moonpool.object { a = { 1 } } }, label = { "x" },
        homes = { moonpool.composite { "Main, St", 1 } } },
      { id = 2, [quoted] = moonpool.array {}, numbers = null, prices = { { { "2.5" } } }, docs = null, label = null,
        homes = { moonpool.composite { "b", null }, null } },
    }
    db:insert_into("kinds"):values(rows, { batch = "unnest" }):exec()
    local together = stored()
    db:exec "truncate kinds"
    for _, row in ipairs(rows) do db:insert_into("kinds"):values(row):exec() end
    assert.equal(stored(), together)
    assert.equal('a,b|q"|nil|NULL|{|\\|', table.concat((function()
      local list = {}
      for i, item in ipairs(db:query('select "T""ags" from kinds where id = 1'):scalar()) do
        list[i] = item == null and "nil" or item
      end
      return list
    end)(), "|"))
  end)

  it("keeps bounds that do not begin at 1", function()
    local list = db:query("select '[0:1]={5,6}'::int[]"):scalar()
    db:insert_into("kinds"):values({ { id = 1, numbers = list }, { id = 2, numbers = { 1 } } }):exec()
    assert.equal("[0:1]", db:query("select array_dims(numbers) from kinds where id = 1"):scalar())
  end)

  it("is one text for any number of rows", function()
    local function rows(n)
      local list = {}
      for i = 1, n do list[i] = { id = i, numbers = i % 2 == 0 and { i, i } or null, name = "n" } end
      return list
    end
    assert.equal(text_of(rows(2)), text_of(rows(500)))
    assert.equal(500, db:insert_into("kinds"):values(rows(500)):exec())
    assert.equal(250, db:query("select count(*) from kinds where cardinality(numbers) = 2"):scalar())
  end)

  it("takes columns that are NULL in every row, whatever their type", function()
    db:insert_into("kinds"):values({
      { id = 1, [quoted] = null, home = null, doc = null, span = null }, { id = 2, [quoted] = null, home = null, doc = null,
        span = null } }):exec()
    assert.equal(2, db:from("kinds"):where { home = null, doc = null } :count())
    db:insert_into("kinds"):values({ { home = null, name = null }, { home = null, name = null } }):exec()
    assert.equal(4, db:from("kinds"):count())
  end)

  it("sends composite values one by one", function()
    db:insert_into("kinds"):values({ { id = 1, home = moonpool.composite { "a", 1 } }, { id = 2, home = null } }):exec()
    assert.equal("a", db:query("select (home).street from kinds where id = 1"):scalar())
    local e = database.refusal(function()
      db:insert_into("kinds"):values({ { home = moonpool.composite { "a", 1 } }, { home = null } }, { batch = "unnest" })
    end)
    assert.matches("cannot travel as arrays", e.message)
  end)

  it("stores no list in a document that was not meant as one", function()
    assert.has_error(function()
      db:insert_into("kinds"):values({ { id = 1, doc = { 1, 2 } }, { id = 2, doc = { 3 } } }):exec()
    end)
    db:insert_into("kinds"):values({ { id = 1, doc = moonpool.json { 1, 2 } }, { id = 2, doc = { a = 3 } } }):exec()
    assert.equal(2, db:query("select doc->1 from kinds where id = 1"):scalar())
    assert.has_error(function()
      db:insert_into("kinds"):values({ { label = { "1", "2", "3", "4", "5", "6", "7", "8", "9" } }, { label = { "1" } } })
        :exec()
    end)
  end)

  it("stores what rows sent one by one store, whatever they are", function()
    local words = { "", "NULL", "null", '"', "\\", "{}", "a,b", " x ", "ü", "'" }
    for seed = 1, 150 do
      local dice = model.dice(seed)
      local function list(item, depth)
        local made = {}
        for i = 1, dice:upto(3) do made[i] = depth > 1 and false or (dice:chance(20) and null or item()) end
        if depth > 1 then
          local width = dice:upto(2)
          for i = 1, #made do
            made[i] = {}
            for k = 1, width do made[i][k] = item() end
          end
        end
        return dice:chance(10) and moonpool.array {} or made
      end
      local makers = {
        [quoted] = function() return list(function() return dice:pick(words) end, dice:upto(2)) end,
        numbers = function() return list(function() return dice:upto(9) end, dice:upto(2)) end,
        docs = function() return list(function() return moonpool.object { [dice:pick(words)] = dice:pick(words) } end, 1) end,
        doc = function() return moonpool.object { [dice:pick(words)] = dice:upto(5) } end,
        label = function() return list(function() return dice:pick(words) end, 1) end,
        span = function() return moonpool.range(dice:upto(3), 3 + dice:upto(3)) end,
        name = function() return dice:pick(words) end,
      }
      local chosen, rows = {}, {}
      for _, name in ipairs { quoted, "numbers", "docs", "doc", "label", "span", "name" } do
        if dice:chance(60) then chosen[#chosen + 1] = name end
      end
      for i = 1, 1 + dice:upto(4) do
        rows[i] = { id = i }
        for _, name in ipairs(chosen) do rows[i][name] = dice:chance(30) and null or makers[name]() end
      end
      db:exec "truncate kinds"
      db:insert_into("kinds"):values(rows, { batch = "unnest" }):exec()
      local together = stored()
      db:exec "truncate kinds"
      for _, row in ipairs(rows) do db:insert_into("kinds"):values(row):exec() end
      assert.equal(stored(), together, "seed " .. seed)
    end
  end)
end)
