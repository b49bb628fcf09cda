--- Migrations as files: which there are, what they are called, what they hold.
---   20260101090000_create_users.lua         up and down as functions
---   20260101090000_create_users.up.sql      and, if it can be undone, .down.sql

local directory = require "moonpool.migrate.directory"
local errors = require "moonpool.core.error"
local failure = require "moonpool.migrate.failure"
local ffi = require "ffi"
local native = require "moonpool.core.ffi"

local M = {}

---@class moonpool.migrate.File
---@field version integer
---@field name string
---@field title string "20260101090000_create_users"
---@field kind "lua"|"sql"
---@field path string
---@field content string
---@field checksum string "sha256:…" of the content without byte order mark, lines ending in LF
---@field down_path string|nil of an SQL pair
---@field down_content string|nil

local function read(path)
  local file, reason = io.open(path, "rb")
  if not file then failure.file(("cannot read %s"):format(reason)) end
  local content = file:read "*a"
  file:close()
  if not content then failure.file(("cannot read %s"):format(path)) end
  return content
end

---@param content string
---@return string
function M.checksum(content)
  content = content:gsub("^\239\187\191", ""):gsub("\r\n", "\n")
  local digits = ffi.new "char[65]"
  native.C.mp_sha256(content, #content, digits)
  return "sha256:" .. ffi.string(digits)
end

-- Version, name and what the file is for; nil for a file that is nothing of ours.
local function parse(name)
  if name:find "^[._]" or not (name:find "%.lua$" or name:find "%.sql$") then return nil end
  local version, title, ending = name:match "^(%d+)_([%w_%-]+)(%..+)$"
  local role = ({ [".lua"] = "lua", [".up.sql"] = "up", [".down.sql"] = "down" })[ending]
  if not role then
    failure.file(("%s is no name of a migration"):format(name),
      "VERSION_name.lua, or VERSION_name.up.sql with VERSION_name.down.sql, such as 20260101090000_create_users.lua; "
      .. "a file that starts with _ is left alone")
  end
  if #version > 15 then failure.file(("the version of %s has more than 15 digits"):format(name)) end
  return tonumber(version), title, role
end

local function take(by_version, folder, name)
  local version, title, role = parse(name)
  if not version then return end
  local path = folder .. "/" .. name
  local file = by_version[version]
  if not file then
    file = { version = version, name = title, title = name:match "^%d+" .. "_" .. title }
    by_version[version] = file
  elseif file.name ~= title or file[role] or role == "lua" or file.lua then
    failure.file(("two migrations have the version %s: %s and %s"):format(name:match "^%d+", file.first, name))
  end
  file.first, file[role] = file.first or name, path
end

local function finish(file)
  if not file.lua and not file.up then
    failure.file(("%s has no %s.up.sql beside it"):format(file.first, file.title))
  end
  local path = file.lua or file.up
  local content = read(path)
  return {
    version = file.version, name = file.name, title = file.title, kind = file.lua and "lua" or "sql", path = path,
    content = content, checksum = M.checksum(content),
    down_path = file.down, down_content = file.down and read(file.down),
  }
end

---The migrations of a folder, by version. Raises where a name or a pair is wrong: nothing is passed over.
---@param folder string
---@return moonpool.migrate.File[]
function M.discover(folder)
  local names, reason = directory.list(folder)
  if not names then
    error(errors.new {
      kind = "usage", message = ("cannot read the folder of migrations %s: %s"):format(folder, reason),
      hint = "say where it is with --dir",
    }, 0)
  end
  local by_version, versions, list = {}, {}, {}
  for _, name in ipairs(names) do take(by_version, folder, name) end
  for version in pairs(by_version) do versions[#versions + 1] = version end
  table.sort(versions)
  for i, version in ipairs(versions) do list[i] = finish(by_version[version]) end
  return list
end

return M
