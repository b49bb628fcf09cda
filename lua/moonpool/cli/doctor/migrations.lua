--- How the files of migrations and the table of those applied go together.

local errors = require "moonpool.core.error"
local finding = require "moonpool.cli.doctor.finding"
local migrate = require "moonpool.migrate"

local M = {}

local function is_there(folder)
  local file = io.open(folder, "rb")
  if file then file:close() end
  return file ~= nil
end

---How they stand: nil where there is no folder and nobody named one.
---@param db moonpool.Handle
---@param dir string|nil
---@return table[]|nil
---@return any why not
function M.standing(db, dir)
  if not dir and not is_there "scripts/migrations" then return nil end
  local migrator = migrate.new(db, { dir = dir })
  local ok, list = pcall(migrator.status, migrator)
  if not ok then return nil, list end
  return list
end

local function all_of(list, state)
  local titles = {}
  for _, one in ipairs(list) do
    if one.state == state then titles[#titles + 1] = one.title end
  end
  if #titles > 3 then titles[3], titles[4] = ("%s and %d more"):format(titles[3], #titles - 3), nil end
  return #titles > 0 and table.concat(titles, ", ", 1, math.min(#titles, 3)) or nil
end

local states = {
  { "running", finding.failure, "half applied: %s", "`moonpool migrate up` goes on with it" },
  { "reverting", finding.failure, "half undone: %s", "`moonpool migrate down` goes on with it" },
  { "changed", finding.failure, "changed after it was applied: %s", "`moonpool migrate verify` shows them; `--accept` "
    .. "takes them as they are" },
  { "missing", finding.warning, "applied, and the file is gone: %s", "get the file back: without it nothing can be "
    .. "undone or made again" },
  { "out_of_order", finding.warning, "older than what is applied, and not applied: %s",
    "`moonpool migrate up --out-of-order`, or give it a later version" },
  { "newer", finding.note, "applied, and not among these files: %s", "another checkout is ahead of this one" },
  { "pending", finding.warning, "pending: %s", "`moonpool migrate up`" },
}

-- The commands are meant to be typed: they name the folder that was named.
local function typed(advice, dir)
  if not dir then return advice end
  local quoted = dir:find "^[%w_./-]+$" and dir or "'" .. dir:gsub("'", "'\\''") .. "'"
  return (advice:gsub("`moonpool migrate %l+", function(command) return command .. " --dir " .. quoted end))
end

---@param list table[]|nil
---@param why any
---@param dir string|nil
---@return moonpool.doctor.Finding[]
function M.check(list, why, dir)
  if not list then
    if why == nil then return {} end
    local text = errors.is_error(why) and why.message or tostring(why)
    return { finding.failure("migrations", text, typed("`moonpool migrate status` says more", dir)) }
  end
  local found = {}
  for _, one in ipairs(states) do
    local titles = all_of(list, one[1])
    if titles then found[#found + 1] = one[2]("migrations", one[3]:format(titles), typed(one[4], dir)) end
  end
  if #found == 0 then
    found[1] = finding.ok("migrations", #list == 0 and "there are none" or ("all applied: %d"):format(#list))
  end
  return found
end

return M
