local sql_text = require "moonpool.console.sql_text"

describe("is_sql", function()
  local sql = {
    "select 1", "SELECT 1", "select", "with a as (select 1) select * from a", "insert into t values (1)",
    "update t set a = 1", "delete from t", "begin", "begin;", "commit", "end;", "rollback to x",
    "(select 1) union select 2", "begin; select 1",
    "values (1)", "values(1)", "table users", "explain select 1", "show server_version", "set search_path = a",
    "do $$ begin end $$", "do language plpgsql $$ $$", "-- a comment\nselect 1", "/* c */ select 1", "analyze",
    "copy t to stdout", "select;", "select\n1",
  }
  for _, text in ipairs(sql) do
    it("takes for SQL: " .. text, function() assert.is_true(sql_text.is_sql(text)) end)
  end

  local lua = {
    "select('#', 1, 2)", "update = 1", "show.x = 2", "show:all()", "table.concat({})", "x = 1",
    "db:query 'select 1'",
    "do local x = 1 end", "do print(1) end", "return 1", "for i = 1, 2 do end", "set, get = 1, 2", "1 + 1", "", "end",
    "local select_all = 1", "selects", "(f or g)(x)", "copy", "listen",
  }
  for _, text in ipairs(lua) do
    it("leaves to Lua: " .. text, function() assert.is_false(sql_text.is_sql(text)) end)
  end
end)

describe("read", function()
  local function ending(text) return sql_text.read(text).ending end

  it("finds the semicolon that ends the first statement", function()
    -- The statement that must be found, and what stands behind it.
    for _, case in ipairs {
      { "select 1;", " select 2" }, { "select ';;' ;", "" }, { [[select ";" as a;]], " " }, { "select $$;$$;", "" },
      { "select $a$;$$;$a$;", "x;" }, { "select 1 -- ; no\n;", "" }, { "select /* ; /* ; */ */ ;", ";" },
      { [[select E'\';';]], "" }, { "select (1;2);", "" },
    } do
      assert.equal(#case[1], ending(case[1] .. case[2]), case[1])
    end
    assert.is_nil(ending "select 1")
    assert.is_nil(ending "create rule r as on insert to t do (select 1; select 2)")
  end)

  it("keeps the body of a function in standard SQL together", function()
    local text = "create function f() returns int begin atomic select case when true then 1 end; select 2; end"
    assert.is_nil(ending(text))
    assert.equal(#text + 1, ending(text .. "; select 3"))
  end)

  local unfinished = {
    "select 'a", 'select "a', "select $$a", "select /* a", "select (1", "create table t (", "select *", "select 1,",
    "select a from", "select a where",
    "select 1 +", "insert into t", "insert into t (a, b)",
    "update t", "with a as (select 1)",
    "delete", "select a and", "create", "explain",
  }
  for _, text in ipairs(unfinished) do
    it("wants more after: " .. text, function() assert.is_true(sql_text.read(text).wants_more) end)
  end

  local whole = {
    "select 1", "select count(*)", "select a from t where b", "insert into t values (1)",
    "insert into t default values",
    "update t set a = 1", "delete from t", "begin", "commit", "vacuum",
    "with a as (select 1) select * from a",
    "create table t (id int)", "select 'it''s'", "insert into t values (1) returning *", "select 1 for update",
    "delete from t returning id, t.*", "select a from t for no key update", "select a[1:2]", "analyze",
    "explain select 1",
  }
  for _, text in ipairs(whole) do
    it("is content with: " .. text, function() assert.is_false(sql_text.read(text).wants_more) end)
  end

  it("says what is open", function()
    assert.equal("'", sql_text.read("select 'a").open)
    assert.equal('"', sql_text.read('select "a').open)
    assert.equal("(", sql_text.read("select (").open)
    assert.equal("comment", sql_text.read("/* a").open)
  end)
end)

describe("continues", function()
  it("knows lines that go on with a statement", function()
    for _, line in ipairs {
      "from t", "  where a", "order by 1", "and b", ", c", ") as x", "union all", "values (1)",
    } do
      assert.is_true(sql_text.continues(line), line)
    end
    for _, line in ipairs { "select 2", "print(1)", "-- a comment", "insert into t", "x = 1", "begin" } do
      assert.is_false(sql_text.continues(line), line)
    end
  end)
end)

describe("tokens", function()
  it("lose nothing", function()
    local text = [[select E'\'' || "a""b" /* c /* d */ */ , $x$ $$ $x$ -- end
      from "t" where a::int = 1.5e3 and b <> U&'x';]]
    local parts = {}
    for token in sql_text.tokens(text) do parts[#parts + 1] = token.text end
    assert.equal(text, table.concat(parts))
  end)

  it("come to an end on any bytes", function()
    math.randomseed(7)
    local alphabet = { "'", '"', "$", "$$", "/*", "*/", "--", "\n", "\\", "E'", "a", "1", ";", "(", ")", "\255", "é",
      " " }
    for _ = 1, 2000 do
      local parts = {}
      for i = 1, math.random(12) do parts[i] = alphabet[math.random(#alphabet)] end
      local text, total = table.concat(parts), 0
      for token in sql_text.tokens(text) do total = total + #token.text end
      assert.equal(#text, total)
      sql_text.read(text)
      sql_text.is_sql(text)
    end
  end)
end)
