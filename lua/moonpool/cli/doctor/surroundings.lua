--- Where this runs: which servers were named, and by what; the files beside it; the programs it needs. Each check
--- takes what was found out and gives a finding, or nil where there is nothing to say.

local finding = require "moonpool.cli.doctor.finding"

local M = {}

---@class moonpool.doctor.Surroundings
---@field dsn string|nil what --dsn gave
---@field getenv fun(name: string): string|nil
---@field env_file string|nil the text of .env in this folder
---@field env_file_mode string|nil as `ls -l` writes it: "-rw-r--r--"
---@field pgpass_mode string|nil the same of the password file
---@field tools { folder: string|nil, version: string|nil } PostgreSQL's own programs
---@field versions { moonpool: string|nil, libpq: string|nil, libpqxx: string|nil, luajit: string }

-- The order in which the engine looks.
local names = { "MOONPOOL_DSN", "MOONPOOL_PRIMARY", "DATABASE_URL", "PGSERVICE", "PGHOST", "PGHOSTADDR" }

local function value_of(around, name)
  local value = around.getenv(name)
  return value ~= nil and value ~= "" and value or nil
end

-- The value that .env gives a name, without its quotes; nil where it gives none.
local function in_file(around, name)
  for line in ((around.env_file or "") .. "\n"):gmatch "(.-)\r?\n" do
    local value = line:gsub("^%s*export%s+", ""):match("^%s*" .. name .. "%s*=%s*(.-)%s*$")
    if value then return value:match '^"(.*)"$' or value:match "^'(.*)'$" or value end
  end
  return nil
end

---The name of the variable that says where the servers are; nil where --dsn does, or nothing.
---@param around moonpool.doctor.Surroundings
---@return string|nil
function M.variable(around)
  if around.dsn then return nil end
  for _, name in ipairs(names) do
    if value_of(around, name) then return name end
  end
  return nil
end

---Which DSN is used, and where from; never what is in it.
function M.source(around)
  local name = M.variable(around)
  if around.dsn then
    if around.dsn:find "password" or around.dsn:find "://[^/@]*:[^/@]*@" then
      return finding.warning("DSN", "from --dsn, with a password that every user of this machine sees in the list of "
        .. "processes", "put it into MOONPOOL_DSN, or the password into ~/.pgpass (chmod 600)")
    end
    return finding.ok("DSN", "from --dsn")
  elseif not name then
    return finding.ok("DSN", "no server is named: the embedded development cluster (`moonpool dev status`)")
  end
  local written = in_file(around, name)
  local place = written == nil and "the environment" or written == value_of(around, name) and "the file .env here"
    or "the environment (.env here has another value, which is not used)"
  local over = {}
  for _, other in ipairs(names) do
    local libpq = name:find "^PG" and other:find "^PG"
    if other ~= name and value_of(around, other) and not libpq then over[#over + 1] = other end
  end
  local text = ("from %s in %s"):format(name, place)
  if #over == 0 then return finding.ok("DSN", text) end
  return finding.note("DSN", ("%s; %s %s set too and not used"):format(text, table.concat(over, ", "),
    #over == 1 and "is" or "are"), "unset what is not meant; the first one counts: " .. table.concat(names, ", "))
end

local function others_may_read(mode)
  return mode ~= nil and (mode:sub(5, 5) == "r" or mode:sub(8, 8) == "r")
end

---May others read the file with the secrets?
function M.env_file(around)
  if not around.env_file then return nil end
  local secret = around.env_file:find "[Pp][Aa][Ss][Ss]" or around.env_file:find "://[^/@%s]*:[^/@%s]*@"
  if not others_may_read(around.env_file_mode) then
    return finding.ok(".env", "is read, and yours alone")
  elseif secret then
    return finding.warning(".env", "has a password in it, and others may read it (" .. around.env_file_mode .. ")",
      "chmod 600 .env")
  end
  return finding.note(".env", "may be read by others (" .. around.env_file_mode .. "); there is no password in it")
end

---libpq does not use a password file that others may read.
function M.password_file(around)
  local mode = around.pgpass_mode
  if not mode then return nil end
  if mode:sub(5) ~= "------" then
    return finding.failure("password file", "others have rights on it (" .. mode .. "), so libpq does not use it",
      "chmod 600 ~/.pgpass")
  end
  return finding.ok("password file", "is yours alone")
end

---What `moonpool dev` needs; a failure only where it is what is connected to.
function M.tools(around)
  local tools = around.tools
  if tools.folder then
    return finding.ok("moonpool dev", ("PostgreSQL %s in %s"):format(tools.version or "?", tools.folder))
  end
  local needed = not around.dsn and not M.variable(around)
  return (needed and finding.failure or finding.note)("moonpool dev", "PostgreSQL's own programs are not here, so "
    .. "there is no embedded cluster", "Debian: apt-get install postgresql; or name their folder in MOONPOOL_PG_BIN")
end

---What takes part, with its version.
function M.versions(around)
  local v = around.versions
  local parts = {}
  for _, one in ipairs { { "moonpool", v.moonpool }, { "libpq", v.libpq }, { "libpqxx", v.libpqxx } } do
    if one[2] then parts[#parts + 1] = one[1] .. " " .. one[2] end
  end
  parts[#parts + 1] = v.luajit
  return finding.ok("versions", table.concat(parts, ", "))
end

---In the order in which they are told.
M.checks = { M.versions, M.source, M.env_file, M.password_file, M.tools }

return M
