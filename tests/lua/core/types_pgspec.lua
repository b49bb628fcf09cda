local database = require "database"
local moonpool = require "moonpool"

describe("values", function()
  local db

  setup(function() db = database.connect() end)
  teardown(function() db:close() end)

  -- What came back from the server for a value sent as that type.
  local function trip(type, value)
    return db:query("select ?::" .. type .. " as v", value):scalar()
  end

  local null = moonpool.null

  it("come back as they were sent", function()
    for _, case in ipairs {
      { "int2", -32768 }, { "int2", 32767 }, { "int4", -2147483648 }, { "int4", 0 },
      { "int8", 9007199254740991 }, { "int8", -9007199254740992 }, { "int8", "9007199254740993" },
      { "int8", "-9223372036854775808" }, { "float8", 0.1 }, { "float8", -1.5e300 }, { "float8", 5e-324 },
      { "float8", 0.30000000000000004 }, { "float4", 1.5 }, { "float8", math.huge }, { "float8", -math.huge },
      { "numeric", "12345678901234567890.123456789012345678901234567890" }, { "numeric", "1.500" },
      { "numeric", "NaN" }, { "bool", true }, { "bool", false }, { "text", "" }, { "text", "héllo ☃ 😀" },
      { "text", "'; drop table users; --" }, { "text", "line\nbreak\ttab\\" }, { "varchar(5)", "abc" },
      { "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11" }, { "date", "2026-01-02" }, { "date", "infinity" },
      { "time", "03:04:05.123456" }, { "timestamp", "2026-01-02T03:04:05.678" }, { "timestamp", "-infinity" },
      { "interval", "1 day 02:03:04" }, { "inet", "10.0.0.1" }, { "point", "(1,2)" }, { "int4range", "[1,5)" },
      { "timestamptz", "infinity" },
    } do
      assert.equal(case[2], trip(case[1], case[2]), case[1])
    end
    local nan = trip("float8", 0 / 0)
    assert.is_true(nan ~= nan)
    assert.is_nil(trip("text", nil))
    assert.is_nil(trip("text", null))
  end)

  it("send 64-bit integers of the FFI exactly", function()
    assert.equal("9223372036854775807", trip("int8", 9223372036854775807LL))
    assert.equal("18446744073709551615", trip("numeric", 18446744073709551615ULL))
  end)

  it("read instants as ISO 8601 in the session's zone", function()
    db:transaction(function(tx)
      tx:exec "set local time zone 'UTC'"
      local function now(text) return tx:query("select ?::timestamptz", text):scalar() end
      assert.equal("2026-01-02T03:04:05.678+00:00", now "2026-01-02 03:04:05.678+00")
      assert.equal("2026-01-02T03:04:05+00:00", now "2026-01-02T03:04:05+00:00")
      assert.equal("12026-01-02T03:04:05+00:00", now "12026-01-02 03:04:05+00")
      tx:exec "set local time zone 'Asia/Kolkata'"
      assert.equal("2026-01-02T08:34:05+05:30", now "2026-01-02T03:04:05+00:00")
      assert.equal("03:04:05+05:30", tx:query("select '03:04:05+05:30'::timetz"):scalar())
      assert.equal("03:04:05+05:00", tx:query("select '03:04:05+05'::timetz"):scalar())
      tx:exec "set local time zone 'Europe/Amsterdam'"
      assert.matches("^1800%-01%-01T00:00:00%+00:%d%d", now "1800-01-01 00:00:00")
      tx:exec "set local datestyle = 'SQL, DMY'"
      assert.matches("^02/01/2026", now "2026-01-02 03:04:05+00")
    end)
  end)

  it("carry every byte as bytea", function()
    local every = {}
    for i = 0, 255 do every[i + 1] = string.char(i) end
    every = table.concat(every)
    assert.equal(every, trip("bytea", moonpool.bytea(every)))
    assert.equal("", trip("bytea", moonpool.bytea ""))
    db:transaction(function(tx)
      tx:exec "set local bytea_output = 'escape'"
      assert.equal(every, tx:query("select ?::bytea", moonpool.bytea(every)):scalar())
    end)
  end)

  it("are arrays on both sides", function()
    for _, case in ipairs {
      { "int4[]", { 1, 2, null } }, { "int8[]", { 1, "9007199254740993" } },
      { "text[]", { "a,b", 'c"d', "e\\f", "NULL", "", "{}", null } },
      { "float8[]", { 0.1, math.huge } }, { "bool[]", { true, false, null } }, { "int4[]", { { 1, 2 }, { 3, 4 } } },
      { "text[]", { { { "x" }, { "y z" } } } }, { "uuid[]", { "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11" } },
      { "numeric[]", { "1.50", "NaN" } }, { "date[]", { "2026-01-02" } }, { "timestamp[]", { "2026-01-02T03:04:05" } },
      { "jsonb[]", { moonpool.object { a = moonpool.array { 1 } }, moonpool.object {} } }, { "varchar[]", { "x" } },
      { "interval[]", { "1 day" } }, { "inet[]", { "10.0.0.1" } }, { "name[]", { "n" } },
    } do
      assert.same(case[2], trip(case[1], moonpool.array(case[2])), case[1])
    end
    assert.same({}, trip("int4[]", moonpool.array {}))
    assert.same({ 1 }, trip("int4[]", { 1 }))
    assert.same({ "\0\255" }, trip("bytea[]", { moonpool.bytea "\0\255" }))
    assert.same({ 7, 8 }, db:query("select '[2:3]={7,8}'::int4[]"):scalar())
    assert.equal(0, db:query("select cardinality(?::int4[])", trip("int4[]", moonpool.array {})):scalar())
  end)

  it("are documents on both sides", function()
    local value = {
      a = { 1, null, { b = true } }, empty_list = moonpool.array {}, empty_map = moonpool.object {}, s = "é\n\"",
    }
    for _, type in ipairs { "json", "jsonb" } do
      local back = trip(type, value)
      assert.same({ 1, null, { b = true } }, back.a)
      assert.equal("é\n\"", back.s)
      assert.equal('{"a":[1,null,{"b":true}],"empty_list":[],"empty_map":{},"s":"é\\n\\""}', moonpool.json_encode(back))
      assert.equal("array", db:query("select jsonb_typeof((?::jsonb)->'empty_list')", back):scalar())
      assert.equal("object", db:query("select jsonb_typeof((?::jsonb)->'empty_map')", back):scalar())
    end
    assert.equal("array", db:query("select jsonb_typeof(?::jsonb)", trip("jsonb", moonpool.json { 1, 2 })):scalar())
    assert.equal("text", trip("jsonb", moonpool.json "text"))
    assert.equal(null, trip("jsonb", moonpool.json(null)))
    local digits = db:query([[select '{"n": 9007199254740993, "x": 0.10000000000000000000000001, "y": 1e400}'::jsonb]])
    assert.equal("9007199254740993", tostring(digits:scalar().n))
    assert.is_true(db:query("select ?::jsonb = ?::jsonb", digits:scalar(), digits:text(1, 1)):scalar())
  end)

  it("have decoders under the OIDs that the server uses", function()
    local codec = require("moonpool.core.types").codec()
    local read = {}
    for oid in pairs(codec.base.decoders) do read[#read + 1] = oid end
    local answer = db:query([[select t.oid::int8 as oid, t.typname as name, e.typarray::int8 as back from pg_type t
      left join pg_type e on e.oid = t.typelem where t.oid = any(?::oid[])]], read)
    assert.equal(#read, answer:count())
    for row in answer:each() do
      if row.name:sub(1, 1) == "_" then assert.equal(row.oid, row.back, row.name) end
    end
    local missing = db:query([[select string_agg(typname, ' ' order by typname) from pg_type t
      where typnamespace = 'pg_catalog'::regnamespace and typcategory = 'A' and typelem <> 0
        and typname like E'\\_%' and (select typtype from pg_type e where e.oid = t.typelem) <> 'c' and not oid = any(?::oid[])]], read):scalar()
    assert.is_nil(missing)
    local builtin = require "moonpool.core.types.builtin"
    for name, oid in pairs(builtin.oids) do
      assert.equal(oid, db:query("select ?::regtype::oid::int8", name):scalar(), name)
    end
    for range, of in pairs(builtin.subtypes) do
      assert.equal(of, db:query("select rngsubtype::int8 from pg_range where ? in (rngtypid::int8, rngmultitypid::int8)",
        range):scalar())
    end
  end)

  it("read a domain as what it is made of, and an enum as text", function()
    db:script [[drop domain if exists core_age; create domain core_age as int;
      drop type if exists core_mood; create type core_mood as enum ('ok', 'bad')]]
    assert.equal(7, db:query("select 7::core_age"):scalar())
    assert.equal("ok", db:query("select ?::core_mood", "ok"):scalar())
    db:script "drop domain core_age; drop type core_mood"
  end)

  it("say what was meant where a list meets a document", function()
    local e = database.refusal(trip, "jsonb", { 1, 2 })
    assert.matches("for a JSON array say moonpool.json", e.hint, 1, true)
    assert.is_nil(database.refusal(trip, "jsonb", "{1,2}").hint)
    assert.matches("= any(?)", database.refusal(trip, "int", { 1, 2 }).hint, 1, true)
  end)
end)

describe("types of the database's own", function()
  local db, plain

  setup(function()
    plain = database.in_schema "own_types"
    plain:script [[
      create type mood as enum ('ok', 'so, so', 'bad');
      create domain small as int check (value < 100);
      create domain smalls as int[];
      create type inner_part as (n int8, at timestamptz);
      create type address as (street text, number int, tags text[], part inner_part, price numeric);
      create type span as range (subtype = float8);
      create table home (id int, a address, many address[], m mood[], s small[], s2 smalls, sp span, spm span_multirange);
    ]]
  end)
  before_each(function() db = nil end)
  after_each(function() if db then db:close() end end)
  teardown(function()
    plain:exec "drop schema own_types cascade"
    plain:close()
  end)

  local function with(types)
    db = moonpool.connect { primary = database.primary_in "own_types", types = types }
    return db
  end

  it("are arrays where they are arrays", function()
    assert.same({ "ok", "so, so" }, plain:query("select array['ok', 'so, so']::mood[]"):scalar())
    assert.same({ 1, 2, moonpool.null }, plain:query("select array[1, 2, null]::small[]"):scalar())
    assert.same({ 1, 2 }, plain:query("select '{1,2}'::smalls"):scalar())
    assert.same({ { "ok" }, { "bad" } }, plain:query_row("select '{{ok},{bad}}'::mood[] as m").m)
    assert.same({ "[1,2)" }, plain:query("select array[span(1, 2)]"):scalar())
    assert.equal("ok", plain:query("select 'ok'::mood"):scalar())
    assert.equal('("Main St",5,"{a,b}",,1.50)',
      plain:query("select row('Main St', 5, array['a','b'], null, 1.50)::address"):scalar())
  end)

  it("are asked about wherever the result came from", function()
    plain:transaction(function(tx)
      tx:exec "create type fresh as enum ('a', 'b')"
      assert.same({ "a", "b" }, tx:query("select array['a', 'b']::fresh[]"):scalar())
      tx:exec "create type fresher as enum ('c')"
      local r = tx:batch(function(b)
        b:add "select array['c']::fresher[]"
        b:add "select 1"
      end)
      assert.same({ "c" }, r[1]:scalar())
      local seen
      for row in tx:stream("select array['a']::fresh[] as list"):each() do seen = row.list end
      assert.same({ "a" }, seen)
      assert.same({ "b" }, tx:from(moonpool.raw "(values (array['b']::fresh[])) as v(x)"):scalar())
    end)
    assert.same({ "ok" }, plain:read_query_row("select array['ok']::mood[] as list").list)
    assert.same({ "bad" }, plain:script("select array['bad']::mood[]")[1]:scalar())
    local one = moonpool.connect { primary = database.primary_in "own_types", pool = { max = 1 } }
    assert.same({ "ok" }, one:batch(function(b) b:add "select array['ok']::mood[]" end, { atomic = false })[1]:scalar())
    one:close()
  end)

  it("read as the settings say, inside arrays as well, and are written back as they were", function()
    with {
      ["own_types.address"] = moonpool.composite, ["own_types.inner_part"] = moonpool.composite,
      ["own_types.span"] = moonpool.range, ["own_types.span_multirange"] = moonpool.multirange,
      ["own_types.mood"] = string.upper, numeric = moonpool.decimal, timestamptz = moonpool.time,
    }
    db:exec([[insert into home values (1, row('St. "A", \B', 5, array['x,y', null], row(9007199254740993,
      '2026-01-02 03:04:05+00'), 1.50), array[row('b', null, null, null, null)::address, null], '{ok,"so, so"}', '{1}',
      '{2,3}', span(1, 2.5), span_multirange(span(1, 2), span(3, null)))]])
    local row = db:query_row "select * from home"
    assert.equal('St. "A", \\B', row.a.street)
    assert.equal(5, row.a.number)
    assert.same({ "x,y", moonpool.null }, row.a.tags)
    assert.equal("9007199254740993", row.a.part.n)
    assert.equal(2026, row.a.part.at.year)
    assert.equal(moonpool.decimal "1.5", row.a.price)
    assert.equal("b", row.many[1].street)
    assert.is_nil(row.many[1].number)
    assert.equal(moonpool.null, row.many[2])
    assert.same({ "OK", "SO, SO" }, row.m)
    assert.equal(2.5, row.sp.upper)
    assert.is_true(row.sp:contains(1) and not row.sp:contains(2.5))
    assert.is_true(row.spm:contains(1e9))
    assert.equal("[1,2.5)", tostring(row.sp))
    assert.equal(1, db:exec([[insert into home (id, a, many, s, s2, sp, spm) values (2, ?, ?, ?, ?, ?, ?)]],
      row.a, row.many, row.s, row.s2, row.sp, row.spm))
    assert.equal(1, db:insert_into "home":values { id = 3, a = row.a, many = row.many, s = row.s, s2 = row.s2, sp = row.sp,
      spm = row.spm }:exec())
    assert.equal(0, db:query([[select count(*) from home x, home y where x.id = 1 and (x.a, x.many, x.s, x.s2, x.sp, x.spm)
      is distinct from (y.a, y.many, y.s, y.s2, y.sp, y.spm)]]):scalar())
    local mine = moonpool.composite { "c", 7, moonpool.array {}, moonpool.null, "2.5" }
    assert.equal(7, db:query("select (?::address).number", mine):scalar())
    assert.is_nil(db:query("select (?::address).part", mine):scalar())
    row.a.nubmer = 1
    assert.matches("no field nubmer", database.refusal(function() db:query("select ?::address", row.a) end).message)
    assert.equal('{"id":1,"street":"b"}', (db:query "select id, (many[1]).street from home where id = 1":to_json()
      :gsub("^%[(.*)%]$", "%1")))
  end)

  it("are PostgreSQL's own too", function()
    with { int4range = moonpool.range, datemultirange = moonpool.multirange, numeric = moonpool.decimal, int8 = "cdata",
      timestamptz = moonpool.time, date = moonpool.time, uuid = string.upper, point = function(text)
        local x, y = text:match "^%((.-),(.-)%)$"
        return { x = tonumber(x), y = tonumber(y) }
      end }
    local row = db:query_row [[select int4range(1, 5) as r, '{[2026-01-01,2026-01-03)}'::datemultirange as m, 1.10 as n,
      array[1.1, 2.20] as ns, '2026-01-02 03:04:05.678901+02'::timestamptz as t, '0044-03-15 BC'::date as d,
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as u, point(1.5, -2) as p, array[point(0, 1)] as ps, 7::int8 as i,
      'infinity'::timestamptz as e, 'NaN'::numeric as nan, int4range(null, 3) as half, 'empty'::int4range as nothing]]
    assert.equal(1, row.r.lower)
    assert.equal(2026, row.m[1].lower.year)
    assert.equal("1.10", tostring(row.n))
    assert.equal(moonpool.decimal "3.3", row.ns[1] + row.ns[2])
    assert.equal(678901, row.t.microsecond)
    assert.equal(-43, row.d.year)
    assert.equal("0044-03-15 BC", row.d:date())
    assert.equal("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", row.u)
    assert.equal(-2, row.p.y)
    assert.equal(1, row.ps[1].y)
    assert.equal(7LL, row.i)
    assert.equal(1, row.e.infinite)
    assert.equal("NaN", tostring(row.nan))
    assert.is_nil(row.half.lower)
    assert.is_true(row.nothing.empty)
    assert.is_true(db:query([[select ?::int4range = int4range(1, 5) and ?::datemultirange = '{[2026-01-01,2026-01-03)}'
      and ?::timestamptz = '2026-01-02 03:04:05.678901+02' and ?::date = '0044-03-15 BC' and ?::numeric[] = array[1.1, 2.20]
      and ?::int4range = int4range(null, 3) and ?::int4range = 'empty' and ?::numeric = 'NaN' and ?::timestamptz = 'infinity'
      ]], row.r, row.m, row.t, row.d, row.ns, row.half, row.nothing, row.nan, row.e):scalar())
    assert.equal(1, db:from(moonpool.raw "(values (1.10), (2.2)) as v(n)"):where { n = row.n }:count())
    assert.equal(1, db:from(moonpool.raw "(values (1.10), (2.2)) as v(n)"):where(moonpool.cond.in_("n", { row.n })):count())
  end)

  it("are named rightly or refused", function()
    local function refused(types) return database.refusal(moonpool.connect, { primary = "host=/x", types = types }).message end
    assert.matches('types knows no numerc %(did you mean "numeric"%?%); a type of your own is written with its schema',
      refused { numerc = tostring })
    assert.matches("takes a function that makes a value", refused { numeric = "text" })
    assert.matches('types.int8 takes "auto"', refused { int8 = "bigint" })
    with { ["own_types.mood"] = moonpool.composite }
    assert.matches("no composite type", database.refusal(db.query, db, "select 'ok'::own_types.mood").message)
    db:close()
    with { text = function() end }
    local r = db:query "select 'a'::text"
    assert.matches("gave nil", database.refusal(function() r:scalar() end).message)
  end)

  it("keep the bounds of arrays that begin elsewhere", function()
    for _, literal in ipairs { "[0:1]={1,2}", "[-1:0][5:6]={{1,2},{3,4}}", "{1,2}" } do
      local list = plain:query("select ?::int[]", literal):scalar()
      assert.equal(literal, plain:query("select ?::int[]::text", list):scalar())
    end
    local grown = plain:query("select '[0:1]={1,2}'::int[]"):scalar()
    grown[3] = 3
    assert.equal("{1,2,3}", plain:query("select ?::int[]::text", grown):scalar())
    assert.same({ "(1,1),(0,0)", "(2,2),(0,0)" }, plain:query("select array['(1,1),(0,0)', '(2,2),(0,0)']::box[]"):scalar())
  end)

  it("let a class of the user's write itself", function()
    local Money = { __to_param = function(m) return m.amount .. ".00" end }
    assert.equal("7.00", plain:query("select ?::numeric", setmetatable({ amount = 7 }, Money)):scalar())
    assert.same({ "1.00", "2.00" }, plain:query("select ?::numeric[]", { setmetatable({ amount = 1 }, Money),
      setmetatable({ amount = 2 }, Money) }):scalar())
    assert.matches("gives a string", database.refusal(function()
      plain:query("select ?", setmetatable({}, { __to_param = function() return 1 end }))
    end).message)
  end)

  it("let it ask the server for that", function()
    local asking = setmetatable({}, { __to_param = function()
      local many = {}
      for i = 1, 40 do many[i] = "inner" .. i end
      return plain:query("select ? || ?" .. (" || coalesce(null, '', ?)"):rep(38), unpack(many)):scalar():sub(1, 12)
    end })
    local row = plain:query_row("select ?::text as a, ?::text as b, ?::text as c, ?::text as d", "first", asking, "third", 4)
    assert.same({ "first", "inner1inner2", "third", "4" }, { row.a, row.b, row.c, row.d })
    local results = plain:batch(function(b)
      b:add("select ?::text || ?", "x", "y")
      b:add("select ?::text || ?", asking, "z")
    end)
    assert.equal("xy", results[1]:scalar())
    assert.equal("inner1inner2z", results[2]:scalar())
  end)

  it("say what to do with a list where one value is meant", function()
    local function hint(...)
      local e = database.refusal(plain.query, plain, ...)
      assert.equal(e.hint ~= nil, tostring(e):find("HINT: " .. (e.hint or ""), 1, true) ~= nil)
      return e.hint or "none"
    end
    assert.matches("= any%(%?%)", hint("select 1 where 1 in (?)", { 1, 2 }))
    assert.matches("one by one", hint("select ?::int", { 1, 2 }))
    assert.equal("none", hint "select 'x'::int")
    assert.matches("db:script", hint "select 1; select 2")
  end)
end)
