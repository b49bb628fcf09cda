--- Subcommands in a process of their own: what they print, and how they end.

local json = require "moonpool.core.json"

local M = {}

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

---The shell command that runs a subcommand.
---@param name string "migrate"
---@param options table
---@param environment string|nil "MOONPOOL_DSN=x"
---@return string
function M.line(name, options, environment)
  return ("%s luajit tests/lua/support/command_driver.lua %s %s"):format(environment or "",
    quoted("moonpool.cli." .. name), quoted(json.encode(options)))
end

---Runs it. Gives the exit code, stdout, stderr.
---@param name string
---@param options table
---@param environment string|nil
---@return integer code
---@return string out
---@return string err
function M.run(name, options, environment)
  local talk = os.tmpname()
  local pipe = assert(io.popen(M.line(name, options, environment) .. " 2>" .. talk .. "; echo $? >&1"))
  local out = pipe:read "*a"
  pipe:close()
  local file = assert(io.open(talk))
  local err = file:read "*a"
  file:close()
  os.remove(talk)
  local body, code = out:match "^(.-)(%d+)\n$"
  return tonumber(code), body, err
end

return M
