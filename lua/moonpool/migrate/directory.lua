--- The names in a folder, by the C library: Lua has no such function of its own.

local ffi = require "ffi"

local M = {}

-- Only d_name is read; what lies before it differs.
local entries = {
  Linux = "struct moonpool_dirent { uint64_t ino; int64_t off; uint16_t reclen; uint8_t type; char name[256]; };",
  OSX = "struct moonpool_dirent { uint64_t ino; uint64_t off; uint16_t reclen; uint16_t length; uint8_t type; "
    .. "char name[1024]; };",
}

if not pcall(ffi.typeof, "struct moonpool_dirent") then
  ffi.cdef(entries[ffi.os] or entries.Linux)
  ffi.cdef [[
    void* opendir(const char* path);
    struct moonpool_dirent* readdir(void* folder);
    int closedir(void* folder);
    char* strerror(int number);
  ]]
end

---@param path string
---@return string[]|nil names sorted
---@return string|nil reason
function M.list(path)
  local folder = ffi.C.opendir(path)
  if folder == nil then return nil, ffi.string(ffi.C.strerror(ffi.errno())) end
  local names = {}
  while true do
    local entry = ffi.C.readdir(folder)
    if entry == nil then break end
    local name = ffi.string(entry.name)
    if name ~= "." and name ~= ".." then names[#names + 1] = name end
  end
  ffi.C.closedir(folder)
  table.sort(names)
  return names
end

return M
