--- A scratch database: where wishes become facts, because PostgreSQL alone knows what a text means.
--
-- This is one of the two files (the other is reader.lua) through which the schema modules reach a database. A
-- scratch database has the encoding and the locale of the database it stands in for, is made from template0, and is
-- dropped when the work in it is done, however that ends.

local blame = require "moonpool.schema.blame"
local emitter = require "moonpool.schema.emitter"
local handles = require "moonpool.core.handle"
local names = require "moonpool.schema.names"
local split = require "moonpool.schema.split"

local M = {}

---@class moonpool.schema.ScratchOptions
---@field scratch? string|table  a conninfo or a handle of a server that may be used instead of the database's own

-- Statements sent in one round trip; each is a transaction of its own.
local CHUNK = 400

-- How many refusals are told: behind them, most follow from the first.
local TOLD = 20

-- How the handle was connected, as one conninfo.
local function conninfo_of(db)
  local settings = db.root.settings or {}
  local given = settings.primary or settings.dsn or settings.nodes and settings.nodes[1]
    or os.getenv "MOONPOOL_DSN" or os.getenv "DATABASE_URL"
  if given then return given end
  if os.getenv "PGHOST" or os.getenv "PGSERVICE" then return "" end
  local row = db:query_row [[
select split_part(current_setting('unix_socket_directories'), ',', 1) as host, current_setting('port') as port,
  session_user as name]]
  return ("host='%s' port=%s user='%s'"):format(row.host, row.port, row.name)
end

-- The same server, another database. In both spellings what comes last wins.
local function with_database(conninfo, database)
  if conninfo:find "^postgres%a*://" then
    local escaped = database:gsub("[^%w_]", function(c) return ("%%%02X"):format(c:byte()) end)
    return conninfo .. (conninfo:find("?", 1, true) and "&" or "?") .. "dbname=" .. escaped
  end
  return ("%s dbname='%s'"):format(conninfo, database:gsub("['\\]", "\\%0"))
end

-- Two processes must not choose one name, nor one process the name it used before.
local function create_sql(db)
  local row = db:query_row [[
select format('moonpool_scratch_%s_%s', pg_backend_pid(), to_char(clock_timestamp(), 'YYYYMMDDHH24MISSUS')) as name,
  pg_encoding_to_char(encoding) as encoding, datcollate, datctype, datlocprovider::text as provider,
  to_jsonb(d)->>'daticulocale' as icu15, to_jsonb(d)->>'datlocale' as locale17
from pg_database d
where datname = current_database()]]
  local sql = ("CREATE DATABASE %s TEMPLATE template0 ENCODING %s LC_COLLATE %s LC_CTYPE %s"):format(
    names.quote(row.name), names.literal(row.encoding), names.literal(row.datcollate), names.literal(row.datctype))
  local locale = row.locale17 or row.icu15
  if row.provider == "i" then
    sql = ("%s LOCALE_PROVIDER icu ICU_LOCALE %s"):format(sql, names.literal(locale))
  elseif row.provider == "b" then
    sql = ("%s LOCALE_PROVIDER builtin BUILTIN_LOCALE %s"):format(sql, names.literal(locale))
  end
  return sql, row.name
end

local HOW = "give another server as scratch = \"<conninfo>\" (the embedded one: moonpool dev env), "
  .. "or let the role create databases"

-- Opens a database of that name on the server the handle is connected to.
local function create(db)
  local sql, name = create_sql(db)
  local ok, failure = pcall(db.script, db, sql)
  if not ok then
    error(("no scratch database could be made: %s; %s"):format(tostring(failure.message or failure), HOW), 0)
  end
  local scratch = handles.connect { primary = with_database(conninfo_of(db), name), pool = { max = 2 } }
  return scratch, function()
    pcall(scratch.close, scratch, "1s")
    db:script(("DROP DATABASE IF EXISTS %s WITH (FORCE)"):format(names.quote(name)))
  end
end

