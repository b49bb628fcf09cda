local split = require "moonpool.schema.split"

local function texts(sql)
  local out = {}
  for i, item in ipairs(split.statements(sql)) do out[i] = item.sql end
  return out
end

describe("splitting SQL files", function()
  it("ends a statement at a semicolon that means it", function()
    assert.same({ "select ';'", 'select "a;b"', "select $$;$$, $x$ $$; $x$", "select (1; 2)" },
      texts [[select ';'; select "a;b"; select $$;$$, $x$ $$; $x$; select (1; 2);]])
  end)

  it("skips comments, which nest", function()
    assert.same({ "select 1 /* ; /* ; */ ; */ + 1", "select 2" }, texts "-- a; b\nselect 1 /* ; /* ; */ ; */ + 1; -- x;\nselect 2")
  end)

  it("knows escapes only in E strings", function()
    assert.same({ [[select 'a\']], [[select E'a\'; b']], "select 3" }, texts [[select 'a\'; select E'a\'; b'; select 3]])
  end)

  it("keeps the body of a routine written in SQL together", function()
    local sql = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END"
    assert.same({ sql, "BEGIN", "select 1", "END" }, texts(sql .. "; BEGIN; select 1; END;"))
  end)

  it("leaves out psql's own lines and the rows of COPY", function()
    assert.same({ "create table t (a int)", "COPY t FROM stdin", "select 1" },
      texts "\\restrict abc\ncreate table t (a int);\nCOPY t FROM stdin;\n1;\n2'\n\\.\n\nselect 1;\n\\unrestrict abc\n")
  end)

  it("tells the line a statement begins on", function()
    local list = split.statements "\n-- c\nselect 1;\n\n  select\n2;"
    assert.equal(3, list[1].line)
    assert.equal(5, list[2].line)
  end)

  it("names the place of what has no end", function()
    local _, failure = pcall(split.statements, "select 1;\nselect 'x", "f.sql")
    assert.equal("f.sql:2: a string without an end", failure)
    assert.error_matches(function() split.statements("select $a$ x", "f.sql") end, "dollar quote")
  end)

  it("takes dollar signs in names and parameters for what they are", function()
    assert.same({ "select a$b, $1", "select 2" }, texts "select a$b, $1; select 2")
  end)
end)
