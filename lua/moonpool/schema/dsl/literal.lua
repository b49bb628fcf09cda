--- Values as Lua source: deterministic, and read back as the same values.

local M = {}

local RESERVED = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
until while]]):gmatch "%a+" do
  RESERVED[word] = true
end

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return ESCAPES[c] or ("\\%03d"):format(c:byte()) end) .. '"'
end

--- A string: in brackets if it has lines, in quotes otherwise.
---@param text string
---@return string
function M.text(text)
  if not text:find "\n" or text:find "[%z\1-\8\11-\31\127]" then return quoted(text) end
  local level = ""
  while text:find("]" .. level .. "]", 1, true) or (text .. "]"):find("]" .. level .. "]", 1, true)
    and text:sub(-1 - #level) == "]" .. level do
    level = level .. "="
  end
  -- A line break right behind the bracket is not part of the string.
  return ("[%s[\n%s]%s]"):format(level, text, level)
end

--- A key of a table constructor.
---@param key string
---@return string
function M.key(key)
  if key:find "^[%a_][%w_]*$" and not RESERVED[key] then return key end
  return "[" .. quoted(key) .. "]"
end

local function sorted_keys(value)
  local keys = {}
  for key in pairs(value) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys)
  return keys
end

--- A value on as few lines as fit; `indent` is where it stands.
---@param value any
---@param indent string
---@return string
function M.value(value, indent)
  local kind = type(value)
  if kind == "string" then return M.text(value) end
  if kind == "number" then
    return value == math.floor(value) and math.abs(value) < 1e15 and ("%.0f"):format(value) or ("%.17g"):format(value)
  end
  if kind ~= "table" then return tostring(value) end
  local inner = indent .. "  "
  local parts = {}
  for _, item in ipairs(value) do parts[#parts + 1] = M.value(item, inner) end
  for _, key in ipairs(sorted_keys(value)) do
    parts[#parts + 1] = ("%s = %s"):format(M.key(key), M.value(value[key], inner))
  end
  if #parts == 0 then return "{}" end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line + #indent <= 100 and not line:find "\n" then return line end
  return ("{\n%s%s,\n%s}"):format(inner, table.concat(parts, ",\n" .. inner), indent)
end

return M
