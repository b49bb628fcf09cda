--- Names in the few statements that the core writes itself: always quoted, taken exactly as written.

local errors = require "moonpool.core.error"

local M = {}

local LIMIT = 63

---One name, quoted.
---@param name any
---@return string
function M.quote(name)
  if type(name) ~= "string" or name == "" then
    errors.misuse("a name is a string that is not empty, got %s", type(name) == "string" and '""' or type(name))
  end
  if name:find("\0", 1, true) then errors.misuse "a name cannot hold a zero byte" end
  if #name > LIMIT then
    errors.misuse("the name %s is %d bytes long and PostgreSQL keeps %d: it would become another name", name, #name,
      LIMIT)
  end
  return '"' .. name:gsub('"', '""') .. '"'
end

-- One part of a dotted name that begins at i, and where the text goes on; nil when there is none.
local function part(text, i)
  local bare = text:match("^[%a_\128-\255][%w_$\128-\255]*", i)
  if bare then return bare, i + #bare end
  local name = text:match('^"(.-)"$', i) or text:match('^"(.-)"%.', i)
  if not name or name:find '"' then return nil end
  return name, i + #name + 2
end

---A dotted name, quoted: "billing.orders" → "billing"."orders"; nil when the text is none.
---@param text string
---@return string|nil
function M.path(text)
  local parts, i = {}, 1
  while true do
    local name, after = part(text, i)
    if not name then return nil end
    parts[#parts + 1] = M.quote(name)
    if after > #text then return table.concat(parts, ".") end
    if text:byte(after) ~= 46 then return nil end
    i = after + 1
  end
end

---A list of names, quoted, between commas.
---@param names string[]
---@param what string what takes the list, for the error
---@return string
function M.list(names, what)
  if type(names) ~= "table" or names[1] == nil then
    errors.misuse("%s takes a list of columns, got %s", what, type(names) == "table" and "an empty one" or type(names))
  end
  local quoted = {}
  for i, name in ipairs(names) do quoted[i] = M.quote(name) end
  return table.concat(quoted, ", ")
end

return M
