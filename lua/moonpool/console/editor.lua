--- `\e`: a text in the user's own editor.

local M = {}

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read(path)
  local file, why = io.open(path, "rb")
  if not file then error(why, 0) end
  local text = file:read "*a"
  file:close()
  return text
end

local function command()
  for _, name in ipairs { "MOONPOOL_EDITOR", "VISUAL", "EDITOR" } do
    local said = os.getenv(name)
    if said and said ~= "" then return said end
  end
  return "vi"
end

-- Lua 5.1 gives a number, later ones true.
local function went_well(status)
  return status == 0 or status == true
end

---Opens the editor on a file, or on a text, and gives what it holds when the editor has ended.
---@param path string|nil
---@param text string
---@return string
function M.edit(path, text)
  local file = path or os.tmpname()
  if not path then
    local handle = assert(io.open(file, "wb"))
    handle:write(text, text:match "\n$" and "" or "\n")
    handle:close()
  end
  local ok = went_well(os.execute(command() .. " " .. quote(file)))
  local edited = ok and read(file) or ""
  if not path then os.remove(file) end
  if not ok then error("the editor did not end well, so nothing was run", 0) end
  return edited
end

return M
