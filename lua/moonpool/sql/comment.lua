--- The comment that tells the server's log where a statement came from: `route='%2Fusers'`, in the
--- manner of sqlcommenter. Every byte that could end a comment or a quote is encoded.

local misuse = require "moonpool.sql.misuse"

local M = {}

local function encode(text)
  return (text:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

---The text between `/*` and `*/`; sorted by key.
---@param tags table<string, string|number|boolean>
---@return string
function M.text(tags)
  if type(tags) ~= "table" then misuse.raise("a tag is a table like { route = \"/users\" }, got %s", misuse.show(tags)) end
  local keys = {}
  for key, item in pairs(tags) do
    if type(key) ~= "string" then misuse.raise("a tag's key must be a string, got %s", misuse.show(key)) end
    local kind = type(item)
    if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
      misuse.raise("tag %s must be a string, a number or a boolean, got %s", misuse.show(key), misuse.show(item))
    end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  local pairs_of = {}
  for i, key in ipairs(keys) do pairs_of[i] = encode(key) .. "='" .. encode(tostring(tags[key])) .. "'" end
  return table.concat(pairs_of, ",")
end

return M
