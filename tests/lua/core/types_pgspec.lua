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
    assert.equal("9007199254740993", db:query([[select '9007199254740993'::jsonb]]):scalar())
  end)

  it("have decoders under the OIDs that the server uses", function()
    local codec = require("moonpool.core.types").codec()
    local read = {}
    for oid in pairs(codec.decoders) do read[#read + 1] = oid end
    local answer = db:query([[select t.oid::int8 as oid, t.typname as name, e.typarray::int8 as back from pg_type t
      left join pg_type e on e.oid = t.typelem where t.oid = any(?::oid[])]], read)
    assert.equal(#read, answer:count())
    for row in answer:each() do
      if row.name:sub(1, 1) == "_" then assert.equal(row.oid, row.back, row.name) end
    end
    local missing = db:query([[select string_agg(typname, ' ' order by typname) from pg_type
      where typnamespace = 'pg_catalog'::regnamespace and typcategory = 'A' and typelem <> 0
        and typname ~ '^_(bool|bytea|int|text|varchar|float|num|json|date|time|uuid|interval|inet)'
        and typname !~ 'vector|range' and not oid = any(?::oid[])]], read):scalar()
    assert.is_nil(missing)
  end)

  it("read a domain as what it is made of, and an enum as text", function()
    db:script [[drop domain if exists core_age; create domain core_age as int;
      drop type if exists core_mood; create type core_mood as enum ('ok', 'bad')]]
    assert.equal(7, db:query("select 7::core_age"):scalar())
    assert.equal("ok", db:query("select ?::core_mood", "ok"):scalar())
    db:script "drop domain core_age; drop type core_mood"
  end)
end)
