--- Writes the files of a new migration.

local directory = require "moonpool.migrate.directory"
local errors = require "moonpool.core.error"

local M = {}

local LUA = [[
-- %s

return {
  up = function(m)
    -- m:create_table("people", function(t) t:bigint "id" :identity():primary_key() end)
    -- m:add_column("people", "age", "int")    m:create_index("people", { "age" })    m:exec "any SQL"
  end,
  down = function(m)
  end,
}
]]

local function write(path, content)
  local there = io.open(path, "rb")
  if there then
    there:close()
    errors.misuse("%s exists already", path)
  end
  local file, reason = io.open(path, "wb")
  if not file then errors.misuse("cannot write %s", reason) end
  file:write(content)
  file:close()
  return path
end

-- The version that the clock gives, or the next that no file has.
local function version_for(folder, now)
  local taken = {}
  for _, name in ipairs(directory.list(folder) or {}) do taken[name:match "^%d+" or ""] = true end
  while taken[os.date("!%Y%m%d%H%M%S", now)] do now = now + 1 end
  return os.date("!%Y%m%d%H%M%S", now)
end

---@param folder string
---@param name string "Add a phone" or "add_a_phone"
---@param as_sql boolean|nil a pair of SQL files
---@param now integer|nil seconds since the epoch
---@return string[] paths
function M.write(folder, name, as_sql, now)
  local slug = type(name) == "string" and name:lower():gsub("[^%w]+", "_"):gsub("^_+", ""):gsub("_+$", "") or ""
  if slug == "" then
    errors.misuse("a migration needs a name of letters and digits, got %s", name ~= nil and errors.name(name) or "none")
  end
  local base = folder .. "/" .. version_for(folder, now or os.time()) .. "_" .. slug
  if not as_sql then return { write(base .. ".lua", LUA:format((slug:gsub("_", " ")))) } end
  return { write(base .. ".up.sql", ""), write(base .. ".down.sql", "") }
end

return M
