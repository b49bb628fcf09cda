-- The words of schema files: what they make, where they say a mistake is.

local attributes = require "moonpool.schema.dsl.attributes"
local m = require "moonpool.schema"

-- The message of loading `body` as the second and further lines of a schema file's list.
local function refusal(body)
  local ok, failure = pcall(m.load, 'local m = require "moonpool.schema" return {\n' .. body .. "\n}", "s.lua")
  assert.is_false(ok)
  return tostring(failure)
end

describe("a schema file", function()
  it("becomes facts with the ids that a database would give them", function()
    local wish = m.load([[
local m = require "moonpool.schema"
return {
  m.enum "mood" { "sad", "ok" },
  m.table "shop.people" {
    m.bigint "id" :identity():primary_key(),
    m.text "Odd.Name" :not_null():unique(),
    m.varchar(20) "label" :default "it's",
    m.numeric(12, 2) "price" :check "price > 0",
    m.column("mood", "mood") :array(),
    m.serial "n",
    m.timestamps(),
    m.index { "label", m.desc "price", where = "price > 1" },
    m.foreign_key { "n", references = "shop.people", ref_columns = { "id" } },
  },
}]], "s.lua")
    local ids = {}
    for fact in wish:each() do ids[fact.id] = true end
    for _, id in ipairs { "schema:public", "schema:shop", "enum:public.mood", "table:shop.people",
      'column:shop.people."Odd.Name"', 'constraint:shop.people."people_Odd.Name_key"',
      "constraint:shop.people.people_pkey", "constraint:shop.people.people_price_check",
      "constraint:shop.people.people_n_fkey", "sequence:shop.people_n_seq", "sequence:shop.people_id_seq",
      "index:shop.people_label_price_idx", "column:shop.people.created_at", "default:shop.people.updated_at" } do
      assert.is_true(ids[id], id)
    end
    assert.equal("'it''s'", wish:get("default:shop.people.label").attrs.expression)
    assert.equal("numeric(12,2)", wish:get("column:shop.people.price").attrs.type)
    assert.equal("mood[]", wish:get("column:shop.people.mood").attrs.type)
    assert.equal("s.lua:7", wish:get("column:shop.people.label").attrs._at)
    assert.equal("s.lua:12", wish:get("index:shop.people_label_price_idx").attrs._at)
  end)

  it("notes the line of every word", function()
    for _, word in ipairs { 'm.table "a" {}', 'm.view "a" "select 1"', 'm.matview "a" { definition = "select 1" }',
      'm.sequence "a" {}', 'm.domain "a" { type = "int" }', 'm.enum "a" { "x" }', 'm.func "a()" { body = "" }',
      'm.schema "a" {}', 'm.extension "a" {}', 'm.server "a" { wrapper = "w" }', 'm.publication "a" {}' } do
      local wish = m.load('local m = require "moonpool.schema"\nreturn {\n\n' .. word .. "\n}", "s.lua")
      local found
      for fact in wish:each() do found = found or fact.attrs._at end
      assert.equal("s.lua:4", found, word)
    end
  end)

  it("names the line and the nearest word of a mistake", function()
    assert.equal('s.lua:3: a table has no ownr (did you mean "owner"?); it has ' ..
      table.concat(attributes.of.table, ", "), refusal '\nm.table "t" { ownr = "x" }')
    assert.matches('s.lua:2: .*bigin', refusal 'm.table "t" { m.bigin "id" }')
    assert.matches('s.lua:2: item 2 of table public.t is nil: is its word spelt right%?',
      refusal 'm.table "t" { m.bigint "id", m.unik, m.text "x" }')
    assert.matches("s.lua:2: .*63", refusal(('m.table "t" { m.text "%s" }'):format(("x"):rep(64))))
    assert.matches("s.lua:2: .*63", refusal(('m.table "%s" {}'):format(("é"):rep(32))))
    assert.matches("s.lua:3: the default of column a is nil", refusal 'm.table "t" {\nm.text "a" :default(nil) }')
    assert.matches("s.lua:2: identity is", refusal 'm.table "t" { m.bigint "a" :identity "alway" }')
    assert.matches("s.lua:2: .*braces", refusal 'm.table "t" { m.index "a" }')
    assert.matches("s.lua:2: an identity column is an integer, not text", refusal 'm.table "t" { m.text "a" :identity() }')
    assert.matches("s.lua:3: table:public.t is said twice", refusal 'm.table "t" {},\nm.table "t" {}')
    assert.matches("s.lua:2: .*no primary key", refusal 'm.table "t" { m.int "a", m.int "b" :references "t" }')
    assert.matches('s.lua:2: .*"moonpool.schema" and nothing else, got "os"', refusal 'require "os"')
  end)

  it("does not pass over what is no part of a schema", function()
    assert.matches("item 2 of the schema %(behind the table public.t%) is nil", refusal 'm.table "t" {}, m.nothing, m.table "u" {}')
    assert.matches("item 1 is a word without its braces", refusal 'm.table "t"')
    assert.matches("item 1 is the column id %(s.lua:2%); a column stands in the braces", refusal 'm.bigint "id"')
    assert.matches('a schema takes no "publik"', refusal 'publik = false')
    assert.matches("returns a list", select(2, pcall(m.load, "return 1", "s.lua")))
    assert.matches("not bytecode", select(2, pcall(m.load, string.dump(function() end), "s.lua")))
  end)

  it("has nothing at hand but the language", function()
    for _, name in ipairs { "io", "os", "debug", "package", "load", "loadstring", "dofile", "setmetatable", "ffi" } do
      assert.matches("nil", refusal(("%s.x"):format(name)))
    end
  end)
end)
