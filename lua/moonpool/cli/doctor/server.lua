--- One server: its settings, its clock, who may see what, who holds things open. Each check takes the server's
--- answers and gives a finding, or nil where there is nothing to say.

local finding = require "moonpool.cli.doctor.finding"

local M = {}

---@param server moonpool.doctor.Server
function M.version(server)
  local number = tonumber(server.settings.server_version_num) or 0
  local basics = server.basics
  local text = ("PostgreSQL %s, database %s as %s"):format(server.settings.server_version or "?", basics.database,
    basics.user)
  if number < 130000 then
    return finding.warning("server", text .. "; its makers no longer mend this version", "plan an upgrade")
  end
  return finding.ok("server", text)
end

function M.encryption(server)
  if not server.basics.by_network then return finding.ok("TLS", "a socket of this machine: none is needed") end
  if server.basics.tls then return finding.ok("TLS", "the connection is encrypted") end
  return finding.warning("TLS", "the connection goes through the network in the clear",
    "sslmode=verify-full in the DSN (require encrypts, and does not look whose server it is)")
end

function M.passwords(server)
  if server.settings.password_encryption ~= "md5" then return nil end
  return finding.warning("passwords", "new passwords are stored as md5, which is weak",
    "password_encryption = 'scram-sha-256', then set each password again")
end

---@param server moonpool.doctor.Server
function M.clock(server)
  local skew = server.skew
  if math.abs(skew) <= 2 then return finding.ok("clock", "goes with ours") end
  return finding.warning("clock", ("is %s %s ours"):format(finding.time(math.abs(skew)),
    skew > 0 and "ahead of" or "behind"), "let both machines keep time by NTP (chrony, systemd-timesyncd)")
end

---Whether there is room for the connections that this configuration allows itself.
---@param server moonpool.doctor.Server
---@param wanted integer what the pools of one process may open here
function M.connections(server, wanted)
  local all = tonumber(server.settings.max_connections)
  if not all then return nil end
  local free = all - (tonumber(server.settings.superuser_reserved_connections) or 0)
  local used = server.basics.connections
  local text = ("%d of %d connections are in use; a process with these settings opens up to %d"):format(used, free,
    wanted)
  if wanted > free then
    return finding.failure("connections", text, ("lower pool.max, or raise max_connections (%d)"):format(all))
  end
  local processes = math.floor(free / wanted)
  text = ("%s, so %d such process%s fill%s it"):format(text, processes, processes == 1 and "" or "es",
    processes == 1 and "s" or "")
  if used >= free * 0.9 then
    return finding.warning("connections", text, "look who they are: select application_name, count(*) from "
      .. "pg_stat_activity group by 1; lower pool.max, or put a pooler in front")
  end
  return finding.ok("connections", text)
end

function M.idle_timeout(server)
  local value = tonumber(server.settings.idle_in_transaction_session_timeout)
  if not value or server.basics.standby then return nil end
  if value > 0 then
    return finding.ok("idle transactions", "are ended after " .. finding.time(value / 1000))
  end
  return finding.note("idle transactions", "may stay open for ever, and hold locks and old rows",
    "alter role … set idle_in_transaction_session_timeout = '5min'")
end

function M.may_see(server)
  if server.basics.may_see then return finding.ok("privileges", "may see what every session does (pg_monitor)") end
  return finding.note("privileges", "what other users' sessions and standbys do is hidden from " .. server.basics.user
    .. ", so some checks see less", ("as a superuser: grant pg_monitor to \"%s\""):format(server.basics.user))
end

---@param server moonpool.doctor.Server
function M.long_open(server)
  local list = server.long_open or {}
  local first = list[1]
  if not first then return finding.ok("open transactions", "none is open for long") end
  local who = first.application ~= "" and first.application or first.user or "?"
  return finding.warning("open transactions", ("%s open for long; the oldest for %s: process %d of %s, %s"):format(
      #list == 1 and "one is" or #list .. " are", finding.time(first.seconds), first.pid, who, first.state or "?"),
    ("if nobody needs it: select pg_terminate_backend(%d); until then no row that it could see is cleaned up")
      :format(first.pid))
end

function M.prepared(server)
  local first = (server.prepared or {})[1]
  if not first then return nil end
  return finding.warning("prepared transactions", ("'%s' has waited for its second phase for %s"):format(first.gid,
    finding.time(first.seconds)), ("commit prepared '%s' or rollback prepared '%s'"):format(first.gid, first.gid))
end

-- The server stops taking writes about three million before this many.
local END_OF_IDS = 2^31

---@param server moonpool.doctor.Server
function M.wraparound(server)
  local oldest = (server.ages or {})[1]
  if not oldest then return nil end
  local part = oldest.age / END_OF_IDS
  local text = ("%.0f %% of the transaction ids are used up (database %s)"):format(part * 100, oldest.name)
  local advice = "look for what keeps VACUUM from its work: long transactions, prepared ones, slots; then: vacuum "
    .. "(freeze), in " .. oldest.name
  if part >= 0.75 then return finding.failure("transaction ids", text .. "; at 100 % nothing is written", advice) end
  local from = (tonumber(server.settings.autovacuum_freeze_max_age) or 2e8) * 2
  if part >= 0.4 or (oldest.age > from and from < END_OF_IDS) then
    return finding.warning("transaction ids", text, advice)
  end
  return finding.ok("transaction ids", text)
end

function M.safety(server)
  if server.settings.fsync ~= "off" then return nil end
  return finding.warning("fsync", "is off: a crash of the machine may destroy the database",
    "fsync = on, unless everything in it can be made again")
end

function M.autovacuum(server)
  if server.settings.autovacuum ~= "off" then return nil end
  return finding.warning("autovacuum", "is off: tables grow, and transaction ids are used up", "autovacuum = on")
end

---In the order in which they are told.
M.checks = {
  M.version, M.encryption, M.passwords, M.clock, M.connections, M.idle_timeout, M.may_see, M.long_open, M.prepared,
  M.wraparound, M.safety, M.autovacuum,
}

return M
