--- Which inputs are worth remembering between sessions, and which must not be.

local M = {}

local secrets = {
  "password", "passwd", "secret", "create%s+role", "create%s+user", "alter%s+role", "alter%s+user",
  "://[^%s/@]*:[^%s/@]*@", "user%s+mapping", "create%s+subscription", "identified%s+by",
}

---What to remember of an input: the input, or "" where it is empty, begins with a space (that is how to ask for
---it), or could hold a secret.
---@param text string
---@return string
function M.worth(text)
  local trimmed = text:gsub("%s+$", "")
  if trimmed == "" or trimmed:match "^%s" then return "" end
  local lower = trimmed:lower()
  for _, secret in ipairs(secrets) do
    if lower:find(secret) then return "" end
  end
  return trimmed
end

return M
