--- The two properties, on any database: P1, the facts of what the facts make are the facts; P2, pg_dump prints the same
--- of both. Works on the server that MOONPOOL_PRIMARY names, in databases of its own.

local emitter = require "moonpool.schema.emitter"
local moonpool = require "moonpool"
local random = require "tests.lua.schema.random"
local render = require "moonpool.schema.render"
local schema = require "moonpool.schema"
local scratch = require "moonpool.schema.scratch"
local split = require "moonpool.schema.split"

local M = {}

local conninfo = assert(os.getenv "MOONPOOL_PRIMARY", "MOONPOOL_PRIMARY names the server that these specs need")

--- The same server, another database.
function M.conninfo(database)
  if conninfo:find "^postgres%a*://" then
    return conninfo .. (conninfo:find("?", 1, true) and "&" or "?") .. "dbname=" .. database
  end
  return conninfo .. " dbname=" .. database
end

local function shell_quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- A sanitizer that is loaded ahead of everything is not for PostgreSQL's own programs: they may hang in it.
local function run(command)
  local pipe = assert(io.popen("LD_PRELOAD= " .. command .. " 2>&1"))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- MOONPOOL_PG_DUMP names a pg_dump that is newer than the one installed.
local bindir
local function program(name)
  if name == "pg_dump" and os.getenv "MOONPOOL_PG_DUMP" then return os.getenv "MOONPOOL_PG_DUMP" end
  if not bindir then
    bindir = run "pg_config --bindir":gsub("%s+$", "")
    if bindir == "" or not io.open(bindir .. "/pg_dump") then bindir = nil end
  end
  return bindir and bindir .. "/" .. name or name
end

-- Releases that write a random token take it from outside; older ones know neither.
local function fixed_token()
  if M.token == nil then
    M.token = run(program "pg_dump" .. " --help"):find("--restrict-key", 1, true) and " --restrict-key x" or ""
  end
  return M.token
end

--- What pg_dump prints of the schema, with its random token fixed and the database's name taken out.
function M.dump(database)
  local text = run(("%s -s%s -d %s"):format(program "pg_dump", fixed_token(), shell_quote(M.conninfo(database))))
  assert(text:find "PostgreSQL database dump complete", text)
  return (text:gsub(database:gsub("%p", "%%%0"), "DB"))
end

function M.admin()
  M.db = M.db or moonpool.connect { primary = conninfo }
  return M.db
end

--- The server's release.
function M.major()
  M.release = M.release
    or M.admin():query("select current_setting('server_version_num')::int / 10000"):scalar()
  return M.release
end

--- Whether pg_dump can read this server: it reads none that is newer than itself. Says so once if not.
function M.can_dump()
  if M.dumps == nil then
    local client = tonumber(run(program "pg_dump" .. " --version"):match "%) (%d+)")
    M.dumps = client ~= nil and client >= M.major()
    if not M.dumps then
      io.stderr:write(("pg_dump %s cannot read PostgreSQL %d: dumps are not compared\n"):format(tostring(client),
        M.major()))
    end
  end
  return M.dumps
end

--- Roles that the schemas of the tests speak of.
function M.make_roles()
  M.run_file(M.admin(), "tests/data/schema/kitchen/00_roles.sql")
end

local DROP_SUBSCRIPTIONS = [[
do $$ declare s text; begin
  for s in select subname from pg_subscription where subdbid = (select oid from pg_database
    where datname = current_database()) loop
    execute format('alter subscription %I disable', s);
    execute format('alter subscription %I set (slot_name = none)', s);
    execute format('drop subscription %I', s);
  end loop;
end $$]]

-- Handles on databases of the tests: whoever comes anew has to read the catalogs' caches anew, too.
local handles = {}

--- A handle on a database, the same one until it is dropped.
---@param database string
function M.handle(database)
  handles[database] = handles[database] or moonpool.connect { primary = M.conninfo(database), pool = { max = 1 } }
  return handles[database]
end

local function leave(database)
  if handles[database] then handles[database]:close "1s" end
  handles[database] = nil
end

function M.drop(database)
  leave(database)
  if M.admin():query("select 1 from pg_database where datname = ?", database):scalar() then
    local db = moonpool.connect { primary = M.conninfo(database) }
    pcall(db.script, db, DROP_SUBSCRIPTIONS)
    db:close "1s"
    scratch.drop(M.admin(), database)
  end
end

local RESET = [[
do $$ declare s text; begin
  for s in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
    execute format('drop schema %I cascade', s);
  end loop;
  create schema public authorization pg_database_owner;
  grant usage on schema public to public;
  comment on schema public is 'standard public schema';
end $$]]

