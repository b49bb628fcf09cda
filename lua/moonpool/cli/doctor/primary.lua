--- What is asked of the primary alone: standbys and slots, indexes, sequences. Each check takes its answers and
--- gives findings.

local finding = require "moonpool.cli.doctor.finding"

local M = {}

-- WAL that a slot may hold back before it is worth a word.
local MUCH = 1024 * 1024 * 1024

local function size(bytes)
  local units, unit = { "B", "kB", "MB", "GB", "TB" }, 1
  while bytes >= 1024 and unit < #units do bytes, unit = bytes / 1024, unit + 1 end
  return ("%.0f %s"):format(bytes, units[unit])
end

---@param server moonpool.doctor.Server
function M.wal_level(server)
  if server.settings.wal_level ~= "minimal" then return nil end
  return finding.warning("wal_level", "is minimal: no replica can follow this server, and no backup can be taken "
    .. "while it runs", "wal_level = replica, and a restart")
end

-- Those that make COMMIT wait for the standbys that are named.
local waits = { on = true, remote_apply = true, remote_write = true }

---@param server moonpool.doctor.Server
function M.synchronous(server)
  local names = server.settings.synchronous_standby_names
  if names == nil or names == "" then return nil end
  local connected = 0
  for _, one in ipairs(server.standbys or {}) do
    if one.sync_state == "sync" or one.sync_state == "quorum" then connected = connected + 1 end
  end
  if connected > 0 then
    return finding.ok("synchronous standbys", ("%s: %d connected"):format(names, connected))
  elseif not server.basics.may_see then
    return finding.note("synchronous standbys", names .. "; whether one is connected is hidden from "
      .. server.basics.user, "grant pg_monitor, and ask again")
  end
  local says = ("%s, and none of them is connected"):format(names)
  if not waits[server.settings.synchronous_commit] then
    return finding.warning("synchronous standbys", says .. "; commits that ask for them wait for ever",
      "bring one back, or: alter system set synchronous_standby_names = ''; select pg_reload_conf()")
  end
  return finding.failure("synchronous standbys", ("%s: every COMMIT waits (%d do now)"):format(says,
      server.basics.waiting_for_standbys),
    "bring one back, or: alter system set synchronous_standby_names = ''; select pg_reload_conf()")
end

local function slot(one, limit)
  local advice = ("its consumer comes back, or: select pg_drop_replication_slot('%s')"):format(one.name)
  if one.wal_status == "lost" then
    return finding.failure("replication slots", one.name .. " has lost WAL that its consumer needs: that one cannot "
      .. "follow any more", ("make the consumer anew, and: select pg_drop_replication_slot('%s')"):format(one.name))
  elseif not one.active then
    local more = limit == "-1" and ", without a limit (max_slot_wal_keep_size)" or ""
    return finding.warning("replication slots", ("%s is used by nobody and holds back %s of WAL%s"):format(one.name,
      size(one.bytes), more), advice)
  elseif one.bytes > MUCH then
    return finding.warning("replication slots", ("%s holds back %s of WAL: its consumer is behind"):format(one.name,
      size(one.bytes)), "look what slows the consumer down: its disk, its network, a long query on it")
  end
  return nil
end

---@param server moonpool.doctor.Server
function M.slots(server)
  local found, list = {}, server.slots or {}
  for _, one in ipairs(list) do found[#found + 1] = slot(one, server.settings.max_slot_wal_keep_size) end
  if #found == 0 and #list > 0 then
    found[1] = finding.ok("replication slots", finding.counted(#list, "slot") .. ", in use and not far behind")
  end
  return found
end

---@param server moonpool.doctor.Server
function M.indexes(server)
  local found = {}
  for i, one in ipairs(server.invalid or {}) do
    if i == 6 then
      found[#found + 1] = finding.warning("indexes", ("and %d more"):format(#server.invalid - 5))
      break
    end
    local says = ("%s on %s is invalid: writes keep it up and no query uses it"):format(one.name, one.table)
    if one.is_unique then says = says .. "; nothing guarantees that its values are unique" end
    found[i] = finding.warning("indexes", says, one.of_reindex and ("drop index concurrently %s"):format(one.name)
      or ("reindex index concurrently %s; or drop it and create it again"):format(one.name))
  end
  if #found == 0 then found[1] = finding.ok("indexes", "all are valid") end
  return found
end

---@param server moonpool.doctor.Server
function M.sequences(server)
  local found = {}
  for _, one in ipairs(server.sequences or {}) do
    local whole = one["end"] - one.start
    local used = whole == 0 and 1 or (one.last - one.start) / whole
    if used >= 0.8 then
      local level = used >= 0.95 and finding.failure or finding.warning
      found[#found + 1] = level("sequences", ("%s is at %.0f of %.0f (%.0f %%): at its end inserts fail"):format(
          one.name, one.last, one["end"], math.floor(used * 100)),
        ("alter the column to bigint, then: alter sequence %s as bigint maxvalue 9223372036854775807"):format(one.name))
    end
  end
  if #found == 0 and server.sequences then found[1] = finding.ok("sequences", "none is near its end") end
  return found
end

---In the order in which they are told.
M.checks = { M.wal_level, M.synchronous, M.slots, M.indexes, M.sequences }

return M
