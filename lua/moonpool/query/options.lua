--- How a statement is run, apart from what it says: deadline, node, comment, cache.

local comment = require "moonpool.sql.comment"
local duration = require "moonpool.core.duration"
local misuse = require "moonpool.sql.misuse"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

---@class moonpool.query.Options
---@field timeout number|nil seconds
---@field consistency "strong"|"eventual"|nil
---@field idempotent boolean|nil
---@field tag string|nil the comment, with its marks
---@field tags table|nil what it was made from
---@field cache { keys: string[], ttl: number|nil }|nil
---@field invalidates string[]|nil

local function with(query, key, value)
  local options = {}
  for name, old in pairs(query.options or {}) do options[name] = old end -- order-free: a copy
  options[key] = value
  return setmetatable({
    runner = query.runner, shape = query.shape, args = query.args, options = options, n = query.n,
  }, getmetatable(query))
end

function M.timeout(query, limit)
  if limit == nil then misuse.raise "timeout needs a length of time such as \"2s\", got nil" end
  return with(query, "timeout", duration.seconds(limit, "timeout"))
end

function M.consistency(query, level)
  return with(query, "consistency", level)
end

function M.idempotent(query)
  return with(query, "idempotent", true)
end

function M.tagged(query, tags)
  if type(tags) ~= "table" then
    misuse.raise("tagged takes a table like { route = \"/users\" }, got %s", misuse.show(tags))
  end
  local merged = {}
  for name, old in pairs(query.options and query.options.tags or {}) do merged[name] = old end -- order-free: a copy
  for name, new in pairs(tags) do merged[name] = new end -- order-free: a copy
  local text = comment.text(merged)
  local tagged = with(query, "tags", merged)
  return with(tagged, "tag", text ~= "" and " /*" .. text .. "*/" or nil)
end

function M.cached(query, keys, ttl)
  local list = type(keys) == "table" and getmetatable(keys) == nil and keys or { keys }
  for i = 1, math.max(#list, 1) do
    if type(list[i]) ~= "string" or list[i] == "" then
      misuse.raise("cached needs a key to keep the rows under, or a list of keys, got %s", misuse.show(keys))
    end
  end
  local copy = {}
  for i = 1, #list do copy[i] = list[i] end
  return with(query, "cache", { keys = copy, ttl = duration.seconds(ttl, "the ttl of cached") })
end

function M.invalidates(query, ...)
  local keys = {}
  for _, key in ipairs(query.options and query.options.invalidates or {}) do keys[#keys + 1] = key end
  if select("#", ...) == 0 then misuse.raise "invalidates needs a key of cached" end
  for i = 1, select("#", ...) do
    local key = (select(i, ...))
    if type(key) ~= "string" or key == "" then
      misuse.raise("invalidates takes the keys of cached, got %s", misuse.show(key))
    end
    keys[#keys + 1] = key
  end
  return with(query, "invalidates", keys)
end

return M
