--- `?name`: what the source says above a function, found through the function itself.

local guard = require "moonpool.core.guard"

local M = {}

-- The text of a module: from the executable's own store, or from the file that the chunk was read from.
local function source_of(chunk)
  local path = chunk:match "^@(.*)$"
  if not path then return nil end
  local embedded = rawget(package, "moonpool_source")
  local own = embedded and embedded(path)
  if own then return own end
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return text
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do lines[#lines + 1] = line end
  return lines
end

local function readable(comment)
  local name, rest = comment:match "^@param%s+(%S+)%s+(.*)$"
  if name then return "  " .. name .. ": " .. rest end
  local given = comment:match "^@return%s+(.*)$"
  if given then return "  gives: " .. given end
  if comment:match "^@" then return nil end
  return comment
end

---What is written above a function, its own line first; nil where nothing is known of it.
---@param f function
---@return string|nil
function M.of_function(f)
  f = guard.original(f)
  local info = debug.getinfo(f, "S")
  local text = info.what ~= "C" and source_of(info.source)
  if not text then return nil end
  local lines = lines_of(text)
  local at = info.linedefined
  local parts, above = { (lines[at] or ""):match "^%s*(.-)%s*$" }, {}
  at = at - 1
  while lines[at] and lines[at]:match "^%s*%-%-%-" do
    table.insert(above, 1, lines[at]:match "^%s*%-%-%-%s?(.*)$")
    at = at - 1
  end
  for _, comment in ipairs(above) do
    parts[#parts + 1] = readable(comment)
  end
  return table.concat(parts, "\n")
end

---Help on a value: a function by its comment, a table by the names in it.
---@param value any
---@param names string[] its members
---@return string
function M.of_value(value, names)
  if type(value) == "function" then
    return M.of_function(value) or "A function of Lua's own; see its manual."
  end
  if type(value) == "table" and #names > 0 then
    return "It has: " .. table.concat(names, ", ")
  end
  return "A " .. type(value) .. "."
end

return M
