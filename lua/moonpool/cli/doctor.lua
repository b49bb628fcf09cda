--- `moonpool doctor`: looks at what this runs in, at the servers, at the database, and says for each thing how it is
--- and what to do. It changes nothing. Findings on stdout; exit code 1 when something is a failure, 3 when no server
--- can be reached.

local cluster = require "moonpool.cli.doctor.cluster"
local errors = require "moonpool.core.error"
local exit = require "moonpool.cli.exit"
local finding = require "moonpool.cli.doctor.finding"
local handle = require "moonpool.core.handle"
local look_around = require "moonpool.cli.doctor.look_around"
local migrations = require "moonpool.cli.doctor.migrations"
local native = require "moonpool.core.ffi"
local op = require "moonpool.core.op"
local primary = require "moonpool.cli.doctor.primary"
local questions = require "moonpool.cli.doctor.questions"
local report = require "moonpool.cli.doctor.report"
local run = require "moonpool.core.run"
local server_checks = require "moonpool.cli.doctor.server"
local surroundings = require "moonpool.cli.doctor.surroundings"

local M = {}

---@class moonpool.cli.DoctorOptions
---@field dsn string|nil
---@field json boolean|nil
---@field dir string|nil folder of the migrations
---@field long number|nil seconds from which on a transaction is open for long
---@field color boolean|nil
---@field version string|nil
---@field libpq string|nil
---@field libpqxx string|nil

local function add(findings, found, node)
  if not found then return end
  if found.level then found = { found } end
  for _, one in ipairs(found) do
    one.node = one.node or node
    findings[#findings + 1] = one
  end
end

-- What one process may open on a node.
local function wanted_of(document, name)
  for _, node in ipairs(document.nodes) do
    if node.name == name then
      return node.role == "replica" and node.pools.read.max or node.pools.write.max + node.pools.read.max
    end
  end
  return 0
end

local function look_at_servers(findings, db, document, opts)
  local servers, failed = questions.ask_all(db, document.nodes, opts.long or questions.LONG)
  for _, one in ipairs(failed) do
    add(findings, finding.failure("questions", "it could not be asked: " .. exit.text(one.why):gsub("%s+", " "),
      "`moonpool status` shows how it is"), one.node)
  end
  for _, server in ipairs(servers) do
    local wanted = wanted_of(document, server.name)
    for _, check in ipairs(server_checks.checks) do add(findings, check(server, wanted), server.name) end
    for _, check in ipairs(server.basics.standby and {} or primary.checks) do
      add(findings, check(server), server.name)
    end
  end
end

-- Is it known of each replica that answers how far it is behind?
local function is_complete(document)
  if type(document.primary) ~= "string" then return true end
  for _, node in ipairs(document.nodes) do
    local follows = node.alive and node.role == "replica" and node.timeline == document.timeline
    if follows and type(node.lag_bytes) ~= "number" then return false end
  end
  return true
end

-- A replica that was looked at before its primary has no lag until it is looked at again.
local function look(db)
  local document
  for _ = 1, 60 do
    run.finish(native.C.mp_cluster_look(db.root.cluster, 5))
    document = db:stats()
    if is_complete(document) then break end
    op.sleep(0.05)
  end
  return document
end

local function look_at_cluster(findings, db, opts)
  local document, alive = look(db), false
  for _, check in ipairs(cluster.checks) do add(findings, check(document)) end
  for _, node in ipairs(document.nodes) do alive = alive or node.alive end
  if not alive then return false end
  look_at_servers(findings, db, document, opts)
  if type(document.primary) == "string" then
    add(findings, cluster.pooler(questions.is_pooled(db)))
    local list, why = migrations.standing(db, opts.dir)
    add(findings, migrations.check(list, why, opts.dir))
  end
  return true
end

---Everything that is found, and whether a server was reached.
---@param opts moonpool.cli.DoctorOptions
---@return moonpool.doctor.Finding[]
---@return boolean reached
function M.examine(opts)
  local findings = {}
  local around = look_around.look(opts)
  for _, check in ipairs(surroundings.checks) do add(findings, check(around)) end
  -- What the engine would write into its log is told as findings.
  local ok, db = pcall(handle.connect, { dsn = opts.dsn, log = { level = "error" } })
  if not ok then
    add(findings, finding.failure("DSN", errors.is_error(db) and db.message or tostring(db), exit.code(db) == exit.USAGE
      and "mend the DSN: postgresql://user@host:5432/database, or host=… dbname=…" or nil))
    return findings, exit.code(db) ~= exit.UNREACHABLE
  end
  local looked, answer = pcall(look_at_cluster, findings, db, opts)
  pcall(db.close, db, "1s")
  if not looked then error(answer, 0) end
  return findings, answer
end

---@param opts moonpool.cli.DoctorOptions
---@return integer exit code
function M.run(opts)
  local findings, reached = M.examine(opts)
  local text = opts.json and report.document(findings, reached) or report.text(findings, reached, opts.color)
  io.stdout:write(text, "\n")
  if not reached then return exit.UNREACHABLE end
  return finding.count(findings).failure > 0 and exit.FAILURE or exit.OK
end

return M
