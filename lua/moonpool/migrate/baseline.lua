--- Takes a database for migrated that other hands or another tool brought to where it is.

local errors = require "moonpool.core.error"
local failure = require "moonpool.migrate.failure"
local names = require "moonpool.migrate.names"

local M = {}

-- How each tool writes down what it applied.
local tools = {
  rails = { maker = "Rails", query = "select version::text from %s" },
  dbmate = { maker = "dbmate", query = "select version::text from %s" },
  ecto = { maker = "Ecto", query = "select version::text from %s" },
  ["golang-migrate"] = {
    maker = "golang-migrate", query = "select version::text from %s where not dirty", up_to = true,
  },
}

---@param name string
---@return table
function M.tool(name)
  local tool = tools[name]
  if not tool then errors.misuse("from takes rails, dbmate, ecto or golang-migrate, got %s", tostring(name)) end
  return tool
end

-- Which files the other tool's rows stand for.
local function taken_over(db, tool, path, files)
  local versions, newest, chosen = {}, -1, {}
  for row in db:query(tool.query:format(path)):each() do
    local version = tonumber(row.version)
    if not version then failure.refuse(("%s wrote a version that is no number: %s"):format(tool.maker, row.version)) end
    versions[version], newest = true, math.max(newest, version)
  end
  for _, file in ipairs(files) do
    if versions[file.version] or (tool.up_to and file.version <= newest) then chosen[#chosen + 1] = file end
  end
  return chosen
end

---Renames the other tool's table out of the way and writes its versions into ours.
---@async
---@param db moonpool.Handle
---@param ledger moonpool.migrate.Ledger opened over the other tool's table
---@param from string
---@param files moonpool.migrate.File[]
---@return moonpool.migrate.File[] written
function M.take_over(db, ledger, from, files)
  local tool = M.tool(from)
  if not ledger.foreign then
    failure.refuse(("there is no table %s of another tool"):format(ledger.table))
  elseif not ledger.foreign:find(tool.maker, 1, true) then
    failure.refuse(("the table %s was made by %s, not by %s"):format(ledger.table, ledger.foreign, tool.maker))
  end
  return db:transaction(function(tx)
    local chosen = taken_over(tx, tool, ledger.path, files)
    local aside = ledger.table:match "([^.]+)$" .. "_of_" .. from:gsub("%W", "_")
    tx:exec(("alter table %s rename to %s"):format(ledger.path, names.quote(aside)))
    ledger.exists = false
    ledger:create(tx)
    for _, file in ipairs(chosen) do ledger:write(tx, file, "applied", 0, 0) end
    return chosen
  end)
end

---Writes every file up to a version as applied without running it.
---@async
---@param db moonpool.Handle
---@param ledger moonpool.migrate.Ledger
---@param version integer|nil the last file's when left out
---@param files moonpool.migrate.File[]
---@return moonpool.migrate.File[] written
function M.take_as_is(db, ledger, version, files)
  if #ledger:read(db) > 0 then
    failure.refuse("migrations were applied here already", "a baseline is for a database without a history")
  end
  local chosen, met = {}, version == nil
  for _, file in ipairs(files) do
    if not version or file.version <= version then chosen[#chosen + 1] = file end
    met = met or file.version == version
  end
  if not met then errors.misuse("there is no migration %.0f", version) end
  return db:transaction(function(tx)
    for _, file in ipairs(chosen) do ledger:write(tx, file, "applied", 0, 0) end
    return chosen
  end)
end

return M