--- Calls `f` with a handle on a fresh, empty database, and drops the database behind it.
---@param db table  the database it stands in for
---@param options? moonpool.schema.ScratchOptions
---@param f fun(scratch: table): any
---@return any ...
function M.with(db, options, f)
  local server = options and options.scratch or db
  local own = type(server) == "string" and handles.connect { primary = server } or nil
  local ok, scratch, drop = pcall(create, own or server)
  if not ok then
    if own then own:close "1s" end
    error(scratch, 0)
  end
  local result = { pcall(f, scratch) }
  local dropped, failure = pcall(drop)
  if own then own:close "1s" end
  if not result[1] then error(result[2], 0) end
  if not dropped then error(failure, 0) end
  return unpack(result, 2)
end

-- A statement that brings no parameters, whatever question marks are in it.
local Plain = {}
Plain.__index = Plain

function Plain:to_sql()
  return self.sql, {}
end

local function plain(sql)
  return setmetatable({ sql = sql }, Plain)
end

-- Whether the server looked at the statement and said no. Whatever else ends one (an interrupt, a deadline, a lost
-- connection, a server short of memory) says nothing of the statement, and running it again could only mislead.
local function is_refusal(e)
  local class = type(e) == "table" and e.sqlstate and e.sqlstate:sub(1, 2)
  return class and class ~= "57" and class ~= "53" and class ~= "08" and class ~= "58" or e.sqlstate == "58P01"
end

-- A function, a relation, another object of that name is there.
local DUPLICATE = { ["42723"] = true, ["42P07"] = true, ["42710"] = true }