--- How often a database is emptied instead of made anew: right where all there is in it lies in schemas.
M.reuse = 0
local reused = {}

--- A fresh, empty database; what is open on it has to be closed before it is made again.
function M.fresh(database)
  M.drop(database)
  M.admin():script(("create database %s template template0 encoding 'UTF8'"):format(database))
  return moonpool.connect { primary = M.conninfo(database), pool = { max = 1 } }
end

-- The same, by its own handle, and emptied only where that will do.
local function empty(database)
  if reused[database] and reused[database] < M.reuse then
    local db = M.handle(database)
    reused[database] = reused[database] + 1
    if pcall(db.script, db, RESET) then return db end
  end
  reused[database] = 0
  M.fresh(database):close "1s"
  return M.handle(database)
end

function M.read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

--- Runs the statements of a file in one session; raises at the first that fails.
function M.run_file(db, path)
  M.run_text(db, M.read_file(path), path)
end

function M.run_text(db, text, name)
  for _, item in ipairs(split.statements(text, name)) do
    local ok, failure = pcall(db.script, db, item.sql)
    if not ok then error(("%s:%d: %s\n%s"):format(name or "text", item.line, tostring(failure), item.sql:sub(1, 300)),
      0) end
  end
end

--- Runs what the server accepts of a list of statements.
function M.run_some(db, statements)
  local refused = 0
  for _, sql in ipairs(statements) do
    if not pcall(db.script, db, sql) then refused = refused + 1 end
  end
  return refused
end

--- Loads what `set` makes into a fresh database by psql, as people would.
function M.load(database, set)
  M.fresh(database):close "1s"
  M.psql(database, set:to_sql())
end

function M.psql(database, text, tolerant)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local out = run(("%s -X -q -v ON_ERROR_STOP=%d -d %s -f %s"):format(program "psql", tolerant and 0 or 1,
    shell_quote(M.conninfo(database)), path))
  os.remove(path)
  if not tolerant and out:find "ERROR:" then error(out:sub(1, 2000), 0) end
  return out
end

function M.facts(database, options)
  return schema.introspect(M.handle(database), options or { secrets = true })
end

--- A set without what nothing can make again, and what pg_dump leaves out as well: indexes whose build failed, views
--- that are broken.
function M.makeable(facts)
  local out = facts:filter(function(fact)
    return not fact.attrs.broken and not (fact.kind == "index" and fact.attrs.not_valid)
  end)
  out.meta.complete = facts.meta.complete
  return out
end

