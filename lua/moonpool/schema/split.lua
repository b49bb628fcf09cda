--- Takes an SQL file apart into statements, as psql does it: a semicolon ends a statement unless it stands in a
--- string, a quoted name, a dollar quote, a comment, parentheses, or the body of a routine written in SQL.
--- Lines for psql itself (`\restrict`, `\connect`) and the rows of COPY … FROM stdin are left out.

local M = {}

---@class moonpool.schema.Statement
---@field sql string
---@field line integer  where it begins
---@field head string[]  its first words, in upper case, names in quotes left out
---@field on? string  the word behind its first ON
---@field psql? string  the command of psql that it is, `\\connect`, where these are kept

-- The place behind a string that begins at `at`.
local function behind_string(text, at, escapes)
  local i = at + 1
  while true do
    local p = text:find(escapes and "[\\']" or "'", i)
    if not p then return nil, "a string without an end" end
    if text:byte(p) == 92 then
      i = p + 2
    elseif text:byte(p + 1) == 39 then
      i = p + 2
    else
      return p + 1
    end
  end
end

local function behind_name(text, at)
  local i = at + 1
  while true do
    local p = text:find('"', i, true)
    if not p then return nil, "a quoted name without an end" end
    if text:byte(p + 1) ~= 34 then return p + 1 end
    i = p + 2
  end
end

-- Comments nest.
local function behind_comment(text, at)
  local depth, i = 1, at + 2
  while depth > 0 do
    local p = text:find("[*/]", i)
    if not p then return nil, "a comment without an end" end
    local two = text:sub(p, p + 1)
    if two == "/*" then
      depth, i = depth + 1, p + 2
    elseif two == "*/" then
      depth, i = depth - 1, p + 2
    else
      i = p + 1
    end
  end
  return i
end

local function behind_dollar(text, at)
  local tag = text:match("^%$[%a_\128-\255][%w_\128-\255]*%$", at) or text:match("^%$%$", at)
  if not tag then return at + 1 end
  local _, stop = text:find(tag, at + #tag, true)
  if not stop then return nil, "a dollar quote without an end" end
  return stop + 1
end

local function line_of(text, from, to, line)
  for _ in text:sub(from, to - 1):gmatch "\n" do line = line + 1 end
  return line
end

-- Words that open and close a nesting in the body of a routine written in SQL.
local function count_words(word, state)
  if state.words < 5 then
    state.words = state.words + 1
    state.head[state.words] = word
  end
  if state.last == "ON" then state.on = state.on or word end
  if state.atomic then
    if word == "CASE" then
      state.depth = state.depth + 1
    elseif word == "END" then
      state.depth = state.depth - 1
      if state.depth == 0 then state.atomic = false end
    end
  elseif word == "ATOMIC" and state.last == "BEGIN" and state.head[1] == "CREATE" then
    state.atomic, state.depth = true, 1
  end
  state.last = word
end

local function fresh()
  return { words = 0, head = {}, depth = 0, parens = 0, atomic = false }
end

-- Behind the `\.` that ends the rows of COPY … FROM stdin.
local function behind_rows(text, at)
  local _, stop = text:find("\n\\%.[^\n]*", at)
  return stop and stop + 1 or #text + 1
end

-- Lines that say nothing: pg_dump puts them around what it writes.
local SILENT = { ["\\restrict"] = true, ["\\unrestrict"] = true }

--- The statements of a file.
---@param text string
---@param name? string|fun(line: integer): string  of the file, for errors; or what stands before them for a line
---@param options? { psql: "refuse"|"keep"|nil }  commands of psql are left out unless they are refused or kept
---@return moonpool.schema.Statement[]
function M.statements(text, name, options)
  local function told(line)
    return type(name) == "function" and name(line) or ("%s:%d"):format(name or "SQL", line)
  end
  local out, at, start, state = {}, 1, nil, fresh()
  local psql = options and options.psql
  local counted, line = 1, 1
  local function where(place)
    line = line_of(text, counted, place, line)
    counted = place
    return line
  end
  local function finish(stop)
    if start then
      local sql = text:sub(start, stop):gsub("%s+$", "")
      out[#out + 1] = { sql = sql, line = where(start), head = state.head, on = state.on }
      if sql:find "^[Cc][Oo][Pp][Yy]%s" and sql:lower():find "from%s+stdin" then at = behind_rows(text, at) end
    end
    start, state = nil, fresh()
  end
  -- A command of psql, and what stands behind it.
  local function command(p)
    local stop = text:find("[\r\n]", p) or #text + 1
    out[#out + 1] = { sql = text:sub(p, stop - 1), line = where(p), head = {}, psql = text:match("^\\[^%s;]*", p) }
    return stop
  end
  while true do
    local p = text:find(start and "[;'\"$%-/()%a_\128-\255\\]" or "%S", at)
    if not p then break end
    local c = text:byte(p)
    local two = text:sub(p, p + 1)
    local after, why
    if two == "--" then
      after = text:find("\n", p, true) or #text + 1
    elseif two == "/*" then
      after, why = behind_comment(text, p)
    elseif c == 92 and not start then
      local name_of = text:match("^\\%S*", p)
      if psql == "refuse" and not SILENT[name_of] then
        error(("%s: %s is a command of psql, which the server does not know"):format(told(where(p)), name_of), 0)
      end
      after = psql == "keep" and command(p) or text:find("\n", p, true) or #text + 1
    elseif c == 92 and psql == "keep" then
      -- No other backslash stands outside of quotes: the command ends the statement.
      finish(p - 1)
      after = command(p)
    elseif c == 59 then
      at = p + 1
      if state.parens == 0 and not state.atomic then
        finish(p - 1)
        after = at
      else
        after = p + 1
      end
    else
      start = start or p
      if c == 39 then
        after, why = behind_string(text, p, text:find("^[eE]", p - 1) and not text:find("^[%w_]", p - 2))
      elseif c == 34 then
        after, why = behind_name(text, p)
      elseif c == 36 then
        after, why = behind_dollar(text, p)
      elseif c == 40 then
        state.parens, after = state.parens + 1, p + 1
      elseif c == 41 then
        state.parens, after = math.max(0, state.parens - 1), p + 1
      else
        local word = text:match("^[%a_\128-\255][%w_$\128-\255]*", p)
        if word then
          count_words(word:upper(), state)
          after = p + #word
        else
          after = p + 1
        end
      end
    end
    if not after then error(("%s: %s"):format(told(where(p)), why), 0) end
    at = after
  end
  finish(#text)
  return out
end

return M