-- Runs the statements of one round trip; answers with the error of each that failed.
local function run_chunk(scratch, prelude, chunk)
  local failed = {}
  local results = scratch:batch(function(batch)
    for _, sql in ipairs(prelude) do batch:add(plain(sql)) end
    for _, item in ipairs(chunk) do batch:add(plain(item.sql)) end
  end, { atomic = false })
  for i, item in ipairs(chunk) do
    local failure = results.errors[#prelude + i]
    if failure then
      if not is_refusal(failure) then error(failure, 0) end
      -- What a thing stood in for was made without it.
      if not (item.stand_in and DUPLICATE[failure.sqlstate]) then
        failed[#failed + 1] = { item = item, error = failure }
      end
    end
  end
  return failed
end

--- Runs statements, each for itself, and runs what failed again as long as any of it succeeds: whoever wrote them
--- need not have put them in order. Statements with the same `fact` that follow each other stay together.
---@param scratch table
---@param statements { sql: string, fact: any }[]
---@param prelude? string[]  run before each round trip: settings do not outlive it
---@return { item: table, error: table }[] failures
function M.load(scratch, statements, prelude)
  prelude = prelude or emitter.preamble
  local left = statements
  while true do
    local failures, chunk = {}, {}
    local function flush()
      for _, failure in ipairs(run_chunk(scratch, prelude, chunk)) do failures[#failures + 1] = failure end
      chunk = {}
    end
    for i, item in ipairs(left) do
      chunk[#chunk + 1] = item
      if #chunk >= CHUNK and (not left[i + 1] or left[i + 1].fact ~= item.fact) then flush() end
    end
    if #chunk > 0 then flush() end
    if #failures == 0 or #failures == #left then return failures end
    left = {}
    for i, failure in ipairs(failures) do left[i] = failure.item end
  end
end

local function is_setting(sql)
  local head = sql:sub(1, 60):upper()
  return head:find "^SET%s" and not head:find "^SET%s+LOCAL" or head:find "^SELECT%s+PG_CATALOG%.SET_CONFIG"
end

-- What a file may say that means nothing here: the transaction it is run in, the rows it loads.
local function is_idle(sql)
  local head = sql:sub(1, 200):upper()
  return head:find "^COPY%s" or head:find "^BEGIN%s*$" or head:find "^COMMIT%s*$" or head:find "^START%s+TRANSACTION"
    or head:find "^END%s*$" or head:find "^VACUUM" or head:find "^ANALYZE"
end

-- Roles are the cluster's: a file may name some that this server does not have, and is a schema all the same.
local function is_about_roles(sql)
  local head = sql:sub(1, 400):upper()
  return head:find "OWNER%s+TO" or head:find "^GRANT%s" or head:find "^REVOKE%s"
    or head:find "^ALTER%s+DEFAULT%s+PRIVILEGES"
end

-- A subscription is the cluster's too, and would keep the scratch database from being dropped.
local function is_subscription(sql)
  return sql:find "^%s*%a+%s+[Ss][Uu][Bb][Ss][Cc][Rr][Ii][Pp][Tt][Ii][Oo][Nn]%s"
    or sql:find "^[Cc][Oo][Mm][Mm][Ee][Nn][Tt]%s+[Oo][Nn]%s+[Ss][Uu][Bb][Ss]"
end

--- Runs an SQL file or dump in a scratch database. Raises at the first statement that fails, with its file and line.
---@param scratch table
---@param text string
---@param name string  of the file
---@return string[] warnings  what was left out
function M.load_sql(scratch, text, name)
  local prelude, chunk, warnings = {}, {}, {}
  local function flush()
    for _, failure in ipairs(run_chunk(scratch, prelude, chunk)) do
      local e = failure.error
      local place = ("%s:%d: %s"):format(name, failure.item.line, e.message or tostring(e))
      if e.sqlstate ~= "42704" or not is_about_roles(failure.item.sql) then
        error(place .. blame.cure(e), 0)
      end
      warnings[#warnings + 1] = place
    end
    chunk = {}
  end
  for _, item in ipairs(split.statements(text, name)) do
    if is_setting(item.sql) then
      flush()
      prelude[#prelude + 1] = item.sql
    elseif is_subscription(item.sql) then
      warnings[#warnings + 1] = ("%s:%d: subscriptions are not read from files"):format(name, item.line)
    elseif not is_idle(item.sql) then
      chunk[#chunk + 1] = item
      if #chunk >= CHUNK then flush() end
    end
  end
  flush()
  return warnings
end

-- What is said of a thing the server refused: where it was written, why, what was probably meant, what to do.
local function refusal(set, fact, sql, e)
  local message = e.message or tostring(e)
  local guilty = blame.fact(set, fact, sql, e)
  local at = guilty.attrs._at or fact.attrs._at
  return ("%s: %s%s%s%s"):format(at or fact.id, message, blame.hint(set, guilty, message),
    at and (" (%s)"):format(guilty.id) or "", blame.cure(e))
end

-- In a wish a bare name lies in `public`, in its texts as elsewhere.
local function wish_prelude()
  local out = { unpack(emitter.preamble) }
  out[#out] = "SET search_path = public"
  return out
end

--- Loads a fact set in a scratch database. Raises, naming everything that could not be made.
---@param scratch table
---@param set moonpool.schema.FactSet
---@param options? moonpool.schema.EmitOptions
function M.load_facts(scratch, set, options)
  local statements = {}
  for _, sql in ipairs(emitter.removals(set)) do statements[#statements + 1] = { sql = sql } end
  for _, item in ipairs(emitter.new(set, options):statements()) do statements[#statements + 1] = item end
  local failures = M.load(scratch, statements, set.meta.wish and wish_prelude() or nil)
  if #failures == 0 then return end
  local texts, said = {}, {}
  for _, failure in ipairs(failures) do
    local fact, e = failure.item.fact, failure.error
    -- The first statement of a thing failed; the others only miss what it would have made.
    if not (fact and (said[fact.id] or said[fact.parent])) then
      texts[#texts + 1] = fact and refusal(set, fact, failure.item.sql, e)
        or "statement: " .. (e.message or tostring(e))
    end
    if fact then said[fact.id] = true end
  end
  table.sort(texts, blame.before)
  if #texts > TOLD then
    local more = #texts - TOLD
    texts = { unpack(texts, 1, TOLD) }
    texts[#texts + 1] = ("and %d more"):format(more)
  end
  error(table.concat(texts, "\n"), 0)
end

return M
