--- The servers together, as the engine sees them: who answers, who is what, who follows.

local finding = require "moonpool.cli.doctor.finding"
local null = require "moonpool.core.null"

local M = {}

local BEHIND_MS, FAR_BEHIND_MS = 10000, 300000
local BEHIND_BYTES = 64 * 1024 * 1024

local function known(value)
  if value == nil or value == null then return nil end
  return value
end

local function about(node, one)
  one.node = node.name
  return one
end

-- The words of the server or of libpq, on one line.
local function problem_of(node)
  local problem = known(node.problem)
  return problem and (problem:gsub("%s+", " ")) or "it gave no answer in time"
end

-- What to do about the commonest of them.
local advices = {
  { "password authentication failed", "check user and password of its DSN" },
  { "no password supplied", "put a password into the DSN, PGPASSWORD or ~/.pgpass" },
  { "no pg_hba.conf entry", "let this machine in: a line for it in the server's pg_hba.conf, then pg_reload_conf()" },
  { "database \".-\" does not exist", "check dbname of its DSN; `moonpool dev psql -- -l` lists those of the demo" },
  { "role \".-\" does not exist", "check user of its DSN" },
  { "could not translate host name", "check the name of its host, and DNS" },
  { "No such file or directory", "no server listens on that socket: start it, or check host (for `moonpool dev`: "
    .. "`moonpool dev start`)" },
  { "Connection refused", "no server listens there: start it, or check host and port" },
  { "too many clients", "lower pool.max, raise max_connections, or put a pooler in front" },
  { "[Tt]imeout", "a firewall may drop what is sent: check host, port and the way there" },
  { "timed out", "a firewall may drop what is sent: check host, port and the way there" },
  { "SSL", "check sslmode, and the certificates" },
  { "starting up", "wait until it has started" },
}

local function advice_for(problem)
  for _, one in ipairs(advices) do
    if problem:find(one[1]) then return one[2] end
  end
  return "look into the server's log"
end

---Each server answers, or why it does not.
function M.reachable(document)
  local found = {}
  for i, node in ipairs(document.nodes) do
    local problem = not node.alive and problem_of(node)
    found[i] = about(node, problem and finding.failure("reachable", problem, advice_for(problem))
      or finding.ok("reachable", ("answers in %.1f ms"):format(known(node.round_trip_ms) or 0)))
  end
  return found
end

---Each one is what it was named as.
function M.roles(document)
  local found = {}
  for _, node in ipairs(document.nodes) do
    local named = node.name:match "^primary" or node.name:match "^replica"
    if node.alive and node.role ~= "unknown" then
      if named and named ~= node.role then
        found[#found + 1] = about(node, finding.warning("role", ("is a %s and was named as a %s; statements go where "
          .. "they belong all the same"):format(node.role, named), "swap the DSNs, or name them all as `nodes`"))
      else
        found[#found + 1] = about(node, finding.ok("role", node.role))
      end
    end
  end
  return found
end

---There is one primary.
function M.primary(document)
  if document.split_brain then
    return { finding.failure("primary", "several servers take themselves for the primary on one timeline: nothing is "
      .. "written", "find out which one has what, stop the others before anything else writes to them") }
  elseif not known(document.primary) then
    local alive = 0
    for _, node in ipairs(document.nodes) do alive = alive + (node.alive and 1 or 0) end
    if alive == 0 then return {} end
    return { finding.failure("primary", "there is none: only reads are answered",
      "name the server that takes writes; after a crash, promote a replica: select pg_promote()") }
  end
  return { finding.ok("primary", document.primary) }
end

local function lag_of(node)
  local time, bytes = known(node.lag_ms), known(node.lag_bytes)
  if not time and not bytes then
    return finding.note("replication", "how far it is behind is not known: no primary is seen")
  end
  time, bytes = time or 0, bytes or 0
  local text = ("%s behind, %.1f MB to replay"):format(finding.time(time / 1000), bytes / 1048576)
  local advice = "look at it: is it connected (pg_stat_wal_receiver), is its replay paused, does a long query hold it?"
  if time >= FAR_BEHIND_MS and bytes > 0 then return finding.failure("replication", text, advice) end
  if (time >= BEHIND_MS and bytes > 0) or bytes >= BEHIND_BYTES then
    return finding.warning("replication", text, advice)
  end
  return finding.ok("replication", text)
end

---Each replica follows, on the primary's timeline.
function M.replication(document)
  local found, timeline = {}, known(document.timeline)
  for _, node in ipairs(document.nodes) do
    if node.alive and node.role == "replica" then
      local own, refused = known(node.timeline), known(node.refused)
      if own and timeline and own ~= timeline then
        found[#found + 1] = about(node, finding.failure("replication", ("it is on timeline %d, the primary on %d: it "
          .. "does not follow"):format(own, timeline), "pg_rewind it to the primary, or make it anew"))
      elseif refused and not refused:find "lag" then
        found[#found + 1] = about(node, finding.failure("replication", "it is not read from: "
          .. refused:gsub("_", " "), "compare its system identifier and timeline with the primary's"))
      else
        found[#found + 1] = about(node, lag_of(node))
      end
    end
  end
  return found
end

---@param is_pooled boolean
function M.pooler(is_pooled)
  if not is_pooled then return nil end
  return finding.warning("pooler", "two connections are one session of the server: a pooler (PgBouncer) in transaction "
    .. "mode is in front", 'connect with prepare = "off"; LISTEN, pinned sessions and migrations want a DSN past it')
end

---In the order in which they are told.
M.checks = { M.reachable, M.primary, M.roles, M.replication }

return M
