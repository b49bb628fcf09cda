--- Finds out where this runs: files, variables, programs. What it means is `surroundings`' to say.

local jit = require "jit"

local M = {}

local function slurp(path)
  local file = io.open(path, "rb")
  local text = file and file:read "*a"
  if file then file:close() end
  return text
end

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function first_line(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local line = pipe and pipe:read "*l"
  if pipe then pipe:close() end
  return line
end

-- "-rw-r--r--"; nil where there is no such file.
local function mode(path)
  local line = first_line("ls -ldL " .. quoted(path))
  return line and line:match "^[%-%a]+"
end

local function is_complete(folder)
  for _, name in ipairs { "initdb", "postgres", "pg_ctl", "pg_basebackup" } do
    local file = io.open(folder .. "/" .. name, "rb")
    if not file then return false end
    file:close()
  end
  return true
end

-- As `moonpool dev` looks for them: the folder it was told, pg_config's, where distributions put them, PATH.
local function tool_folders()
  local told = os.getenv "MOONPOOL_PG_BIN"
  if told and told ~= "" then return { told } end
  local folders = { first_line "pg_config --bindir" }
  local places = "/usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin"
  local pipe = io.popen("ls -d " .. places .. " 2>/dev/null | sort -Vr")
  for line in pipe and pipe:lines() or function() end do folders[#folders + 1] = line end
  if pipe then pipe:close() end
  local found = first_line "command -v initdb"
  folders[#folders + 1] = found and found:match "^(.*)/[^/]*$"
  return folders
end

local function tools()
  for _, folder in ipairs(tool_folders()) do
    if is_complete(folder) then
      local version = first_line(quoted(folder .. "/postgres") .. " --version")
      return { folder = folder, version = version and version:match "%) (%S+)" }
    end
  end
  return {}
end

---@param opts { dsn: string|nil, version: string|nil, libpq: string|nil, libpqxx: string|nil }
---@return moonpool.doctor.Surroundings
function M.look(opts)
  local home = os.getenv "HOME"
  local passwords = os.getenv "PGPASSFILE" or (home and home .. "/.pgpass")
  return {
    dsn = opts.dsn, getenv = os.getenv, env_file = slurp ".env", env_file_mode = mode ".env",
    pgpass_mode = passwords and mode(passwords), tools = tools(),
    versions = { moonpool = opts.version, libpq = opts.libpq, libpqxx = opts.libpqxx, luajit = jit.version },
  }
end

return M
