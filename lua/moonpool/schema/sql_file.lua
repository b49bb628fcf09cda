--- An SQL file of any making into a scratch database: a dump, a structure.sql, what somebody wrote. What psql would do
--- with it is done where that makes a schema; what cannot be done is told with its line and what to do about it.

local blame = require "moonpool.schema.blame"
local loader = require "moonpool.schema.loader"
local split = require "moonpool.schema.split"
local statement = require "moonpool.schema.statement"

local M = {}

-- Files that hold a dump and are no SQL, by what they begin with.
local FORMS = {
  { "PGDMP", "a dump in pg_dump's custom format", "pg_restore -f - %s writes the SQL in it" },
  { "\31\139", "compressed by gzip", "unpack it: gunzip" },
  { "\40\181\47\253", "compressed by zstd", "unpack it: unzstd" },
  { "\253\55\122\88\90", "compressed by xz", "unpack it: unxz" },
  { "BZh", "compressed by bzip2", "unpack it: bunzip2" },
  { "\255\254", "in UTF-16", "write it anew in UTF-8: iconv -f UTF-16 -t UTF-8 %s" },
  { "\254\255", "in UTF-16", "write it anew in UTF-8: iconv -f UTF-16 -t UTF-8 %s" },
}

-- The place of the first byte that begins no character of UTF-8; nil if there is none.
local function not_utf8(text)
  local at = 1
  while true do
    at = text:find("[\128-\255]", at)
    if not at then return nil end
    local c = text:byte(at)
    local more = c >= 194 and c < 224 and 1 or c >= 224 and c < 240 and 2 or c >= 240 and c < 245 and 3
    if not more or not text:find("^" .. ("[\128-\191]"):rep(more), at + 1) then return at end
    at = at + more + 1
  end
end

