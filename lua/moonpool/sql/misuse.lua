--- Misuse is answered at the line that wrote it: the first line up the stack that is not ours.

local M = {}

local getinfo = debug.getinfo
local home = getinfo(1, "S").source:match "^(.*)sql/misuse%.lua$"

local function callers_level()
  if not home then return 3 end
  local level = 3
  while true do
    local info = getinfo(level, "S")
    if not info then return 3 end
    if info.what ~= "C" and info.source:sub(1, #home) ~= home then return level - 1 end
    level = level + 1
  end
end

---Raises a message at the caller's line. With more arguments the first is a format.
---@param message string
---@param ... any
function M.raise(message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  error(message, callers_level())
end

---A value as a person would name it: short, quoted when it is text.
---@param value any
---@return string
function M.show(value)
  local kind = type(value)
  if kind == "string" then
    local text = #value > 60 and value:sub(1, 57) .. "..." or value
    return '"' .. text:gsub("[%c]", function(c) return ("\\%d"):format(c:byte()) end) .. '"'
  end
  if kind == "number" or kind == "boolean" or kind == "nil" then return tostring(value) end
  return "a " .. kind
end

return M
