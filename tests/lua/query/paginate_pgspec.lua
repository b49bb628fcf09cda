-- Pages against a server: every order, both directions, nulls and ties; keysets by hand.

local database = require "database"
local moonpool = require "moonpool"

local c, raw, null = moonpool.cond, moonpool.raw, moonpool.null

describe("pages", function()
  local db

  setup(function()
    db = database.in_schema "pages"
    db:script [[
      create table items (id int primary key, a int, b text collate "C", t timestamptz, n numeric);
      insert into items select i, case when i % 4 > 0 then i % 3 end, case when i % 5 > 0 then chr(97 + i % 4) end,
        timestamptz '2026-01-01 00:00:00.000001+00' + (i % 7) * interval '1 microsecond',
        (i % 3)::numeric / 7 from generate_series(1, 57) as i;
      create view everything as select * from items;
    ]]
  end)

  teardown(function()
    db:exec "drop schema pages cascade"
    db:close()
  end)

  local function ids(rows)
    local list = {}
    for i, row in ipairs(rows) do list[i] = row.id end
    return list
  end

  -- Walks forward to the end and back to the beginning; every page must be what the whole order says.
  local function walk(q, size, settings)
    local whole = ids(q:all())
    local forward, cursor, pages = {}, nil, 0
    local last
    repeat
      local options = { size = size, cursor = cursor }
      for key, value in pairs(settings or {}) do options[key] = value end
      last = q:paginate(options)
      for _, id in ipairs(ids(last.rows)) do forward[#forward + 1] = id end
      cursor = last.next
      pages = pages + 1
      assert.is_true(pages < 100)
    until not cursor
    assert.same(whole, forward)
    assert.equal(math.max(1, math.ceil(#whole / size)), pages)
    local backward = ids(last.rows)
    while last.previous do
      local options = { size = size, cursor = last.previous }
      for key, value in pairs(settings or {}) do options[key] = value end
      last = q:paginate(options)
      local page = ids(last.rows)
      for i = #page, 1, -1 do table.insert(backward, 1, page[i]) end
      assert.is_true(#backward < 200)
      if #page > 0 then assert.is_string(last.next) end
    end
    assert.same(whole, backward)
  end

  it("cover every order in both directions", function()
    local items = db:from "items"
    for _, order in ipairs {
      { "id" }, { "id desc" }, { "a", "id" }, { "a desc", "id" }, { "a desc", "id desc" }, { "a nulls first", "id desc" },
      { "a desc nulls last", "b", "id" }, { "b", "a desc", "id" }, { "t desc", "id" }, { "n", "t", "id" },
      { "b desc nulls last", "a nulls first", "n desc", "id desc" },
    } do
      for _, size in ipairs { 1, 7, 57, 100 } do
        if size > 1 or #order < 3 then walk(items:order_by(unpack(order)), size) end
      end
    end
    walk(items:order_by({ raw "a + length(b)", "desc" }, "id"), 10)
    walk(items:order_by({ raw("coalesce(a, ?)", 9), "asc", nulls = "first" }, "id"):where(c.gt("id", 5)), 6)
    walk(items:order_by("t", "id"), 9, { not_null = true })
    walk(items:order_by("a", "id"):where { id = -1 }, 5)
  end)

  it("cover joins, groups, unions and renamed columns", function()
    walk(db:from("items x"):join("items y", { using = "id" }):select("x.id", "y.b"):order_by("y.b desc", "x.id"), 8)
    walk(db:from("items"):select { "b", id = raw "max(id)" }:group_by("b"):order_by("id desc"), 2)
    walk(db:from("items"):select { "id", up = raw "upper(b)" }:order_by("up", "id"), 11)
    walk(db:from("items"):select("id"):where("id < 20"):union(db:from("items"):select("id"):where("id > 10"))
      :order_by "id", 9)
    walk(db:from("items"):select("id", "a"):distinct():order_by("a desc", "id"), 13)
    walk(db:from("items"):select { "id", place = raw("row_number()"):over { order_by = "id desc" } }:order_by("place"), 10)
    walk(db:with("few", db:from("items"):where("id < 9")):from("few"):order_by "id", 4)
  end)

  it("leave no trace in the rows, which stay strict", function()
    local row = db:from("items"):where({ id = 1 }):order_by("b", "id"):paginate({ size = 1 }).rows[1]
    local names = {}
    for name in pairs(row) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "a", "b", "id", "n", "t" }, names)
    assert.truthy(database.refusal(function() return row.nme end).message:find('no column "nme"', 1, true))
    assert.equal(1, row:copy().id)
    assert.matches('^{"id":1,', row:to_json())
    assert.equal(row.id, row[1])
    local page = db:from("items"):select("id"):order_by("id"):paginate { size = 10, total = true }
    assert.equal(57, page.total)
    assert.equal(10, page.size)
    assert.is_nil(page.previous)
  end)

  it("refuse cursors of another order, another query, or nobody", function()
    local q = db:from("items"):order_by("a", "id")
    local cursor = q:paginate({ size = 3 }).next
    local function kind(other, given)
      return database.refusal(function() other:paginate { cursor = given } end).kind
    end
    assert.equal("invalid_cursor", kind(db:from("items"):order_by("a desc", "id"), cursor))
    assert.equal("invalid_cursor", kind(db:from("everything"):order_by("a", "id"), cursor))
    assert.equal("invalid_cursor", kind(q, cursor .. "A"))
    assert.equal("invalid_cursor", kind(q, "' or 1=1 --"))
    assert.equal("invalid_cursor", kind(q, 7))
    -- The values of its conditions may differ: the page goes on from the same place.
    assert.equal(3, #q:where(c.gt("id", 1)):paginate({ size = 3,
      cursor = q:where(c.gt("id", 0)):paginate({ size = 3 }).next }).rows)
    assert.equal("usage", kind(db:from "items", nil))
    assert.equal("usage", database.refusal(function() q:limit(3):paginate() end).kind)
    assert.equal("usage", database.refusal(function() q:paginate { size = 0 } end).kind)
    assert.equal("usage", database.refusal(function() q:paginate { page = 2 } end).kind)
  end)

  it("go by hand with after and before", function()
    local items = db:from("items"):order_by("a desc nulls last", "b", "id")
    local all = items:all()
    local whole = ids(all)
    for i = 1, #all do
      local row = all[i]
      local key = { a = row.a == nil and null or row.a, b = row.b == nil and null or row.b, id = row.id }
      assert.same({ unpack(whole, i + 1) }, ids(items:after(key):all()))
      assert.same({ unpack(whole, 1, i - 1) }, ids(items:before(key):all()))
      assert.same({ unpack(whole, i + 1, i + 3) }, ids(items:after(key):limit(3):all()))
      assert.same({ unpack(whole, math.max(1, i - 3), i - 1) }, ids(items:before(key):limit(3):all()))
      assert.equal(whole[1] ~= row.id and whole[1] or nil, (items:before(key):first() or {}).id)
      assert.equal(i > 1 and whole[math.max(1, i - 2)] or nil, (items:before(key):limit(2):first() or {}).id)
      assert.equal(i - 1, items:before(key):count())
      assert.equal(i > 1 and whole[i - 1] or nil, (items:before(key):last() or {}).id)
    end
  end)

  it("use an index where they can", function()
    db:script "create index on items (t desc, id desc); set enable_seqscan = off"
    local plan = db:transaction(function(tx)
      tx:exec "set local enable_seqscan = off"
      tx:exec "set local enable_bitmapscan = off"
      return tx:from("items"):order_by("t desc", "id desc"):after({ t = "2026-01-01", id = 3 }):limit(3):explain()
    end)
    assert.truthy(plan:find("Index Cond: (ROW(t, id) < ROW", 1, true), plan)
  end)
end)