--- The text of a file without its byte order mark. Raises where it is no SQL in UTF-8, and says what it is.
---@param text string
---@param name string  of the file
---@return string
function M.text(text, name)
  for _, form in ipairs(FORMS) do
    if text:sub(1, #form[1]) == form[1] then
      error(("%s is %s, and no SQL\n  %s"):format(name, form[2], form[3]:format(name)), 0)
    end
  end
  text = text:gsub("^\239\187\191", "")
  local bad, why = text:find("\0", 1, true), "a NUL byte, which no SQL has"
  if not bad then
    bad, why = not_utf8(text), "a byte that is not UTF-8"
  end
  if bad then
    local _, lines = text:sub(1, bad - 1):gsub("\n", "")
    local said = text:match "client_encoding%s*=%s*'([%w_-]+)'"
    said = said and said:upper() ~= "UTF8" and said:upper() ~= "SQL_ASCII" and said or nil
    error(("%s:%d: %s\n  write the file anew in UTF-8: pg_dump --encoding=UTF8, or iconv -f %s -t UTF-8 %s"):format(
      name, lines + 1, why, said or "LATIN1", name), 0)
  end
  return text
end

-- Commands of psql that decide what is run. All others are about its own output, and mean nothing here.
local DECIDES = {}
for word in ("i ir include include_relative if elif else endif gexec gset"):gmatch "%S+" do
  DECIDES["\\" .. word] = true
end

local function decides(item, name)
  error(("%s:%d: %s is a command of psql that decides what is run, and psql is not here\n"
    .. "  load the file with psql into a database, and name that instead"):format(name, item.line, item.psql), 0)
end

-- The place behind the last statement that was made before a transaction, or a part of it, was rolled back.
local function rolled_back(head, marks)
  local first, second, third, fourth = unpack(head, 1, 4)
  if first ~= "ROLLBACK" and first ~= "ABORT" or second == "PREPARED" then return nil end
  if second == "WORK" or second == "TRANSACTION" then second, third, fourth = third, fourth, nil end
  if second ~= "TO" then return marks[""] end
  return marks[third == "SAVEPOINT" and fourth or third or '"']
end

-- The statements of a file, without what it takes back itself.
local function statements(text, name)
  local out, marks = {}, {}
  for _, item in ipairs(split.statements(text, name, { psql = "keep" })) do
    local first, second = unpack(item.head, 1, 2)
    if DECIDES[item.psql] then decides(item, name) end
    local back = rolled_back(item.head, marks)
    if back then
      for i = #out, back + 1, -1 do out[i] = nil end
    elseif first == "BEGIN" or first == "START" then
      marks = { [""] = #out }
    elseif first == "COMMIT" or first == "END" then
      marks = {}
    elseif first == "SAVEPOINT" then
      marks[second or '"'] = #out
    end
    out[#out + 1] = item
  end
  return out
end

-- What a setting is about; nil for what is none. It holds for all that follows it in a file, and for nothing else.
local function setting_of(item)
  local first, second, third = unpack(item.head, 1, 3)
  if statement.sort(item) == "setting" then
    if second == "LOCAL" then return nil end
    if second == "SESSION" and third ~= "AUTHORIZATION" then
      return (item.sql:match "^%a+%s+%a+%s+([^%s=]+)" or ""):lower(), first == "RESET"
    end
    return (item.sql:match "^%a+%s+([^%s=]+)" or ""):lower(), first == "RESET"
  end
  local name = item.sql:match "^[%w%s_.]+%(%s*'([^']+)'"
  if first == "SELECT" and name and item.sql:sub(1, 60):upper():find "^SELECT%s+PG_CATALOG%.SET_CONFIG" then
    return name:lower(), false
  end
end

-- The settings that hold, the last of each.
local function with_setting(settings, name, item, is_reset)
  local out = {}
  for _, one in ipairs(settings) do
    if one.name ~= name and not (is_reset and name == "all") then out[#out + 1] = one end
  end
  if not is_reset then out[#out + 1] = { name = name, sql = item.sql } end
  return out
end

local function texts(settings)
  local out = {}
  for i, one in ipairs(settings) do out[i] = one.sql end
  return out
end

-- What a file may say that means nothing here: the transaction it is run in, the rows it loads, its upkeep.
local IDLE = { transaction = true, upkeep = true }

local function is_idle(item)
  return IDLE[statement.sort(item)] or item.head[1] == "COPY"
end

-- What belongs to the server would outlive the scratch database, and a subscription would keep it from being dropped.
local LEFT_OUT = {
  server = "%s is about the server and is not read from files",
  subscription = "subscriptions are not read from files",
}

-- Roles are the server's: a file may name some that this one does not have, and is a schema all the same.
local function is_about_roles(sql)
  local head = sql:sub(1, 400):upper()
  return head:find "OWNER%s+TO" or head:find "^GRANT%s" or head:find "^REVOKE%s"
    or head:find "^ALTER%s+DEFAULT%s+PRIVILEGES"
end

local MISSING = { ["42P01"] = true, ["42703"] = true, ["42704"] = true, ["42883"] = true, ["3F000"] = true }

-- What pg_dump --clean begins with: whatever it drops is not there.
local function drops_nothing(item, e)
  return item.above and MISSING[e.sqlstate]
    and (item.head[1] == "DROP" or item.head[1] == "ALTER" and item.sql:upper():find "%sDROP%s") ~= nil
end

-- What every new database has.
local function is_there(item, e)
  local first, what = unpack(item.head, 1, 2)
  if first ~= "CREATE" or e.sqlstate ~= "42P06" and e.sqlstate ~= "42710" then return false end
  local name = (e.message or ""):match '"(.-)"'
  return what == "SCHEMA" and name == "public" or name == "plpgsql"
end

-- What a newer pg_dump sets and this server has nothing to do with.
local function is_of_others(item, e)
  return e.sqlstate == "42704" and item.setting:find "_timeout$" ~= nil
end

-- What to do about a failure: "" for nothing, a warning, or an error.
local function weigh(item, e)
  if drops_nothing(item, e) or is_there(item, e) then return nil end
  if item.setting then return not is_of_others(item, e) and "warning" or nil end
  if e.sqlstate == "42704" and is_about_roles(item.sql) then return "warning" end
  return statement.sort(item) == "rows" and "warning" or "error"
end

local ANOTHER = "%s:%d: this is of a second database (\\connect in line %d), and a source is one database\n"
  .. "  cut the file in two there, or dump one database alone: pg_dump"

-- Where a file goes over to a database. What stands behind it is another source, unless nothing was made before.
local function watch(name)
  local made, here, line
  local seen = {}
  function seen.connect(item)
    here = item.sql:match "^\\%S+%s+(.-)%s*$" or ""
    line = item.line
  end
  function seen.thing(item)
    if made and made ~= here and line then error(ANOTHER:format(name, item.line, line), 0) end
    made = here or made
  end
  return seen
end

local CONNECT = { ["\\connect"] = true, ["\\c"] = true }

--- Runs an SQL file or dump in a scratch database. Raises at the first statement that fails, with its file and line.
---@param scratch table
---@param text string
---@param name string  of the file
---@return string[] warnings  what was left out
function M.load(scratch, text, name)
  local settings, prelude, chunk, warnings = {}, {}, {}, {}
  local databases, above = watch(name), true
  local function flush()
    for _, failure in ipairs(loader.run(scratch, prelude, chunk)) do
      local item, e = failure.item, failure.error
      local weight = weigh(item, e)
      local place = ("%s:%d: %s"):format(name, item.line, e.message or tostring(e))
      if weight == "error" then error(place .. blame.cure(e, "file"), 0) end
      if weight then warnings[#warnings + 1] = place end
    end
    chunk, prelude = {}, texts(settings)
  end
  local function add(item)
    chunk[#chunk + 1] = item
    if #chunk >= loader.CHUNK then flush() end
  end
  for _, item in ipairs(statements(text, name)) do
    local sort = statement.sort(item)
    local setting, is_reset = setting_of(item)
    if CONNECT[item.psql] then
      databases.connect(item)
    elseif setting then
      item.setting = setting
      -- The text is UTF-8, whatever it was when it was dumped.
      if setting ~= "client_encoding" and setting ~= "names" then
        settings = with_setting(settings, setting, item, is_reset)
        add(item)
      end
    elseif LEFT_OUT[sort] then
      warnings[#warnings + 1] = ("%s:%d: %s"):format(name, item.line, LEFT_OUT[sort]:format(statement.name(item)))
    elseif not item.psql and not is_idle(item) then
      if sort ~= "rows" then databases.thing(item) end
      above = above and item.head[1] ~= "CREATE"
      item.above = above
      add(item)
    end
  end
  flush()
  return warnings
end

return M
