--- Files against the ledger: what is pending, what is not as it should be.

local failure = require "moonpool.migrate.failure"

local M = {}

---@class moonpool.migrate.Standing
---@field version integer
---@field title string
---@field state "applied"|"pending"|"running"|"reverting"|"changed"|"missing"|"newer"|"out_of_order"
---@field file moonpool.migrate.File|nil
---@field entry moonpool.migrate.Entry|nil

local function state_of(file, entry, newest)
  if not entry then
    return newest and file.version < newest and "out_of_order" or "pending"
  end
  if entry.state ~= "applied" then return entry.state end
  return entry.checksum == file.checksum and "applied" or "changed"
end

---Every version there is, in order, and how it stands. A row without a file is `newer` when it is above all
---files (another checkout was here), else `missing`.
---@param files moonpool.migrate.File[]
---@param entries moonpool.migrate.Entry[]
---@return moonpool.migrate.Standing[]
function M.compare(files, entries)
  local by_version, newest, list = {}, nil, {}
  for _, entry in ipairs(entries) do
    by_version[entry.version] = entry
    newest = entry.version
  end
  local seen, last = {}, 0
  for _, file in ipairs(files) do
    local entry = by_version[file.version]
    seen[file.version], last = true, file.version
    list[#list + 1] = {
      version = file.version, title = file.title, state = state_of(file, entry, newest), file = file, entry = entry,
    }
  end
  for _, entry in ipairs(entries) do
    if not seen[entry.version] then
      list[#list + 1] = {
        version = entry.version, title = ("%.0f_%s"):format(entry.version, entry.name),
        state = entry.version > last and "newer" or "missing", entry = entry,
      }
    end
  end
  table.sort(list, function(a, b) return a.version < b.version end)
  return list
end

local function titles(list, state)
  local found = {}
  for _, one in ipairs(list) do
    if one.state == state then found[#found + 1] = one.title end
  end
  return found
end

local function refuse(found, one, several, hint)
  if #found == 0 then return end
  failure.refuse(#found == 1 and one:format(found[1]) or several:format(table.concat(found, ", ")), hint)
end

---Raises where the files and the ledger contradict each other.
---@param list moonpool.migrate.Standing[]
---@param out_of_order boolean|nil allowed
function M.check(list, out_of_order)
  refuse(titles(list, "changed"), "%s was changed after it was applied",
    "these were changed after they were applied: %s",
    "put the file back as it was and write the change as a new migration; or take it as it is now: --accept")
  refuse(titles(list, "missing"), "%s was applied and its file is gone",
    "these were applied and their files are gone: %s",
    "bring the file back; it is needed to go down, and a fresh database needs it to go up")
  if not out_of_order then
    refuse(titles(list, "out_of_order"), "%s is older than what is applied already",
      "these are older than what is applied already: %s",
      "give it a newer version, or say that it does not matter: --out-of-order")
  end
end

---What `up` would run.
---@param list moonpool.migrate.Standing[]
---@param to integer|nil the last version wanted
---@param steps integer|nil how many at most
---@return moonpool.migrate.Standing[]
function M.pending(list, to, steps)
  local found = {}
  for _, one in ipairs(list) do
    local open = one.state == "pending" or one.state == "out_of_order" or one.state == "running"
    if open and (not to or one.version <= to) and #found < (steps or math.huge) then found[#found + 1] = one end
  end
  return found
end

---What `down` would undo, newest first.
---@param list moonpool.migrate.Standing[]
---@param steps integer how many at most
---@param to integer|nil the last version that stays
---@return moonpool.migrate.Standing[]
function M.latest(list, steps, to)
  local found = {}
  for i = #list, 1, -1 do
    local one = list[i]
    if one.entry and #found < steps and (not to or one.version > to) then found[#found + 1] = one end
  end
  return found
end

return M
