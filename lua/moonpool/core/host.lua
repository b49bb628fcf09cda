--- What a host program's scripts find around them, and how their values leave for the host.

local ffi = require "ffi"
local handle = require "moonpool.core.handle"
local rows = require "moonpool.core.rows"

local M = {}

local MOST_DEPTH = 100

-- Results and rows as the plain tables that a host can hold; everything else as it is.
local function plain(value, depth)
  if rows.is_result(value) then return value:all() end
  if type(value) ~= "table" or depth > MOST_DEPTH then return value end
  local row = rows.to_table(value)
  if row ~= value then return row end
  if getmetatable(value) ~= nil then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = plain(item, depth + 1) end
  return copy
end

-- A run ends when the tasks that it began have ended.
local function leave(value)
  local concurrency = package.loaded["moonpool.core.concurrency"]
  if concurrency then concurrency.finish() end
  return plain(value, 0)
end

---Gives the scripts `db`. The cluster's handle belongs to Lua from here on.
---@param cluster userdata
function M.open(cluster)
  rawset(_G, "db", handle.wrap(ffi.cast("mp_cluster*", cluster)))
end

---@param name string
---@return any
function M.get(name)
  return leave(_G[name])
end

---@param path string
---@param args any[]
---@param n integer how many, nils included
---@return any
function M.run_file(path, args, n)
  local chunk, why = loadfile(path)
  if not chunk then error(why, 0) end
  return leave((chunk(unpack(args, 1, n))))
end

---@param code string
---@param name string
---@return any
function M.run_string(code, name)
  local chunk, why = loadstring(code, name)
  if not chunk then error(why, 0) end
  return leave((chunk()))
end

---Calls the function that a global name, or a path of names, leads to.
---@param path string
---@param args any[]
---@param n integer how many, nils included
---@return any
function M.call(path, args, n)
  local value = _G
  for name in path:gmatch "[^.]+" do
    value = type(value) == "table" and value[name] or nil
  end
  if value == nil then error(("there is no function %s to call"):format(path), 0) end
  return leave((value(unpack(args, 1, n))))
end

return M
