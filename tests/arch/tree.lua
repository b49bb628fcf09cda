-- Reads the checkout: which files there are, and their lines.
local M = {}

local skipped = { ["build"] = true, [".git"] = true, [".cache"] = true, ["node_modules"] = true }

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function is_ours(path)
  local first = path:match "^[^/]+"
  return not (skipped[first] or first:match "^build%-")
end

---Every file below `root` that is ours, as sorted paths relative to it.
---@param root string
---@return string[]
function M.files(root)
  local pipe = assert(io.popen("cd " .. quote(root) .. " && find . -type f"))
  local found = {}
  for line in pipe:lines() do
    local path = line:gsub("^%./", "")
    if is_ours(path) then
      found[#found + 1] = path
    end
  end
  pipe:close()
  if #found == 0 then
    error("there is nothing to look at in " .. root, 0)
  end
  table.sort(found)
  return found
end

---@param root string
---@param path string
---@return string[]
function M.lines(root, path)
  local file = assert(io.open(root .. "/" .. path, "rb"))
  local lines = {}
  for line in file:lines() do
    lines[#lines + 1] = line
  end
  file:close()
  return lines
end

---The folders that hold a file, as a set: "engine/base" for "engine/base/error.hpp".
---@param files string[]
---@return table<string, boolean>
function M.folders(files)
  local folders = {}
  for _, path in ipairs(files) do
    local folder = path:match "^(.*)/[^/]+$"
    while folder and not folders[folder] do
      folders[folder] = true
      folder = folder:match "^(.*)/[^/]+$"
    end
  end
  return folders
end

return M
