--- Statements that a slip of the finger makes expensive: what they would do, for a question before they do it.
--- Reads words, no grammar; what it does not know it lets pass.

local sql_text = require "moonpool.console.sql_text"

local M = {}

-- The words outside of brackets and literals.
local function words_of(text)
  local words, depth = {}, 0
  for token in sql_text.tokens(text) do
    if token.text == "(" then depth = depth + 1 end
    if token.text == ")" then depth = depth - 1 end
    local counts = depth == 0 and (token.kind == "word" or token.kind == "name" or token.text == ".")
    if counts then words[#words + 1] = token.kind == "word" and token.text:lower() or token.text end
  end
  return words
end

local function has(words, wanted)
  for _, word in ipairs(words) do
    if word == wanted then return true end
  end
  return false
end

-- The name that stands at a place: "a", "a.b".
local function name_at(words, i)
  while words[i] == "only" or words[i] == "if" or words[i] == "exists" or words[i] == "table"
    or words[i] == "concurrently" do
    i = i + 1
  end
  local name = words[i] or "?"
  while words[i + 1] == "." and words[i + 2] do
    name = name .. "." .. words[i + 2]
    i = i + 2
  end
  return name
end

local dropped = { table = true, schema = true, database = true, view = true, materialized = true, role = true,
  user = true, owned = true, type = true, sequence = true, tablespace = true }

---What a statement would destroy, as a sentence; nil where it is nothing of the kind.
---@param text string
---@return string|nil
function M.danger(text)
  local words = words_of(text)
  local first, second = words[1], words[2]
  if first == "delete" and second == "from" and not has(words, "where") then
    return "This deletes every row of " .. name_at(words, 3) .. "."
  end
  if first == "update" and has(words, "set") and not has(words, "where") then
    return "This changes every row of " .. name_at(words, 2) .. "."
  end
  if first == "truncate" then return "This empties " .. name_at(words, 2) .. "." end
  if first == "drop" and dropped[second] then
    return "This drops the " .. second .. " " .. name_at(words, second == "materialized" and 4 or 3) .. "."
  end
  if first == "alter" and second == "table" and has(words, "drop") and not has(words, "constraint")
    and not has(words, "default") and not has(words, "not") then
    return "This drops a column of " .. name_at(words, 3) .. "."
  end
  return nil
end

return M
