local database = require "database"
local moonpool = require "moonpool"
local rows = require "moonpool.core.rows"

local refusal = database.refusal

describe("a result", function()
  local db, three

  setup(function()
    db = database.connect()
    three = "select i as id, 'n' || i as name, case when i <> 2 then i * 10 end as ten from generate_series(1, 3) i"
  end)
  teardown(function() db:close() end)

  it("is walked over lazily", function()
    local seen = {}
    for row in db:query(three):each() do seen[#seen + 1] = row.name .. ":" .. row.id .. ":" .. tostring(row.ten) end
    assert.same({ "n1:1:10", "n2:2:nil", "n3:3:30" }, seen)
    for _ in db:query("select 1 where false"):each() do error "no row was expected" end
  end)

  it("may be left early and walked again", function()
    local answer, n = db:query(three), 0
    for row in answer:each() do if row.id == 2 then break end end
    for _ in answer:each() do n = n + 1 end
    assert.equal(3, n)
  end)

  it("numbers its rows", function()
    local list = {}
    for i, row in db:query(three):pairs() do list[i] = row.id end
    assert.same({ 1, 2, 3 }, list)
  end)

  it("outlives nothing that a row still needs", function()
    local kept
    for row in db:query("select repeat('x', 100000) as big, 7 as n"):each() do kept = row end
    for _ = 1, 50 do
      db:query "select repeat('y', 100000)"
      collectgarbage()
    end
    assert.equal(7, kept.n)
    assert.equal(("x"):rep(100000), kept.big)
  end)

  it("has fields by name and by position", function()
    for row in db:query(three):each() do
      assert.equal(row.id, row[1])
      assert.equal(row.name, row[2])
    end
    local first = db:query(three):first()
    assert.equal("n1", first[2])
    assert.equal("n1", first.name)
  end)

  it("answers a wrong name with the near one", function()
    for row in db:query(three):each() do
      local e = refusal(function() return row.nmae end)
      assert.equal('there is no column "nmae" in this row (did you mean "name"?); it has id, name, ten', e.message)
      assert.matches("there is no column 4 in a row of 3", refusal(function() return row[4] end).message)
      assert.is_nil(row.__tojson)
    end
    for _, row in ipairs { db:query(three):first(), db:query(three):all()[2] } do
      assert.matches('no column "tne".*did you mean "ten"', refusal(function() return row.tne end).message)
      assert.matches("there is no column 0", refusal(function() return row[0] end).message)
    end
    assert.is_nil(db:query(three):all()[2].ten)
  end)

  it("copies rows into tables", function()
    local list = db:query(three):all()
    assert.equal(3, #list)
    local copy = {}
    for name, value in pairs(list[1]) do copy[name] = value end
    assert.same({ id = 1, name = "n1", ten = 10 }, copy)
    assert.same({ id = 2, name = "n2" }, moonpool.to_table(list[2]))
    list[1].extra = "mine"
    assert.equal("mine", list[1].extra)
    for row in db:query(three):each() do assert.is_nil(getmetatable(moonpool.to_table(row))) end
    local own = {}
    assert.equal(own, moonpool.to_table(own))
  end)

  it("gives the first, the one, the scalar, a column", function()
    local answer = db:query(three)
    assert.equal(1, answer:first().id)
    assert.equal(1, answer:scalar())
    assert.same({ "n1", "n2", "n3" }, (answer:column "name"))
    assert.same({ 1, 2, 3 }, (answer:column()))
    local tens, n = answer:column "ten"
    assert.equal(3, n)
    assert.same({ [1] = 10, [3] = 30 }, tens)
    assert.same({ "n1/1", "n2/2", "n3/3" }, answer:map(function(row, i) return row.name .. "/" .. i end))
    assert.equal("no column nam", refusal(answer.column, answer, "nam").message:match "no column nam")
    assert.equal("too_many_rows", refusal(answer.one, answer).kind)
    assert.equal("no_data_found", refusal(function() return db:query("select 1 where false"):one() end).kind)
    assert.equal(5, db:query("select 5 as five"):one().five)
    assert.is_nil(db:query("select null"):scalar())
    assert.is_nil(db:query("select 1 where false"):scalar())
    assert.is_nil(db:query("select 1 where false"):first())
    assert.same({}, db:query("select 1 where false"):all())
  end)

  it("tells what it is", function()
    local answer = db:query(three)
    assert.equal(3, answer:count())
    assert.equal("SELECT 3", answer.tag)
    assert.equal(3, answer.affected)
    assert.is_string(answer.node)
    local columns = answer:columns()
    assert.same({ "id", "name", "ten" }, { columns[1].name, columns[2].name, columns[3].name })
    assert.equal(23, columns[1].type)
    assert.equal(25, columns[2].type)
    assert.equal("10", answer:text(1, 3))
    assert.is_nil(answer:text(2, 3))
    assert.has_error(function() answer:text(4, 1) end)
    assert.is_true(rows.is_result(answer))
    local nothing = db:query "set application_name = 'x'"
    assert.equal("SET", nothing.tag)
    assert.equal(0, nothing:count())
    assert.equal("SET", tostring(nothing))
    assert.is_nil(nothing:scalar())
  end)

  it("lets the last of two equal names win and keeps the other by position", function()
    local row = db:query("select 1 as a, 2 as a"):first()
    assert.equal(2, row.a)
    assert.equal(1, row[1])
    assert.equal(2, row[2])
    for view in db:query("select 1 as a, 2 as a"):each() do
      assert.equal(2, view.a)
      assert.equal(1, view[1])
    end
  end)

  it("copes with any name and with very many columns", function()
    local row = db:query([[select 1 as "a b", 2 as "x""y", 3 as "end", 4 as "line
break", 5 as "\", 6 as "ü"]]):first()
    assert.same({ 1, 2, 3, 4, 5, 6 }, { row["a b"], row['x"y'], row["end"], row["line\nbreak"], row["\\"], row["ü"] })
    local list = {}
    for i = 1, 1600 do list[i] = i .. " as c" .. i end
    local wide = db:query("select " .. table.concat(list, ", ")):first()
    assert.equal(1, wide.c1)
    assert.equal(1600, wide.c1600)
    for view in db:query("select " .. table.concat(list, ", ")):each() do assert.equal(800, view.c800) end
  end)

  it("follows a table whose columns change under the same statement", function()
    db:script "drop table if exists core_shape; create table core_shape (a int)"
    db:exec "insert into core_shape values (1)"
    assert.equal(1, db:query("select * from core_shape"):first().a)
    db:exec "alter table core_shape rename a to b"
    assert.equal(1, db:query("select * from core_shape"):first().b)
    db:exec "alter table core_shape alter b type text"
    assert.equal("1", db:query("select * from core_shape"):first().b)
    db:exec "alter table core_shape add c int default 3"
    assert.equal(3, db:query("select * from core_shape"):first().c)
    db:exec "drop table core_shape"
  end)

  it("draws itself", function()
    assert.equal(table.concat({
      " id │ name │ ten",
      "────┼──────┼─────",
      "  1 │ n1   │  10",
      "  2 │ n2   │",
      "  3 │ n3   │  30",
      "(3 rows)",
    }, "\n"), tostring(db:query(three)))
    assert.equal('{ id = 1, name = "n1", ten = 10 }', tostring(db:query(three):first()))
    for row in db:query("select 2 as id, null as ten, array[1,2] as list"):each() do
      assert.equal("{ id = 2, ten = nil, list = [1,2] }", tostring(row))
    end
    local text = tostring(db:query "select E'a\\x1b[31mb' as c, repeat('ü', 100) as long")
    assert.is_nil(text:find "\27")
    assert.matches("…", text)
    assert.matches("%(60 rows, the first 50 shown%)$", tostring(db:query "select generate_series(1, 60)"))
  end)

  it("does not outgrow the machine in a loop", function()
    if os.getenv "MOONPOOL_PRELOAD" then return pending "a sanitizer keeps what was freed" end
    local function resident()
      for line in io.lines "/proc/self/status" do
        local kb = line:match "^VmRSS:%s+(%d+)"
        if kb then return tonumber(kb) end
      end
    end
    for _ = 1, 20 do db:query "select repeat('x', 4000000)" end
    local before = resident()
    for _ = 1, 200 do db:query "select repeat('x', 4000000)" end
    assert.is_true(resident() - before < 200 * 1024, ("grew by %d KiB"):format(resident() - before))
  end)
end)

describe("a result, as people hold it", function()
  local db, two

  setup(function()
    db = database.connect()
    two = "select i as id, 'n' || i as name, case when i = 1 then 2.50 end as price from generate_series(1, 2) i"
  end)
  teardown(function() db:close() end)

  it("has a length and its rows by number", function()
    local rows_ = db:query(two)
    assert.equal(2, #rows_)
    assert.equal(0, #db:query("select 1 where false"))
    assert.equal("n2", rows_[2].name)
    assert.is_nil(rows_[3])
    assert.is_nil(rows_[0])
    assert.is_nil(rows_[1.5])
    local seen = {}
    for i = 1, #rows_ do seen[i] = rows_[i].id end
    assert.same({ 1, 2 }, seen)
    assert.is_nil(rows_.__tojson)
  end)

  it("answers a wrong method with the near one, and a dot with the colon", function()
    local rows_ = db:query(two)
    assert.matches('a result has no frist %(did you mean "first"%?%)', refusal(function() rows_:frist() end).message)
    assert.matches("rows:each%(…%), got a nil", refusal(rows_.each).message)
    assert.matches('no column nam %(did you mean "name"%?%)', refusal(rows_.column, rows_, "nam").message)
    assert.matches("map takes a function", refusal(rows_.map, rows_, 1).message)
  end)

  it("leaves the collector running, whatever happens while many rows are read", function()
    local mine = database.connect { types = { text = function(text)
      if text == "n1500" then error "no" end
      return text
    end } }
    assert.equal(1400, #mine:query("select 'n' || i as name from generate_series(1, 1400) i"):all())
    assert.is_true(collectgarbage "isrunning")
    assert.is_false((pcall(function() mine:query("select 'n' || i as name from generate_series(1, 2000) i"):all() end)))
    assert.is_true(collectgarbage "isrunning")
    collectgarbage "stop"
    assert.equal(1400, #mine:query("select 'n' || i as name from generate_series(1, 1400) i"):all())
    assert.is_false(collectgarbage "isrunning")
    collectgarbage "restart"
    mine:close()
  end)

  it("maps without holes", function()
    assert.same({ "2.50" }, db:query(two):map(function(row) return row.price end))
  end)

  it("is JSON, number by number", function()
    assert.equal('[{"id":1,"name":"n1","price":2.50},{"id":2,"name":"n2","price":null}]', db:query(two):to_json())
    assert.equal("[]", db:query("select 1 where false"):to_json())
    local odd = db:query [[select 9223372036854775807 as big, 'NaN'::numeric as nan, 'Infinity'::float8 as inf, 1e20::float8 as f,
      '{"b": 1, "a": [1.10]}'::json as doc, array[1, null] as list, 'a"b' as "q""uote", true as yes, '\xff'::bytea as bytes,
      '2026-01-02 03:04:05'::timestamp as t, 1 as twice, 2 as twice]]
    local text = [[{"big":9223372036854775807,"nan":"NaN","inf":"Infinity","f":1e+20,"doc":{"b": 1, "a": [1.10]},]]
      .. [["list":[1,null],"q\"uote":"a\"b","yes":true,"bytes":"\\xff","t":"2026-01-02T03:04:05","twice":2}]]
    assert.equal("[" .. text .. "]", odd:to_json())
    assert.equal(text, odd[1]:to_json())
    assert.equal(1, db:query("select json_array_length(?::json)", moonpool.json(moonpool.json_decode(odd:to_json()))):scalar())
    local first = odd:first()
    assert.matches('"big":9223372036854775807,"nan":"NaN","inf":"Infinity"', first:to_json())
    assert.matches('"price":2.50', db:query(two):first():to_json())
  end)

  it("gives rows that can be copied and walked in order", function()
    local view = db:query(two)[1]
    for _, row in ipairs { view, view:copy(), db:query(two):first() } do
      local names, values, n = {}, {}, 0
      for name, value in row:pairs() do
        n = n + 1
        names[n], values[n] = name, value
      end
      assert.same({ "id", "name", "price" }, names)
      assert.same({ 1, "n1", "2.50" }, values)
      local copy = row:copy()
      assert.is_false(rawequal(copy, row))
      assert.equal("2.50", rawget(copy, "price"))
      assert.matches("did you mean", refusal(function() return copy.nmae end).message)
    end
    local kept = db:query("select 1 as a, 2 as a"):first():copy()
    assert.equal(1, kept[1])
    assert.equal(2, kept.a)
    local n = 0
    for _ in db:query(two)[2]:pairs() do n = n + 1 end
    assert.equal(3, n)
  end)

  it("lets columns be called as methods are", function()
    local row = db:query("select 1 as copy, null as to_json"):first()
    assert.equal(1, row.copy)
    assert.is_nil(row.to_json)
    assert.equal(1, db:query("select 1 as copy")[1].copy)
  end)

  it("lets go of the result when the copy is all that is kept", function()
    local gone = setmetatable({}, { __mode = "k" })
    local kept
    do
      local rows_ = db:query "select repeat('x', 1000) as x"
      gone[rows_] = true
      kept = rows_[1]:copy()
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(gone))
    assert.equal(1000, #kept.x)
  end)
end)
