--- Runs Lua that was typed: compiles it, keeps it where Ctrl-C can reach it, and says where it failed.

local errors = require "moonpool.core.error"
local jit = require "jit"
local lua_text = require "moonpool.console.lua_text"
local sql_text = require "moonpool.console.sql_text"
local suggest = require "moonpool.core.suggest"

local M = {}

---@class moonpool.console.Failure
---@field value any what was raised
---@field message string what to say first
---@field source string|nil the line at fault
---@field column integer|nil where in it, from 1
---@field line integer|nil
---@field trace string[] the callers, but for Moonpool's own and the prompt

-- As many line breaks in front as make the lines count as they did where the text stood.
local function padded(text, line)
  return ("\n"):rep(line - 1) .. text
end

local function packed(...)
  return { n = select("#", ...), ... }
end

-- The text without the comments, white space and semicolons at its end.
local function without_end(text)
  local last = 0
  for token in lua_text.tokens(text) do
    local counts = token.kind ~= "space" and token.kind ~= "comment" and token.text ~= ";"
    if counts then last = token.to end
  end
  return text:sub(1, last)
end

---Gives a function that hands the values of an expression to the function it is given; what it returns else
---is what the text said to return.
---@param text string
---@param name string chunk name: "=(prompt)"
---@param line integer number of its first line
---@return function|nil
---@return string|nil why not
function M.compile(text, name, line)
  local bare = without_end(text)
  if loadstring("return " .. bare) then
    -- A plain `return f()` would be a tail call, which loses the place of f's error.
    local value = loadstring(padded("local see = ... see(" .. bare .. ")", line), name)
    if value then return value end
  end
  return loadstring(padded(lua_text.keep_locals(text), line), name)
end

local function source_line(text, first, number)
  local n = first
  for line in (text .. "\n"):gmatch "(.-)\n" do
    if n == number then return line end
    n = n + 1
  end
  return nil
end

local function find_plain(line, what)
  local from = what ~= "" and line:find(what, 1, true)
  return from or nil
end

-- Where in the line the parser, or the running code, means.
local function column_of(line, message)
  local token = message:match "near '(.-)'$"
  if token then return find_plain(line, token) or #line + 1 end
  local name = message:match "'([%w_]+)' %(a %a+ value%)" or message:match "global '([%w_]+)'"
    or message:match "field '([%w_]+)'" or message:match "method '([%w_]+)'" or message:match "local '([%w_]+)'"
  return name and find_plain(line, name) or nil
end

local function names_known()
  local names = {}
  for name in pairs(_G) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  return names
end

-- `selct 1` is Lua that is wrong, and was meant as SQL.
local function with_suggestion(message, text)
  local name = message:match "global '([%w_]+)' %(a nil value%)"
  if name then return message .. suggest.hint(name, names_known()) end
  local word = message:match " near '" and text:match "^%s*(%a%a%a+)%s+[%w\"'*(]"
  local is_keyword = word and not loadstring(word .. " = 1")
  return word and not is_keyword and message .. suggest.hint(word, sql_text.starters()) or message
end

local function escape(text)
  return (text:gsub("%p", "%%%0"))
end

---Explains a message of Lua by the text that it speaks of.
---@param value any
---@param text string
---@param name string
---@param line integer
---@return moonpool.console.Failure
function M.explain(value, text, name, line)
  local failure = { value = value, message = tostring(value), trace = {} }
  if type(value) ~= "string" then return failure end
  local number, rest = value:match("^" .. escape(name:sub(2)) .. ":(%d+): (.*)$")
  if not number then return failure end
  failure.line, failure.message = tonumber(number), with_suggestion(rest, text)
  failure.source = source_line(text, line, failure.line)
  failure.column = failure.source and column_of(failure.source, rest)
  return failure
end

-- A frame of the traceback that tells the user something: not C, not Moonpool, not the prompt itself.
local function is_telling(frame, name)
  return not frame:match "^%[" and not frame:match "moonpool/%a+/" and not frame:match("^" .. escape(name) .. ":")
end

local function frames(traceback, name)
  local list = {}
  for frame in traceback:gmatch "\n\t([^\n]+)" do
    if is_telling(frame, name) then list[#list + 1] = frame end
  end
  return list
end

---Runs it. Gives its values, or nil and the failure.
---@param text string
---@param name string
---@param line integer
---@return { n: integer, [integer]: any }|nil
---@return moonpool.console.Failure|nil
function M.run(text, name, line)
  local chunk, why = M.compile(text, name, line)
  if not chunk then return nil, M.explain(why, text, name, line) end
  -- Compiled code does not see the hook that Ctrl-C sets.
  jit.off(chunk, true)
  local trace = ""
  local of_expression
  local outcome = packed(xpcall(chunk, function(e)
    trace = debug.traceback("", 2)
    return e
  end, function(...) of_expression = packed(...) end))
  if outcome[1] then
    return of_expression or packed(unpack(outcome, 2, outcome.n))
  end
  local failure = M.explain(outcome[2], text, name, line)
  failure.trace = frames(trace, name:sub(2))
  return nil, failure
end

---Whether this is what Ctrl-C makes of a run.
---@param value any
---@return boolean
function M.is_interrupt(value)
  if errors.is_error(value) then return value.kind == "cancelled" end
  return type(value) == "string" and value:match "interrupted$" ~= nil
end

return M
