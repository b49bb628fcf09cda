--- A folder of files that lives as long as a test.

local M = {}

---@class support.Folder
---@field path string
local Folder = {}
Folder.__index = Folder

---@param files table<string, string>|nil
---@return support.Folder
function M.new(files)
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute("mkdir -p '" .. path .. "'") == 0)
  local folder = setmetatable({ path = path }, Folder)
  for name, content in pairs(files or {}) do folder:write(name, content) end
  return folder
end

---@param name string
---@param content string
function Folder:write(name, content)
  local file = assert(io.open(self.path .. "/" .. name, "wb"))
  file:write(content)
  file:close()
end

---@param name string
function Folder:remove(name)
  assert(os.remove(self.path .. "/" .. name))
end

function Folder:delete()
  os.execute("rm -rf '" .. self.path .. "'")
end

return M
