--- Reads the keys out of pg_get_indexdef's text.
--
-- The catalogs alone do not say whether an operator class or a collation is the default one of its key (that takes
-- the parser's coercion rules); the printed text does, by leaving it out.

local names = require "moonpool.schema.names"

local M = {}

-- The place behind the parenthesis that closes the one at `at`; strings and quoted names are stepped over.
local function behind_parenthesis(text, at)
  local depth = 0
  while true do
    local p = text:find("[()'\"]", at)
    if not p then error("unbalanced index definition: " .. text) end
    local c = text:sub(p, p)
    if c == "(" then
      depth = depth + 1
    elseif c == ")" then
      depth = depth - 1
      if depth == 0 then return p + 1 end
    else
      -- E'' strings escape with backslashes; elsewhere a backslash is a letter.
      local escapes = c == "'" and text:sub(p - 1, p - 1) == "E"
      local q = p
      repeat
        q = text:find(escapes and "[\\']" or c, q + 1, false)
        if not q then error("unbalanced index definition: " .. text) end
        local backslash = text:sub(q, q) == "\\"
        if backslash then q = q + 1 end
      until not backslash
      p = q
    end
    at = p + 1
  end
end

-- An expression is in parentheses of its own, or a call.
local function behind_expression(text, at)
  if text:sub(at, at) == "(" then return behind_parenthesis(text, at) end
  local _, after = names.split(text, at)
  if text:sub(after, after) == "(" then return behind_parenthesis(text, after) end
  return after
end

local function word_at(text, at, word)
  return text:sub(at, at + #word - 1) == word and not text:find("^[%w_]", at + #word)
end

local function read_key(text, at, column)
  local key, from = {}, at
  if column then
    local name
    name, at = names.scan(text, at)
    if name ~= column then error(("expected column %s in: %s"):format(column, text)) end
    key.column = column
  else
    at = behind_expression(text, at)
    key.expression = text:sub(from, at - 1)
  end
  local plain = column ~= nil
  if word_at(text, at, " COLLATE") then
    local start = at + 9
    local _, after = names.split(text, start)
    key.collation, at, plain = text:sub(start, after - 1), after, false
  end
  local next_char = text:sub(at, at)
  if next_char == " " and not word_at(text, at, " DESC") and not word_at(text, at, " NULLS")
    and not word_at(text, at, " WITH") then
    local _, after = names.split(text, at + 1)
    key.opclass, plain = text:sub(at + 1, after - 1), false
    at = after
    if text:sub(at, at + 1) == " (" or text:sub(at, at) == "(" then
      local open = text:find("(", at, true)
      local close = behind_parenthesis(text, open)
      key.opclass_options, at = text:sub(open + 1, close - 2), close
    end
  end
  if word_at(text, at, " DESC") then key.desc, at, plain = true, at + 5, false end
  if word_at(text, at, " NULLS FIRST") then key.nulls, at, plain = "first", at + 12, false end
  if word_at(text, at, " NULLS LAST") then key.nulls, at, plain = "last", at + 11, false end
  if word_at(text, at, " WITH") then
    local stop = text:find("[,)]", at + 6)
    -- OPERATOR(schema.op) has parentheses of its own.
    if text:sub(at + 6, at + 14) == "OPERATOR(" then stop = behind_parenthesis(text, at + 14) end
    key.operator, at, plain = text:sub(at + 6, stop - 1), stop, false
  end
  return plain and column or key, at
end

--- The keys of an index definition.
---@param text string  pg_get_indexdef() or, for an exclusion constraint, pg_get_constraintdef()
---@param columns (string|false)[]  per key its column, or false for an expression
---@return (string|table)[]
function M.keys(text, columns)
  -- The names in front of USING may hold anything, in quotes.
  local at = 1
  while true do
    local p = text:find('[" ]', at)
    if not p then error("no USING in: " .. text) end
    if text:sub(p, p) == '"' then
      local _
      _, at = names.scan(text, p)
    elseif word_at(text, p, " USING") then
      at = p + 7
      break
    else
      at = p + 1
    end
  end
  local _, after = names.scan(text, at)
  at = text:find("(", after, true) + 1
  local keys = {}
  for i, column in ipairs(columns) do
    keys[i], at = read_key(text, at, column or nil)
    if i < #columns then
      if text:sub(at, at + 1) ~= ", " then error(("no key behind byte %d of: %s"):format(at, text)) end
      at = at + 2
    end
  end
  if text:sub(at, at) ~= ")" then error(("the keys do not end at byte %d of: %s"):format(at, text)) end
  return keys
end

return M
