--- A scratch database: where wishes become facts, because PostgreSQL alone knows what a text means.
--
-- This is one of the three files (with reader.lua and loader.lua) through which the schema modules reach a database. A
-- scratch database has the encoding and the locale of the database it stands in for, is made from template0, and is
-- dropped when the work in it is done, however that ends.

local blame = require "moonpool.schema.blame"
local emitter = require "moonpool.schema.emitter"
local handles = require "moonpool.core.handle"
local loader = require "moonpool.schema.loader"
local names = require "moonpool.schema.names"

local M = {}

---@class moonpool.schema.ScratchOptions
---@field scratch? string|table  a conninfo or a handle of a server that may be used instead of the database's own

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

-- How often it is looked whether everybody has left, a hundredth of a second between.
local LOOKS = 20

--- Drops a database, whoever is in it. A server asked to drop one that somebody has just left waits for a tenth of a
--- second before it looks again: it is asked when nobody is there any more.
---@param db table  on another database of the server
---@param name string
function M.drop(db, name)
  local there = "select 1 from pg_stat_activity where datname = ? limit 1"
  for _ = 1, LOOKS do
    if not db:query(there, name):scalar() then break end
    db:query "select pg_sleep(0.01)"
  end
  db:script(("DROP DATABASE IF EXISTS %s WITH (FORCE)"):format(names.quote(name)))
end

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
    M.drop(db, name)
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

-- What is said of a thing the server refused: where it was written, why, what was probably meant, what to do.
local function refusal(set, failure)
  local fact, e = failure.item.fact, failure.error
  local message = e.message or tostring(e)
  if failure.place then
    -- Of a file beside, who takes it in.
    local from = fact.attrs._at or ""
    local beside = failure.place:match "^(.*):%d+" ~= from:match "^(.*):%d+$" and from ~= ""
    return ("%s: %s%s%s%s"):format(failure.place, message, blame.hint(set, fact, message),
      beside and (" (%s)"):format(from) or "", blame.cure(e, "own"))
  end
  local guilty = blame.fact(set, fact, failure.item.sql, e)
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
  local failures = loader.load(scratch, statements, set.meta.wish and wish_prelude() or nil)
  if #failures == 0 then return end
  local texts, said = {}, {}
  for _, failure in ipairs(failures) do
    local fact, e = failure.item.fact, failure.error
    -- The first statement of a thing failed; the others only miss what it would have made.
    if not (fact and (said[fact.id] or said[fact.parent])) then
      texts[#texts + 1] = fact and refusal(set, failure) or "statement: " .. (e.message or tostring(e))
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
