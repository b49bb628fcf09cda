--- The comment that tells the server's log where a statement came from: `route='%2Fusers'`, in the
--- manner of sqlcommenter. Every byte that could end a comment or a quote is encoded.

local misuse = require "moonpool.sql.misuse"
local sequence = require "moonpool.core.sequence"

local M = {}

local function encode(text)
  return (text:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

---The text between `/*` and `*/`; sorted by key.
---@param tags table<string, string|number|boolean>
---@return string
function M.text(tags)
  local keys, foreign = sequence.names(tags)
  if not keys then misuse.raise("a tag's key must be a string, got %s", misuse.show(foreign)) end
  local list = {}
  for i, key in ipairs(keys) do
    local kind = type(tags[key])
    if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
      misuse.raise("tag %s must be a string, a number or a boolean, got %s", misuse.show(key), misuse.show(tags[key]))
    end
    list[i] = encode(key) .. "='" .. encode(tostring(tags[key])) .. "'"
  end
  return table.concat(list, ",")
end

return M
