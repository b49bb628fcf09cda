--- The executable, run as a user would: arguments, input, environment; what it printed and how it ended.

local M = {}

---Where the build is.
---@return string
function M.path()
  return (os.getenv "MOONPOOL_BUILD_DIR" or "build") .. "/moonpool"
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function slurp(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  os.remove(path)
  return text
end

---@class tests.Ran
---@field out string
---@field err string
---@field code integer

---Runs it to its end. `input` is piped in; without it stdin is empty. Variables set to false are unset. With
---`interrupt` it is sent one Ctrl-C after so many seconds.
---@param arguments string[]
---@param options { input: string|nil, env: table<string, string|false>|nil, folder: string|nil, interrupt: number|nil }|nil
---@return tests.Ran
function M.run(arguments, options)
  options = options or {}
  local input, out, err, code = os.tmpname(), os.tmpname(), os.tmpname(), os.tmpname()
  local file = assert(io.open(input, "wb"))
  file:write(options.input or "")
  file:close()
  local words = {}
  -- A preloaded sanitizer is for plain luajit; the executable has its own.
  local env = { LD_PRELOAD = false, MOONPOOL_LUA = false, LD_LIBRARY_PATH = false }
  for name, value in pairs(options.env or {}) do env[name] = value end
  words[1] = "env"
  for name, value in pairs(env) do
    if not value then words[#words + 1] = "-u " .. name end
  end
  for name, value in pairs(env) do
    if value then words[#words + 1] = quote(name .. "=" .. value) end
  end
  words[#words + 1] = options.interrupt
    and ("timeout --preserve-status -k 20 -s INT %s"):format(options.interrupt) or "timeout 60"
  local path = M.path()
  if path:sub(1, 1) ~= "/" and options.folder then path = os.getenv "PWD" .. "/" .. path end
  words[#words + 1] = quote(path)
  for _, argument in ipairs(arguments) do words[#words + 1] = quote(argument) end
  local line = ("%s%s <%s >%s 2>%s; echo $? >%s"):format(
    options.folder and "cd " .. quote(options.folder) .. "; " or "", table.concat(words, " "), input, out, err, code)
  os.execute(line)
  os.remove(input)
  return { out = slurp(out), err = slurp(err), code = tonumber(slurp(code)) }
end

return M
