-- What is SQL at all, and where psql's own commands stand among statements.

local split = require "moonpool.schema.split"
local sql_file = require "moonpool.schema.sql_file"

local function why(text, name)
  local ok, failure = pcall(sql_file.text, text, name or "a.sql")
  assert.is_false(ok)
  return failure
end

describe("the text of an SQL file", function()
  it("is taken as it is, without a byte order mark", function()
    assert.equal("select 'ä€😀';", sql_file.text("\239\187\191select 'ä€😀';", "a.sql"))
    assert.equal("", sql_file.text("", "a.sql"))
  end)

  it("is not taken from dumps in other forms, whose name and remedy are told", function()
    assert.equal("a.dump is a dump in pg_dump's custom format, and no SQL\n"
      .. "  pg_restore -f - a.dump writes the SQL in it",
      why("PGDMP\1\14\0\4", "a.dump"))
    assert.is_truthy(why("\31\139\8\0"):find("compressed by gzip", 1, true))
    assert.is_truthy(why("\255\254s\0e\0"):find("iconv -f UTF-16 -t UTF-8 a.sql", 1, true))
  end)

  it("has no NUL byte and no bytes that are not UTF-8, and the line is told", function()
    assert.is_truthy(why("select 1;\n\0"):find("^a.sql:2: a NUL byte"))
    assert.is_truthy(why("select 1;\n\nselect '\233';"):find("^a.sql:3: a byte that is not UTF%-8\n.*iconv %-f LATIN1"))
    assert.is_truthy(why("SET client_encoding = 'WIN1252';\nselect '\233';"):find("iconv -f WIN1252", 1, true))
    for _, bad in ipairs { "\128", "\192\175", "\237\160", "\245\128\128\128", "ä\195" } do why(bad) end
  end)
end)

describe("commands of psql among statements", function()
  local function kept(text)
    local out = {}
    for i, item in ipairs(split.statements(text, "a.sql", { psql = "keep" })) do
      out[i] = item.line .. " " .. (item.psql or "") .. " " .. item.sql
    end
    return out
  end

  it("are told with their line where they are kept", function()
    assert.same({ "1 \\connect \\connect shop", "2  create table a (x text default '\\i')", "3 \\echo \\echo done" },
      kept "\\connect shop\ncreate table a (x text default '\\i');\n\\echo done")
  end)

  it("end the statement they stand behind", function()
    assert.same({ "1  select 1", "1 \\g \\g", "2  select 2" }, kept "select 1 \\g\nselect 2")
  end)

  it("are no more than the line they stand in", function()
    assert.same({ "1 \\restrict \\restrict abc", "2  select 1" }, kept "\\restrict abc\r\nselect 1;\r\n")
  end)
end)
