--- Lua as it is typed: is it whole, and what becomes of `local` at a prompt?

local M = {}

local function long_bracket(text, i)
  local level = text:match("^%[(=*)%[", i)
  if not level then return nil end
  local _, to = text:find("]" .. level .. "]", i + #level + 2, true)
  return to or #text, to ~= nil
end

local function string_end(text, i)
  local quote = text:sub(i, i)
  local at = i + 1
  while at <= #text do
    local c = text:sub(at, at)
    if c == "\\" then
      at = at + 1
    elseif c == quote then
      return at, true
    elseif c == "\n" then
      return at - 1, false
    end
    at = at + 1
  end
  return #text, false
end

local function next_token(text, i)
  local _, to = text:find("^%s+", i)
  if to then return "space", to, true end
  if text:sub(i, i + 1) == "--" then
    local stop, closed = long_bracket(text, i + 2)
    if stop then return "comment", stop, closed end
    local line_end = text:find("\n", i, true)
    return "comment", line_end and line_end - 1 or #text, true
  end
  local stop, closed = long_bracket(text, i)
  if stop then return "string", stop, closed end
  if text:match("^[\"']", i) then
    stop, closed = string_end(text, i)
    return "string", stop, closed
  end
  _, to = text:find("^[%a_][%w_]*", i)
  if to then return "word", to, true end
  _, to = text:find("^%.?%d[%w.]*", i)
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

local openers = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true }
local closers = { ["end"] = true, ["until"] = true }

-- Whether the parser stopped because the text ended.
local function ran_out(message)
  -- A quoted string cannot go on in the next line.
  return message:match "near '?<eof>'?$" ~= nil and not message:match "unfinished string"
end

---Whether the text is Lua as it stands, could be the beginning of some, or is neither.
---@param text string
---@return "whole"|"unfinished"|"wrong"
function M.judge(text)
  local as_value, why_no_value = loadstring("return " .. text)
  if as_value then return "whole" end
  local as_statement, why_no_statement = loadstring(text)
  if as_statement then return "whole" end
  if ran_out(why_no_value) or ran_out(why_no_statement) then return "unfinished" end
  -- A long string or comment that is open at the end is told of without <eof>.
  return why_no_statement:match "unfinished long" and "unfinished" or "wrong"
end

---Whether the text ends inside a string or a comment that may span lines.
---@param text string
---@return boolean
function M.is_open(text)
  local closed = true
  for token in M.tokens(text) do closed = token.closed end
  return not closed
end

---Whether a line goes on with the expression that stands before it: `:where { … }`.
---@param line string
---@return boolean
function M.continues(line)
  if line:match "^%s*%-%-" then return false end
  return line:match "^%s*[:+*/=<>,)%]}^%%-]" ~= nil or line:match "^%s*%.[.%d]" ~= nil
    or line:match "^%s+%.%a" ~= nil or line:match "^%s*and%f[%W]" ~= nil or line:match "^%s*or%f[%W]" ~= nil
end

local function skip_space(list, i)
  while list[i] and (list[i].kind == "space" or list[i].kind == "comment") do i = i + 1 end
  return i
end

-- From the token behind `local`: where its names end, and whether values follow.
local function names_end(list, i)
  local last
  while list[i] and list[i].kind == "word" do
    last = i
    i = skip_space(list, i + 1)
    if not list[i] or list[i].text ~= "," then break end
    i = skip_space(list, i + 1)
  end
  return last, list[i] ~= nil and list[i].text == "="
end

---The text with the locals at its outermost level made globals, because a prompt is one long session: each
---input is a chunk of its own, in which a local would be lost.
---@param text string
---@return string
function M.keep_locals(text)
  local list, parts, depth, i = {}, {}, 0, 1
  for token in M.tokens(text) do list[#list + 1] = token end
  while list[i] do
    local token = list[i]
    if token.kind == "word" and token.text == "local" and depth == 0 then
      local first = skip_space(list, i + 1)
      local is_function = list[first] and list[first].text == "function"
      local last, has_values = names_end(list, first)
      if is_function then
        i = first - 1
      elseif last then
        for k = first, last do parts[#parts + 1] = list[k].text end
        if not has_values then parts[#parts + 1] = " = nil" end
        i = last
      end
    else
      if token.kind == "word" and openers[token.text] then depth = depth + 1 end
      if token.kind == "word" and closers[token.text] then depth = depth - 1 end
      parts[#parts + 1] = token.text
    end
    i = i + 1
  end
  return table.concat(parts)
end

return M