local function first_difference(a, b)
  local lines_a, lines_b = {}, {}
  for line in (a .. "\n"):gmatch "(.-)\n" do lines_a[#lines_a + 1] = line end
  for line in (b .. "\n"):gmatch "(.-)\n" do lines_b[#lines_b + 1] = line end
  for i = 1, math.max(#lines_a, #lines_b) do
    if lines_a[i] ~= lines_b[i] then
      return ("line %d\n- %s\n+ %s"):format(i, tostring(lines_a[i]), tostring(lines_b[i]))
    end
  end
end

--- Checks both properties of the database `origin`, which is left as it is. Gives nil, or what is wrong.
---@param origin string
---@return string?
function M.check(origin)
  local dump = M.can_dump()
  local base = origin .. "_base"
  -- PostgreSQL's own texts are stable only after one reload, pg_dump's too.
  if dump then
    M.fresh(base):close "1s"
    M.psql(base, M.dump(origin), true)
  else
    M.load(base, M.facts(origin))
  end
  local facts = M.facts(base)
  for _, warning in ipairs(facts.warnings) do
    if warning:find "not modelled" then return warning end
  end
  local made = origin .. "_made"
  M.load(made, facts)
  local again = M.facts(made)
  local difference = schema.diff(facts, again)
  if not difference:is_empty() then return "P1: " .. difference:format() end
  if facts:to_json() ~= again:to_json() then return "P1: " .. first_difference(facts:to_json(), again:to_json()) end
  if dump then
    local before, after = M.dump(base), M.dump(made)
    if before ~= after then return "P2: " .. first_difference(before, after) end
  end
  if M.reuse == 0 then
    M.drop(base)
    M.drop(made)
  end
end

local INDEXES = [[
select n.nspname, t.relname, c.relname as name, pg_get_indexdef(i.indexrelid) as text
from pg_index i join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace]]

local CONSTRAINTS = [[
select n.nspname, coalesce(c.relname, t.typname) as relname, k.conname as name, pg_get_constraintdef(k.oid) as text
from pg_constraint k
left join pg_class c on c.oid = k.conrelid left join pg_type t on t.oid = k.contypid
join pg_namespace n on n.oid = coalesce(c.relnamespace, t.typnamespace)
where n.nspname not in ('pg_catalog', 'information_schema')]]

--- Holds what is put together from the parts of indexes and constraints against what the server says of them.
---@param database string
---@return string[]  the differences
function M.texts_that_differ(database)
  local facts, out = M.facts(database), {}
  local e = emitter.new(facts)
  local db = M.handle(database)
  local function texts(tx, sql)
    local by_name = {}
    for row in tx:query(sql):each() do
      by_name[table.concat({ row.nspname, row.relname, row.name }, "\0")] = row.text
    end
    return by_name
  end
  local indexes, constraints = db:transaction(function(tx)
    tx:exec "set local search_path = ''"
    return texts(tx, INDEXES), texts(tx, CONSTRAINTS)
  end, { read_only = false })
  local checked = 0
  local function hold(fact, told, ours)
    local theirs = told[table.concat({ fact.schema, e.set:get(fact.parent).name, fact.name }, "\0")]
    checked = checked + 1
    if theirs ~= ours then out[#out + 1] = ("%s\n- %s\n+ %s"):format(fact.id, tostring(theirs), ours) end
  end
  for _, fact in ipairs(facts:of_kind "index") do
    local host = facts:get(fact.parent)
    -- pg_get_indexdef is silent about where an index lies.
    fact.attrs.tablespace = nil
    hold(fact, indexes, render.index(fact, (host.attrs.partition_key and "ONLY " or "") .. e:name_of(host.id)))
  end
  for _, fact in ipairs(facts:of_kind "constraint") do hold(fact, constraints, render.constraint(fact, e)) end
  assert(checked > 0, "there was nothing to hold against the server")
  return out
end

--- The facts as a schema file, loaded and read back. Gives nil, or what is different.
---@param database string
---@return string?
function M.check_file(database)
  local facts = M.makeable(M.facts(database))
  local text = facts:to_lua()
  if text ~= facts:to_lua() then return "the file is another one each time" end
  local db = M.handle(database)
  local ok, again = pcall(schema.elaborate, db, schema.load(text, "schema.lua"), { secrets = true })
  local difference = ok and schema.compare(db, facts, again)
  if not ok then return tostring(again) end
  if not difference:is_empty() then return difference:format() end
  if facts:hash() == again:hash() and #schema.layout(facts, again) == 0 and again:to_lua() ~= text then
    return "the file of the file: " .. first_difference(text, again:to_lua())
  end
end

--- Whether what is made of the facts is the same without any reload, down to the byte.
---@param origin string
---@return boolean
function M.is_same_at_once(origin)
  local made = origin .. "_quick"
  local facts = M.facts(origin)
  local db = empty(made)
  local ok = pcall(db.script, db, facts:to_sql())
  local known = true
  for _, warning in ipairs(facts.warnings) do known = known and not warning:find "not modelled" end
  local same = ok and known and facts:to_json() == M.facts(made):to_json()
    and (not M.can_dump() or M.dump(origin) == M.dump(made))
  if M.reuse == 0 then M.drop(made) end
  return same
end

--- Both properties with one database and one reload less: most schemas are equal at once, down to the byte. One that is
--- not (PostgreSQL prints some texts differently after their first reload) is checked in full.
---@param origin string
---@return string?
function M.quick_check(origin)
  if not M.is_same_at_once(origin) then return M.check(origin) end
end

--- Checks random schemas, one a seed. Gives nil, or the smallest list of statements that fails, and how.
---@param database string
---@param from integer
---@param to integer
---@param size integer  roughly how many statements
---@param check? fun(database: string): string?  default quick_check
---@return string?
function M.try_seeds(database, from, to, size, check)
  local before = M.reuse
  M.reuse = 40
  local function wrong(statements)
    M.run_some(empty(database), statements)
    local ok, why = pcall(check or M.quick_check, database)
    return not ok and "error: " .. tostring(why) or why
  end
  local found
  for seed = from, to do
    local statements = random.statements(seed, size)
    local why = wrong(statements)
    if why then
      local kind = why:sub(1, 12)
      local small = random.shrink(statements, function(list)
        local reason = wrong(list)
        return reason ~= nil and reason:sub(1, 12) == kind
      end)
      found = ("seed %d\n%s;\n%s"):format(seed, table.concat(small, ";\n"), wrong(small) or why)
      break
    end
  end
  M.reuse = before
  for _, suffix in ipairs { "", "_quick", "_base", "_made" } do M.drop(database .. suffix) end
  return found
end

return M
