--- A schema of its own, a folder with two migrations, and a migrator over them.

local database = require "database"
local folders = require "folder"
local migrate = require "moonpool.migrate"

local M = {}

---@class support.MigrationRig
---@field db moonpool.Handle
---@field folder support.Folder
---@field talk string[]
local Rig = {}
Rig.__index = Rig

---@return support.MigrationRig
function M.new()
  return setmetatable({
    db = database.in_schema "mig", talk = {},
    folder = folders.new {
      ["1_one.lua"] = [[return {
        up = function(m) m:create_table("one", function(t) t:bigint "id" :primary_key() t:text "name" end) end,
        down = function(m) m:drop_table "one" end,
      }]],
      ["2_two.up.sql"] = "create table two (id int);\ninsert into two values (1), (2);",
      ["2_two.down.sql"] = "drop table two",
    },
  }, Rig)
end

function Rig:delete()
  self.folder:delete()
  self.db:exec "drop schema mig cascade"
  self.db:close()
end

---@param more table|nil
---@return moonpool.Migrator
function Rig:migrator(more)
  local given = { dir = self.folder.path, talk = function(line) self.talk[#self.talk + 1] = line end }
  for key, value in pairs(more or {}) do given[key] = value end
  return migrate.new(self.db, given)
end

---"1_one=applied 2_two=pending"
---@return string
function Rig:states()
  local list = {}
  for i, one in ipairs(self:migrator():status()) do list[i] = one.title .. "=" .. one.state end
  return table.concat(list, " ")
end

---The tables there are but for the ledger, sorted.
---@return string
function Rig:tables()
  return table.concat(self.db:query([[select relname::text from pg_class where relnamespace = 'mig'::regnamespace
    and relkind = 'r' and relname <> 'schema_migrations' order by 1]]):column(), " ")
end

---@param list { title: string }[]
---@return string
function M.titles(list)
  local names = {}
  for i, one in ipairs(list) do names[i] = one.title end
  return table.concat(names, " ")
end

return M
