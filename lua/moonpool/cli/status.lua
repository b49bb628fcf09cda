--- `moonpool status`: the nodes of a cluster, as the engine sees them. The table on stdout, talk on stderr.

local connect = require "moonpool.cli.connect"
local exit = require "moonpool.cli.exit"
local json = require "moonpool.core.json"
local native = require "moonpool.core.ffi"
local null = require "moonpool.core.null"
local run = require "moonpool.core.run"

local M = {}

---@class moonpool.cli.StatusOptions
---@field dsn string|nil
---@field json boolean|nil
---@field watch boolean|nil

local function known(value)
  if value == nil or value == null then return nil end
  return value
end

---"1.4 MB"
---@param n number
---@return string
function M.bytes(n)
  local units = { "B", "kB", "MB", "GB", "TB" }
  local unit = 1
  while n >= 1024 and unit < #units do n, unit = n / 1024, unit + 1 end
  return unit == 1 and ("%d B"):format(n) or ("%.1f %s"):format(n, units[unit])
end

local function milliseconds(ms)
  if ms < 1 then return ("%.2f ms"):format(ms) end
  if ms < 1000 then return ("%.0f ms"):format(ms) end
  if ms < 120000 then return ("%.1f s"):format(ms / 1000) end
  return ("%.0f min"):format(ms / 60000)
end

-- Lag is a replica's; of one nobody knows, nobody says that it is none.
local function lag(node)
  if node.role ~= "replica" then return "" end
  local time, size = known(node.lag_ms), known(node.lag_bytes)
  if not time and not size then return "unknown" end
  if time == 0 then return "none" end
  local parts = {}
  if time then parts[#parts + 1] = milliseconds(time) end
  if size then parts[#parts + 1] = M.bytes(size) end
  return table.concat(parts, ", ")
end

local function state(node)
  if not node.alive then return "down" end
  if known(node.refused) then return (node.refused:gsub("_", " ")) end
  return node.role == "unknown" and "not seen yet" or "up"
end

-- Of a server that is down it would be that of an answer long ago.
local function answers_in(node)
  local time = node.alive and known(node.round_trip_ms)
  return time and milliseconds(time) or ""
end

local function pool(one)
  return ("%d/%d"):format(one.busy, one.max) .. (one.waiting > 0 and (" +%d"):format(one.waiting) or "")
end

local function breaker(node)
  local write, read = node.breaker.write, node.breaker.read
  local forced = known(node.breaker.forced)
  if forced then return "held " .. forced end
  if write == read then return (write:gsub("_", " ")) end
  return ("write %s, read %s"):format(write, read):gsub("_", " ")
end

-- Columns as wide as what stands in them.
local function aligned(heads, rows)
  local widths, rules, lines = {}, {}, {}
  for c, head in ipairs(heads) do
    widths[c] = #head
    for _, row in ipairs(rows) do widths[c] = math.max(widths[c], #row[c]) end
    rules[c] = ("─"):rep(widths[c])
  end
  local function line(cells)
    local out = {}
    for c, cell in ipairs(cells) do out[c] = cell .. (" "):rep(widths[c] - #cell) end
    return (table.concat(out, "  "):gsub("%s+$", ""))
  end
  lines[1], lines[2] = line(heads), table.concat(rules, "  ")
  for _, row in ipairs(rows) do lines[#lines + 1] = line(row) end
  return lines
end

---The table's lines, and below it what is wrong and what changed.
---@param document table what `db:stats()` gives
---@return string[]
function M.lines(document)
  local rows = {}
  for i, node in ipairs(document.nodes) do
    rows[i] = {
      node.name, node.role, state(node), tostring(known(node.timeline) or ""), tostring(known(node.lsn) or ""),
      lag(node), answers_in(node), pool(node.pools.write), pool(node.pools.read), breaker(node),
    }
  end
  local lines = aligned(
    { "node", "role", "state", "timeline", "position", "lag", "answers in", "writes", "reads", "breaker" }, rows)
  for _, node in ipairs(document.nodes) do
    local problem = known(node.problem)
    if problem then lines[#lines + 1] = ("%s: %s"):format(node.name, (problem:gsub("%s+", " "))) end
  end
  local retry = document.retry
  if retry.refused > 0 then
    lines[#lines + 1] = ("The retry budget has %d of %d tokens; %d repetitions were made, %d refused."):format(
      retry.tokens, retry.most, retry.repeated, retry.refused)
  end
  if document.split_brain then
    lines[#lines + 1] = "Several nodes take themselves for the primary on one timeline: nothing is written."
  elseif not known(document.primary) then
    lines[#lines + 1] = "There is no primary at the moment."
  end
  for _, change in ipairs(document.changes) do
    if change.from ~= "unknown" then
      lines[#lines + 1] = ("%s  %s became a %s (was a %s), timeline %d"):format(
        os.date("%H:%M:%S", math.floor(change.at)), change.node, change.to, change.from, change.timeline)
    end
  end
  return lines
end

local function anybody_alive(document)
  for _, node in ipairs(document.nodes) do
    if node.alive then return true end
  end
  return false
end

-- A replica that was looked at before its primary has no lag yet: it has at the next look.
local function await_lags(db)
  for _ = 1, 30 do
    local document, missing = db:stats(), false
    for _, node in ipairs(document.nodes) do
      missing = missing or (node.alive and node.role == "replica" and not known(node.lag_bytes))
    end
    if not missing or not known(document.primary) then return end
    native.C.mp_sleep(0.05)
  end
end

local function show(db, opts)
  local document = db:stats()
  if opts.json then
    io.stdout:write(json.encode(document), "\n")
  else
    io.stdout:write(table.concat(M.lines(document), "\n"), "\n")
  end
  io.stdout:flush()
  return anybody_alive(document) and exit.OK or exit.UNREACHABLE
end

---@param opts moonpool.cli.StatusOptions
---@return integer exit code
function M.run(opts)
  local db = connect.open(opts)
  run.finish(native.C.mp_cluster_look(db.root.cluster, 5))
  await_lags(db)
  local code = show(db, opts)
  while opts.watch do
    -- Unlike a sleep it ends at the first Ctrl-C.
    if native.C.mp_wait_any(nil, 0, 1, nil) < 0 then
      code = exit.INTERRUPTED
      break
    end
    -- To the top left corner, and away with what was there.
    if not opts.json then io.stdout:write "\27[H\27[2J" end
    code = show(db, opts)
  end
  db:close(0)
  return code
end

return M
