--- Any Lua value as text that reads like Lua, in a fixed order, however deep and however round.

local errors = require "moonpool.core.error"
local width = require "moonpool.console.width"

local M = {}

local MOST_ITEMS, MOST_DEPTH = 100, 6

local function quoted(text)
  local shown = width.safe((text:gsub("\\", "\\\\")))
  return '"' .. shown:gsub('"', '\\"') .. '"'
end

local words = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
  until while]]):gmatch "%a+" do words[word] = true end

local function key_text(key, write)
  if type(key) == "string" then
    if key:match "^[%a_][%w_]*$" and not words[key] then return key end
    return "[" .. quoted(key) .. "]"
  end
  return "[" .. write(key) .. "]"
end

local ranks = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local kind_a, kind_b = type(a), type(b)
  if kind_a ~= kind_b then return (ranks[kind_a] or 9) < (ranks[kind_b] or 9) end
  if kind_a == "number" or kind_a == "string" then return a < b end
  return tostring(a) < tostring(b)
end

local function sorted_keys(value)
  local keys = {}
  for key in next, value do keys[#keys + 1] = key end
  table.sort(keys, before)
  return keys
end

-- What an object says of itself, where it says anything.
local function own_text(value)
  local meta = debug.getmetatable(value)
  if type(meta) ~= "table" or not rawget(meta, "__tostring") then return nil end
  local ok, text = pcall(tostring, value)
  return ok and width.safe(text, true) or nil
end

local function function_text(value)
  local info = debug.getinfo(value, "S")
  if info.what == "C" then return "function: builtin" end
  return ("function: %s:%d"):format(info.short_src, info.linedefined)
end

local write

-- Items as they stand in a constructor: the list part first, without keys.
local function items(value, state, depth)
  local parts, list = {}, #value
  for i = 1, math.min(list, MOST_ITEMS) do parts[i] = write(rawget(value, i), state, depth) end
  if list > MOST_ITEMS then parts[#parts + 1] = ("… %d more"):format(list - MOST_ITEMS) end
  local named, left = 0, 0
  for _, key in ipairs(sorted_keys(value)) do
    local is_item = type(key) == "number" and key >= 1 and key <= list and key % 1 == 0
    if not is_item then
      named = named + 1
      if named <= MOST_ITEMS then
        local name = key_text(key, function(k) return write(k, state, depth) end)
        parts[#parts + 1] = name .. " = " .. write(rawget(value, key), state, depth)
      else
        left = left + 1
      end
    end
  end
  if left > 0 then parts[#parts + 1] = ("… %d more"):format(left) end
  return parts
end

local function table_text(value, state, depth)
  local said = own_text(value)
  if said then return said end
  if next(value) == nil then return "{}" end
  if state.open[value] then return "<the table around it>" end
  if depth >= MOST_DEPTH then return "{ … }" end
  state.open[value] = true
  local parts = items(value, state, depth + 1)
  state.open[value] = nil
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  local room = state.columns - 2 * depth
  if width.columns(line) <= room and not line:find "\n" then return line end
  local indent = ("  "):rep(depth + 1)
  return "{\n" .. indent .. table.concat(parts, ",\n" .. indent) .. ",\n" .. ("  "):rep(depth) .. "}"
end

local function number_text(value)
  if value % 1 == 0 and math.abs(value) <= 2 ^ 53 then return ("%d"):format(value) end
  return tostring(value)
end

function write(value, state, depth)
  local kind = type(value)
  if kind == "string" then return quoted(value) end
  if kind == "number" then return number_text(value) end
  if kind == "function" then return function_text(value) end
  if kind == "table" then return table_text(value, state, depth) end
  return width.safe(tostring(value), true)
end

---The value as text.
---@param value any
---@param columns integer|nil lines are kept this short where that is possible; 80
---@return string
function M.text(value, columns)
  if errors.is_error(value) then return width.safe(tostring(value), true) end
  return write(value, { open = {}, columns = columns or 80 }, 0)
end

return M
