--- Reading a schema of so many tables: seconds, the best of seven, in turns with pg_dump -s; memory after the last.

local moonpool = require "moonpool"
local native = require "moonpool.core.ffi"
local schema = require "moonpool.schema"

local TABLES = tonumber((...)) or 1000
local NAME = "bench_schema_" .. TABLES
local server = os.getenv "MOONPOOL_PRIMARY"

local function conninfo(database)
  if server:find "^postgres" then
    return server .. (server:find("?", 1, true) and "&" or "?") .. "dbname=" .. database
  end
  return server .. " dbname=" .. database
end

-- What an application's schema is made of: eleven columns, a serial key, a reference, four indexes, words about it.
local function table_sql(i)
  local sql = ([[
create table t$i (id bigint generated always as identity primary key, tenant int not null, parent_id bigint $ref,
  name text not null, status state default 'a', email varchar(200), amount numeric(12,2) default 0 check (amount >= 0),
  tags text[], doc jsonb default '{}', created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(), unique (tenant, name));
create index on t$i (parent_id); create index on t$i (lower(email)) where status = 'a';
create index on t$i using gin (doc);
comment on table t$i is 'table $i'; comment on column t$i.name is 'the name';
]]):gsub("%$ref", i % 10 ~= 0 and ("references t%d"):format(i - 1) or ""):gsub("%$i", i)
  if i % 5 ~= 0 then return sql end
  return sql .. ([[
create view v$i as select id, name, count(*) over () n from t$i
  where status = 'b' and created_at > now() - interval '1 day';
create trigger touch before update on t$i for each row execute function touch();
]]):gsub("%$i", i)
end

local function make()
  local admin = moonpool.connect { primary = server, statement_timeout = "10m" }
  admin:script(("drop database if exists %s with (force)"):format(NAME))
  admin:script(("create database %s"):format(NAME))
  local db = moonpool.connect { primary = conninfo(NAME), statement_timeout = "10m" }
  db:script "create type state as enum ('a', 'b', 'c');"
  db:script "create function touch() returns trigger language plpgsql as $$ begin return new; end $$"
  for from = 0, TABLES - 1, 50 do
    local texts = {}
    for i = from, math.min(from + 49, TABLES - 1) do texts[#texts + 1] = table_sql(i) end
    db:script(table.concat(texts))
  end
  db:script "analyze"
  return db, admin
end

local function timed(work)
  collectgarbage()
  local begun = native.C.mp_clock()
  local result = work()
  return native.C.mp_clock() - begun, result
end

local function dump()
  local command = ("%s -s -d '%s' >/dev/null"):format(os.getenv "MOONPOOL_PG_DUMP" or "pg_dump", conninfo(NAME))
  assert(os.execute(command) == 0, "pg_dump failed")
end

local function resident()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmHWM:%s*(%d+)"
    if kilobytes then return tonumber(kilobytes) / 1024 end
  end
end

local function tell(what, amount, unit, more)
  print(("  %-44s %8.2f %s%s"):format(what, amount, unit, more or ""))
end

local function tell_time(what, work)
  local spent, result = timed(work)
  tell(what, spent, "s")
  return result
end

local function in_turns(db)
  local ours, theirs = math.huge, math.huge
  for _ = 1, 7 do
    theirs = math.min(theirs, (timed(dump)))
    ours = math.min(ours, (timed(function() return schema.introspect(db) end)))
  end
  tell("pg_dump -s", theirs, "s")
  tell("introspect", ours, "s", ("  (%.2f of pg_dump's)"):format(ours / theirs))
end

local before = collectgarbage "count"
local db, admin = make()
print(("%d tables"):format(TABLES))
in_turns(db)
local facts = tell_time("introspect once more", function() return schema.introspect(db) end)
collectgarbage()
collectgarbage()
tell(("its %d facts"):format(facts:count()), (collectgarbage "count" - before) / 1024, "MB")
do
  local again = schema.introspect(db)
  tell_time("hash both and find no difference", function() assert(schema.diff(facts, again):is_empty()) end)
end
tell_time("facts to SQL", function() return facts:to_sql() end)
tell_time("facts to a snapshot", function() return facts:to_json() end)
tell_time("facts to a schema file", function() return facts:to_lua() end)
tell("the process at its peak", resident() or 0, "MB")
db:close()
admin:script(("drop database %s with (force)"):format(NAME))
admin:close()
