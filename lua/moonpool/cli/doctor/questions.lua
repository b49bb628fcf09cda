--- What is asked of each server. Nothing here changes anything; what an answer means is said elsewhere.

local errors = require "moonpool.core.error"
local nodes_of = require "moonpool.core.nodes"

local M = {}

-- A transaction that has been open for longer is worth a word, in seconds.
M.LONG = 300

local SETTINGS = {
  "max_connections", "superuser_reserved_connections", "idle_in_transaction_session_timeout", "wal_level",
  "synchronous_standby_names", "synchronous_commit", "password_encryption", "autovacuum", "autovacuum_freeze_max_age",
  "max_slot_wal_keep_size", "server_version", "server_version_num", "default_transaction_read_only", "fsync",
}

local BASICS = [[select current_database() as database, current_user as "user", pg_is_in_recovery() as standby,
  floor(extract(epoch from clock_timestamp()))::float8 as epoch, inet_server_addr() is not null as by_network,
  coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as tls,
  pg_has_role(current_user, 'pg_monitor', 'usage') as may_see,
  (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
  (select count(*) from pg_stat_activity where backend_type = 'client backend'
    and wait_event = 'SyncRep') as waiting_for_standbys]]

-- One at a time: a server that lacks a view, or refuses one, still answers the others.
local LISTS = {
  settings = ("select name, setting from pg_settings where name in ('%s')"):format(table.concat(SETTINGS, "', '")),
  long_open = [[select pid, usename::text as "user", application_name as application, state,
      extract(epoch from clock_timestamp() - xact_start)::float8 as seconds
    from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
      and xact_start < clock_timestamp() - ? * interval '1 second' order by xact_start limit 5]],
  prepared = [[select gid, extract(epoch from clock_timestamp() - prepared)::float8 as seconds
    from pg_prepared_xacts where prepared < clock_timestamp() - ? * interval '1 second' order by prepared limit 5]],
  ages = [[select datname::text as name, age(datfrozenxid)::float8 as age from pg_database order by 2 desc limit 1]],
}

local PRIMARY = {
  slots = [[select slot_name::text as name, active, coalesce(wal_status, '') as wal_status,
      coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::float8 as bytes
    from pg_replication_slots where restart_lsn is not null order by 4 desc]],
  standbys = "select application_name as name, state, sync_state from pg_stat_replication order by 1",
  invalid = [[select format('%I.%I', n.nspname, c.relname) as name, format('%I.%I', tn.nspname, t.relname) as "table",
      i.indisunique as is_unique, c.relname ~ '_ccnew[0-9]*$' or c.relname ~ '_ccold[0-9]*$' as of_reindex
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_class t on t.oid = i.indrelid join pg_namespace tn on tn.oid = t.relnamespace
    where not (i.indisvalid and i.indisready) and not exists
      (select 1 from pg_stat_progress_create_index p where p.index_relid = i.indexrelid) order by 1]],
  sequences = [[select format('%I.%I', schemaname, sequencename) as name, last_value::float8 as last,
      case when increment_by > 0 then max_value else min_value end::float8 as "end",
      case when increment_by > 0 then min_value else max_value end::float8 as start
    from pg_sequences where last_value is not null and not cycle order by 1]],
}

local function ask(db, sql, ...)
  local ok, result = pcall(db.read_query, db, sql, ...)
  if not ok then
    if errors.is_error(result) and result.family == "server" then return nil, result end
    error(result, 0)
  end
  return result:all(), nil, result.node
end

---@class moonpool.doctor.Server
---@field name string
---@field basics table
---@field settings table<string, string>
---@field skew number seconds that its clock is ahead of ours for certain; negative: behind
---@field [string] table[] the lists, by name; nil where it refused

-- Ours is a clock of whole seconds, like the server's answer: what lies between both looks is no difference.
local function skew(before, epoch, after)
  if epoch > after then return epoch - after end
  if epoch < before then return epoch - before end
  return 0
end

---Asks the server that a handle's reads go to. Raises where it does not answer.
---@param db moonpool.Handle
---@param name string
---@param long number seconds from which on a transaction is open for long
---@return moonpool.doctor.Server
function M.ask(db, name, long)
  local before = os.time()
  local basics, why, node = ask(db, BASICS)
  local after = os.time()
  if not basics then error(why, 0) end
  if node ~= name then error(("%s answered instead"):format(tostring(node)), 0) end
  local server = { name = name, basics = basics[1], settings = {}, skew = skew(before, basics[1].epoch, after) }
  for _, key in ipairs { "settings", "long_open", "prepared", "ages" } do
    local takes = LISTS[key]:find("?", 1, true)
    if takes then server[key] = ask(db, LISTS[key], long) else server[key] = ask(db, LISTS[key]) end
  end
  local settings = {}
  for _, row in ipairs(server.settings or {}) do settings[row.name] = row.setting end
  server.settings = settings
  if not server.basics.standby then
    for _, key in ipairs { "slots", "standbys", "invalid", "sequences" } do server[key] = ask(db, PRIMARY[key]) end
  end
  return server
end

---Asks each server that answers, by leaving nobody else to be asked.
---@param db moonpool.Handle
---@param nodes table[] of `db:stats()`
---@param long number
---@return moonpool.doctor.Server[]
---@return { node: string, why: any }[] those that could not be asked
function M.ask_all(db, nodes, long)
  local servers, failed = {}, {}
  local any = db:with { consistency = "eventual", timeout = "10s" }
  for _, node in ipairs(nodes) do
    if node.alive then
      for _, other in ipairs(nodes) do nodes_of.breaker(db, other.name, other == node and "closed" or "open") end
      local ok, server = pcall(M.ask, any, node.name, long)
      if ok then servers[#servers + 1] = server else failed[#failed + 1] = { node = node.name, why = server } end
    end
  end
  for _, node in ipairs(nodes) do nodes_of.breaker(db, node.name, "automatic") end
  return servers, failed
end

---Whether two connections of ours are one session of the server, which only a pooler can do.
---@param db moonpool.Handle
---@return boolean
function M.is_pooled(db)
  local pids, sessions = {}, {}
  for i = 1, 2 do
    sessions[i] = db:session { pinned = true }
    local ok, result = pcall(sessions[i].query, sessions[i], "select pg_backend_pid()")
    pids[i] = ok and result:scalar() or -i
  end
  for _, one in ipairs(sessions) do pcall(one.release, one) end
  return pids[1] == pids[2]
end

return M
