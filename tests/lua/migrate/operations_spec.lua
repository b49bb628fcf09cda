local columns = require "moonpool.migrate.columns"
local database = require "database"
local moonpool = require "moonpool"
local names = require "moonpool.migrate.names"
local operations = require "moonpool.migrate.operations"

local refusal = database.refusal

describe("migrate.names", function()
  it("quotes names and paths", function()
    assert.equal('"a"', names.quote "a")
    assert.equal('"a""b"', names.quote 'a"b')
    assert.equal('"billing"."orders"', names.path "billing.orders")
    assert.equal('"odd.name"."x""y"', names.path '"odd.name"."x""y"')
    assert.equal('"a; drop table b"', names.path "a; drop table b")
    assert.equal('"a", "b"', names.list { "a", "b" })
    for _, bad in ipairs { "", ("x"):rep(64), "a\0b", "\255", 7 } do refusal(names.quote, bad) end
    for _, bad in ipairs { "", "a..b", ".a", "a.", 'a"b', '"a"b' } do refusal(names.path, bad) end
  end)

  it("writes literals", function()
    assert.equal("'it''s'", names.literal "it's")
    assert.equal(" E'a\\\\b'", names.literal "a\\b")
    assert.equal("1.5", names.literal(1.5))
    assert.equal("true", names.literal(true))
    assert.equal("null", names.literal(moonpool.null))
    assert.equal("now()", names.literal(names.raw "now()"))
    assert.equal("'{}'", names.literal(moonpool.object {}))
    refusal(names.literal, nil)
    refusal(names.literal, "a\0b")
    refusal(names.literal, print)
    refusal(names.raw, 7)
  end)
end)

describe("migrate.operations", function()
  it("writes tables", function()
    local sql, indexes = columns.create_table("shop.people", function(t)
      t:bigint "id" :identity():primary_key()
      t:varchar("name", 40):not_null():default "x"
      t:numeric("balance", 12, 2):check "balance >= 0"
      t:bigint "boss" :references("people", "id", { on_delete = "set_null" })
      t:double "weight" :unique()
      t:column("area", "polygon")
      t:text "initials" :generated "left(name, 1)"
      t:timestamps()
      t:unique("name", "boss")
      t:check("sane", "weight > 0")
      t:foreign_key({ "boss" }, "people")
      t:index({ "name" }, { unique = true })
    end)
    assert.equal([[create table "shop"."people" (
  "id" bigint generated always as identity primary key,
  "name" varchar(40) not null default 'x',
  "balance" numeric(12, 2) check (balance >= 0),
  "boss" bigint references "people" ("id") on delete set null,
  "weight" double precision unique,
  "area" polygon,
  "initials" text generated always as (left(name, 1)) stored,
  "created_at" timestamptz not null default now(),
  "updated_at" timestamptz not null default now(),
  unique ("name", "boss"),
  constraint "sane" check (weight > 0),
  foreign key ("boss") references "people"
)]], sql)
    assert.same({ { { "name" }, { unique = true } } }, indexes)
  end)

  it("answers a wrong word with the near one", function()
    local function make(f) return refusal(columns.create_table, "x", f).message end
    assert.matches('no t:bigit %(did you mean "bigint"%?%)', make(function(t) t:bigit "a" end))
    assert.matches("makes a table without columns", make(function() end))
    assert.matches("on_delete takes", make(function(t) t:int "a" :references("b", "c", { on_delete = "explode" }) end))
    assert.matches("type text has no size", make(function(t) t:text("a", 5) end))
    assert.matches("size of a varchar", make(function(t) t:varchar("a", "5") end))
    assert.matches("takes a function", refusal(columns.create_table, "x").message)
  end)

  it("writes changes", function()
    for expected, actual in pairs {
      ['drop table "a" cascade'] = operations.drop_table("a", { cascade = true }),
      ['drop table if exists "a"'] = operations.drop_table("a", { if_exists = true }),
      ['alter table "a" rename to "b"'] = operations.rename_table("a", "b"),
      ['alter table "a" add column "c" int'] = operations.add_column("a", "c", "int", { null = true }),
      ['alter table "a" add column "c" int not null default 0'] =
        operations.add_column("a", "c", "int", { null = false, default = 0 }),
      ['alter table "a" add column "c" int references "d" ("id")'] =
        operations.add_column("a", "c", "int", { references = { "d", "id" } }),
      ['alter table "a" drop column "c"'] = operations.drop_column("a", "c"),
      ['alter table "a" rename column "c" to "d"'] = operations.rename_column("a", "c", "d"),
      ['alter table "a" alter column "c" type text using c::text'] =
        operations.change_type("a", "c", "text", { using = "c::text" }),
      ['alter table "a" alter column "c" set default \'x\''] = operations.set_default("a", "c", "x"),
      ['alter table "a" alter column "c" drop default'] = operations.drop_default("a", "c"),
      ['alter table "a" alter column "c" set not null'] = operations.set_not_null("a", "c"),
      ['alter table "a" alter column "c" drop not null'] = operations.drop_not_null("a", "c"),
      ['alter table "a" add constraint "k" check (c > 0)'] = operations.add_constraint("a", "k", "check (c > 0)"),
      ['alter table "a" drop constraint "k"'] = operations.drop_constraint("a", "k"),
      ['alter table "a" add foreign key ("b") references "c" ("id")'] = operations.add_foreign_key("a", "b", "c", "id"),
      ['drop index concurrently "s"."i"'] = operations.drop_index("s.i", { concurrently = true }),
    } do
      assert.equal(expected, actual)
    end
  end)

  it("writes indexes and names them", function()
    local sql, name = operations.create_index("shop.people", { "name", "id desc nulls last" })
    assert.equal('create index "people_name_id_idx" on "shop"."people" ("name", "id" desc nulls last)', sql)
    assert.equal('"shop"."people_name_id_idx"', name)
    sql, name = operations.create_index("people", names.raw "lower(email)",
      { unique = true, concurrently = true, name = "one", using = "btree", where = "x > 0", include = { "y" } })
    assert.equal('create unique index concurrently "one" on "people" using "btree" ((lower(email)))'
      .. ' include ("y") where x > 0', sql)
    assert.equal('"one"', name)
    assert.matches('no option uniqe %(did you mean "unique"%?%)',
      refusal(operations.create_index, "a", "b", { uniqe = true }).message)
    assert.matches("an expression is m:raw", refusal(operations.create_index, "a", "lower(x) y z").message)
    refusal(operations.create_index, "a", {})
  end)

  it("writes backfills that end", function()
    assert.equal('update "a" set "x" = coalesce("x", 0), "y" = coalesce("y", now()) where ctid = any(array('
      .. 'select ctid from "a" where (("x" is null) or ("y" is null and (now()) is not null)) and (z) limit 10))',
      (operations.backfill("a", { y = names.raw "now()", x = 0 }, { batch = 10, where = "z" })))
    refusal(operations.backfill, "a", {})
    refusal(operations.backfill, "a", { x = moonpool.null })
    refusal(operations.backfill, "a", { x = 1 }, { batch = 0 })
  end)
end)
