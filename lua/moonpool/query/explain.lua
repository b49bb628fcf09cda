--- `explain`: closed options in front, the statement behind.

local misuse = require "moonpool.sql.misuse"
local run = require "moonpool.query.run"

local M = {}

local switches = { "analyze", "buffers", "costs", "settings", "summary", "timing", "verbose", "wal" }
local known = { "analyze", "buffers", "costs", "settings", "summary", "timing", "verbose", "wal", "format" }
local formats = { text = true, json = true, xml = true, yaml = true }

local function prefix(options)
  local list = {}
  for _, name in ipairs(switches) do
    local said = options[name]
    if said ~= nil and type(said) ~= "boolean" then
      misuse.raise("%s of explain must be true or false, got %s", name, misuse.show(said))
    end
    if said ~= nil then list[#list + 1] = name .. (said and "" or " off") end
  end
  if options.format ~= nil then
    if not formats[options.format] then
      misuse.raise("format of explain is text, json, xml or yaml, got %s", misuse.show(options.format))
    end
    list[#list + 1] = "format " .. options.format
  end
  return #list > 0 and "explain (" .. table.concat(list, ", ") .. ") " or "explain "
end

---@async
---@param query moonpool.Builder
---@param options table|nil
---@return string|table
function M.run(query, options)
  options = misuse.options("explain", options, known)
  local result = run.prefixed(query, prefix(options))
  if options.format == "json" then return result:scalar() end
  return table.concat(result:column(1), "\n")
end

return M
