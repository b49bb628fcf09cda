--- SQL as it is typed: is this SQL at all, where does a statement end, could there be more to come? Knows
--- PostgreSQL's lexical rules and a few words, no grammar: what is wrong in a statement is the server's to say.

local M = {}

local function quoted_end(text, from, quote, backslashes)
  local i = from
  while true do
    local at = text:find(backslashes and "[" .. quote .. "\\]" or quote, i)
    if not at then return #text, false end
    if text:sub(at, at) == "\\" or text:sub(at + 1, at + 1) == quote then
      i = at + 2
    else
      return at, true
    end
  end
end

local function comment_end(text, from)
  local depth, i = 1, from + 2
  while depth > 0 do
    local at, _, mark = text:find("([/*][*/])", i)
    if not at then return #text, false end
    if mark == "/*" then
      depth, i = depth + 1, at + 2
    elseif mark == "*/" then
      depth, i = depth - 1, at + 2
    else
      i = at + 1
    end
  end
  return i - 1, true
end

local function dollar_end(text, from, tag)
  local _, to = text:find(tag, from + #tag, true)
  return to or #text, to ~= nil
end

---@class moonpool.console.Token
---@field kind "space"|"comment"|"word"|"name"|"string"|"number"|"symbol"
---@field from integer
---@field to integer
---@field closed boolean
---@field text string

local function next_token(text, i)
  local c = text:sub(i, i)
  local two = text:sub(i, i + 1)
  local _, to = text:find("^%s+", i)
  if to then return "space", to, true end
  if two == "--" then
    local stop = text:find("\n", i, true)
    return "comment", stop or #text, true
  end
  if two == "/*" then
    local stop, closed = comment_end(text, i)
    return "comment", stop, closed
  end
  local prefix = text:match("^([eEbBxXnN])'", i)
  if c == "'" or prefix then
    local from = i + (prefix and 2 or 1)
    local stop, closed = quoted_end(text, from, "'", prefix == "e" or prefix == "E")
    return "string", stop, closed
  end
  if c == '"' then
    local stop, closed = quoted_end(text, i + 1, '"', false)
    return "name", stop, closed
  end
  local tag = text:match("^%$[%a_\128-\255]?[%w_\128-\255]*%$", i)
  if tag then
    local stop, closed = dollar_end(text, i, tag)
    return "string", stop, closed
  end
  _, to = text:find("^[%a_\128-\255][%w_$\128-\255]*", i)
  if to then return "word", to, true end
  _, to = text:find("^%d[%w.]*", i)
  if to then return "number", to, true end
  return "symbol", i, true
end

---Walks over the tokens of a text, white space and comments included.
---@param text string
---@return fun(): moonpool.console.Token|nil
function M.tokens(text)
  local i = 1
  return function()
    if i > #text then return nil end
    local kind, to, closed = next_token(text, i)
    local token = { kind = kind, from = i, to = to, closed = closed, text = text:sub(i, to) }
    i = to + 1
    return token
  end
end

local function set(words)
  local all = {}
  for word in words:gmatch "%S+" do all[word] = true end
  return all
end

-- Words that begin a statement. Those in `alone` may be all of it; those in `opening` are written on a line of
-- their own, with the rest below.
local starters = set [[
  abort alter analyze begin call checkpoint close cluster comment commit copy create deallocate declare delete
  discard do drop end execute explain fetch grant import insert listen load lock merge move notify prepare reassign
  refresh reindex release reset revoke rollback savepoint security select set show start table truncate unlisten
  update vacuum values with
]]
local alone = set "abort analyze begin checkpoint commit end rollback vacuum"
local opening = set "alter create delete drop explain grant insert merge revoke select update values with"

-- A word that cannot end a statement: the next line belongs to it.
local dangling = set [[
  all alter and any array as asc between by case create cross delete distinct drop else except exists explain from
  full grant group having ilike in inner insert intersect into is join lateral left like limit natural not offset on
  or order outer over partition references returning right select set similar some table then to truncate union
  update using values when where window with
]]

-- A word that goes on with what the line before began.
local continuing = set [[
  and as asc between by check collate constraint cross default desc do else end except fetch for foreign from full
  group having ilike in inner intersect into is join language left like limit natural not nulls offset on or order
  outer over partition references returning returns right set similar then union using values when where window
]]

-- Statements that need one of these before they are whole.
local needs = {
  insert = set "values select default table with",
  update = set "set",
  with = set "select insert update delete merge values table",
  delete = set "from",
  merge = set "then",
}

---Words that begin statements, sorted.
---@return string[]
function M.starters()
  local words = {}
  for word in pairs(starters) do words[#words + 1] = word end
  table.sort(words)
  return words
end

---The word that a text begins with, in lower case, and where it ends; nil where it begins with none.
---Comments and opening brackets before it do not count.
---@param text string
---@return string|nil word
---@return integer|nil to
---@return boolean bracketed
function M.first_word(text)
  local bracketed = false
  for token in M.tokens(text) do
    if token.kind == "word" then return token.text:lower(), token.to, bracketed end
    if token.text == "(" then
      bracketed = true
    elseif token.kind ~= "space" and token.kind ~= "comment" then
      break
    end
  end
  return nil, nil, bracketed
end

---Whether this input is SQL. What Lua could mean by the same words is Lua: `select(2, ...)`, `update = 1`.
---@param text string
---@return boolean
function M.is_sql(text)
  local word, to, bracketed = M.first_word(text)
  if not word or not starters[word] then return false end
  local rest = text:sub(to + 1)
  if bracketed then return word == "select" or word == "values" or word == "with" or word == "table" end
  if rest:match "^%s*;?%s*$" then
    return rest:match ";" ~= nil or opening[word] == true or (alone[word] == true and word ~= "end")
  end
  if word == "do" then return rest:match "^%s*%$" ~= nil or rest:match "^%s+[Ll][Aa][Nn][Gg]" ~= nil end
  if word == "end" then return rest:match "^%s+%a+%s*;?%s*$" ~= nil end
  if not rest:match "^[%s;]" then return word == "values" and rest:match "^%(" ~= nil end
  return not rest:match "^%s*[=.:,]"
end

---@class moonpool.console.Reading
---@field ending integer|nil where the semicolon stands that ends the first statement
---@field command integer|nil where a backslash stands that is no part of SQL
---@field open string|nil what is not closed: "'", '"', "comment", "("
---@field wants_more boolean the text cannot be the whole of a statement

-- Bodies in standard SQL hold semicolons of their own: BEGIN ATOMIC … END.
local function body_depth(depth, words, word)
  if depth == 0 then
    return (word == "atomic" and words[#words] == "begin") and 1 or 0
  end
  if word == "case" then return depth + 1 end
  return word == "end" and depth - 1 or depth
end

local function lacks(words)
  local wanted = needs[words[1]]
  if not wanted then return false end
  for i = 2, #words do
    if wanted[words[i]] then return false end
  end
  return true
end

local function has(words, wanted)
  for _, word in ipairs(words) do
    if word == wanted then return true end
  end
  return false
end

-- Whether the last token cannot be the end, seen with the words before it.
local function hangs(last, words)
  if last:match "^[,+%-/=<>|.:]$" then return true end
  if last == "*" then return not has(words, "returning") end
  local before = words[#words - 1]
  if last == "values" and before == "default" then return false end
  if last == "update" and (before == "for" or before == "key") then return false end
  if #words == 1 and alone[last] then return false end
  return dangling[last] == true
end

---Reads the first statement of a text.
---@param text string
---@return moonpool.console.Reading
function M.read(text)
  local words, brackets, body, last = {}, 0, 0, nil
  for token in M.tokens(text) do
    if not token.closed then
      local open = token.kind == "comment" and "comment" or token.kind == "name" and '"' or "'"
      return { open = open, wants_more = true }
    end
    if token.text == "\\" then return { command = token.from, wants_more = true } end
    if token.kind == "word" then
      local word = token.text:lower()
      body = words[1] == "create" and body_depth(body, words, word) or 0
      if brackets == 0 then words[#words + 1] = word end
      last = word
    elseif token.kind ~= "space" and token.kind ~= "comment" then
      if token.text == "(" then brackets = brackets + 1 end
      if token.text == ")" then brackets = math.max(brackets - 1, 0) end
      if token.text == ";" and brackets == 0 and body == 0 then return { ending = token.from, wants_more = false } end
      last = token.text
    end
  end
  if brackets > 0 or body > 0 then return { open = "(", wants_more = true } end
  return { wants_more = last ~= nil and (hangs(last, words) or lacks(words)) }
end

---Whether a line goes on with the statement that stands before it, where no semicolon says so.
---@param line string
---@return boolean
function M.continues(line)
  local word = line:match "^%s*(%a+)"
  if word then return continuing[word:lower()] == true end
  return line:match "^%s*[,)+%-*/=<>|(]" ~= nil and not line:match "^%s*%-%-"
end

---Whether a text holds nothing but white space and comments.
---@param text string
---@return boolean
function M.is_blank(text)
  for token in M.tokens(text) do
    if token.kind ~= "space" and token.kind ~= "comment" then return false end
  end
  return true
end

return M
