--- Names: read as what they are, always quoted, never longer than PostgreSQL keeps.
---
--- A name is written plainly (`id`, `u.id`, `billing.orders`) or in double quotes (`"odd name"`), and
--- is taken exactly as written, upper case included. What cannot be a name is refused with advice; a
--- name that comes from outside is therefore safe to pass, whatever it holds.

local misuse = require "moonpool.sql.misuse"

local M = {}

local LIMIT = 63

local function bad_utf8(text)
  local i, length = 1, #text
  while i <= length do
    local a, b, c, d = text:byte(i, i + 3)
    local more
    if a < 0x80 then more = 0
    elseif a >= 0xC2 and a <= 0xDF then more = 1
    elseif a >= 0xE0 and a <= 0xEF then more = 2
    elseif a >= 0xF0 and a <= 0xF4 then more = 3
    else return true end
    if more >= 1 and not (b and b >= 0x80 and b <= 0xBF) then return true end
    if more >= 2 and not (c and c >= 0x80 and c <= 0xBF) then return true end
    if more == 3 and not (d and d >= 0x80 and d <= 0xBF) then return true end
    if a == 0xE0 and b < 0xA0 or a == 0xED and b > 0x9F then return true end
    if a == 0xF0 and b < 0x90 or a == 0xF4 and b > 0x8F then return true end
    i = i + more + 1
  end
  return false
end

---Why this text can be nobody's name, or nil when it can.
---@param name string
---@return string|nil reason
local function unfit(name)
  if name == "" then return "a name cannot be empty" end
  if name:find("\0", 1, true) then return "a name cannot hold a zero byte" end
  if bad_utf8(name) then return "a name must be valid UTF-8" end
  if #name > LIMIT then
    return ("%s is %d bytes long and PostgreSQL keeps %d: it would become another name"):format(
      misuse.show(name), #name, LIMIT)
  end
end

---One name, quoted, whatever it holds (but for what cannot be a name at all).
---@param name string
---@return string
function M.quote(name)
  if type(name) ~= "string" then
    misuse.raise("a name must be a string, got %s", misuse.show(name))
  end
  local reason = unfit(name)
  if reason then misuse.raise("%s", reason) end
  return '"' .. name:gsub('"', '""') .. '"'
end

---@class moonpool.sql.Token
---@field kind "name"|"dot"|"star"|"space"
---@field name string|nil
---@field word string|nil the name in lower case, when it was written without quotes

-- The name in double quotes that begins at i, and where the text goes on.
local function quoted(text, i)
  local name, from = "", i + 1
  while true do
    local stop = text:find('"', from, true)
    if not stop then return nil end
    name = name .. text:sub(from, stop - 1)
    if text:byte(stop + 1) ~= 34 then return name, stop + 1 end
    name, from = name .. '"', stop + 2
  end
end

-- The tokens of a text made of names, dots, stars and spaces; nil when it holds anything else.
local function tokens(text)
  local list, i = {}, 1
  while i <= #text do
    local bare = text:match("^[%a_\128-\255][%w_$\128-\255]*", i)
    if bare then
      list[#list + 1] = { kind = "name", name = bare, word = bare:lower() }
      i = i + #bare
    elseif text:byte(i) == 34 then
      local name, after = quoted(text, i)
      if not name then return nil end
      list[#list + 1] = { kind = "name", name = name }
      i = after
    else
      local c = text:sub(i, i)
      if c == "." then list[#list + 1] = { kind = "dot" }
      elseif c == "*" then list[#list + 1] = { kind = "star" }
      elseif c == " " then
        if list[#list] and list[#list].kind ~= "space" then list[#list + 1] = { kind = "space" } end
      else return nil end
      i = i + 1
    end
  end
  if list[#list] and list[#list].kind == "space" then list[#list] = nil end
  return list
end

---@class moonpool.sql.Path
---@field text string quoted, dots between
---@field name string the last name, as written (`*` for a star)
---@field star boolean

-- Reads a path from token `i` on; returns it and the index after it.
local function path(list, i, depth)
  local written = {}
  while true do
    local token = list[i]
    if not token then return nil end
    if token.kind == "star" then
      written[#written + 1] = "*"
      return { text = table.concat(written, "."), name = "*", star = true }, i + 1
    end
    if token.kind ~= "name" then return nil end
    local reason = unfit(token.name)
    if reason then return nil, reason end
    written[#written + 1] = M.quote(token.name)
    if not (list[i + 1] and list[i + 1].kind == "dot") then
      if #written > depth then return nil end
      return { text = table.concat(written, "."), name = token.name, star = false }, i + 1
    end
    i = i + 2
  end
end

-- `[as] alias` from token `i` on: the name, or nil and the index unchanged.
local function alias(list, i)
  if not (list[i] and list[i].kind == "space") then return nil, i end
  local token, after = list[i + 1], i + 2
  if token and token.word == "as" then
    if not (list[i + 2] and list[i + 2].kind == "space") then return nil, i end
    token, after = list[i + 3], i + 4
  end
  if not token or token.kind ~= "name" then return nil, i end
  return token, after
end

local function refuse(what, text, reason)
  if reason then misuse.raise("%s", reason) end
  misuse.raise("%s is not %s; if it is meant as SQL, say moonpool.raw(%s)",
    misuse.show(text), what, type(text) == "string" and misuse.show(text) or "...")
end

local function read(what, text, depth)
  if type(text) ~= "string" then
    misuse.raise("%s must be written as a string, got %s", what, misuse.show(text))
  end
  local list = tokens(text)
  if not list then return refuse(what, text, text:find("%z") and "a name cannot hold a zero byte" or nil) end
  local found, after = path(list, 1, depth)
  if not found then return refuse(what, text, after) end
  return found, list, after
end

---A column: `id`, `u.id`, `billing.orders.id`.
---@param text string
---@return moonpool.sql.Path
function M.column(text)
  local what = 'a column name (like "id" or "u.id")'
  local found, list, after = read(what, text, 4)
  if found.star or list[after] then return refuse(what, text) end
  return found
end

---A column to select: also `*`, `u.*`, `name as n`, `name n`.
---@param text string
---@return moonpool.sql.Path path, string|nil alias quoted
function M.selected(text)
  local what = 'a column to select (like "id", "u.*" or "name as n")'
  local found, list, after = read(what, text, 4)
  local as, done = alias(list, after)
  if list[done] or (as and found.star) then return refuse(what, text) end
  return found, as and M.quote(as.name) or nil
end

---A table: `users`, `billing.orders`, `users u`, `users as u`.
---@param text string
---@return moonpool.sql.Path path, string|nil alias quoted
function M.table(text)
  local what = 'a table name (like "users", "billing.orders" or "users u")'
  local found, list, after = read(what, text, 3)
  local as, done = alias(list, after)
  if found.star or list[done] then return refuse(what, text) end
  return found, as and M.quote(as.name) or nil
end

---One name alone: an alias, a common table expression, a window.
---@param text string
---@param what string what it names, for the message
---@return string quoted
function M.single(text, what)
  if type(text) ~= "string" then
    misuse.raise("%s must be a string, got %s", what, misuse.show(text))
  end
  local list = tokens(text)
  if not list or #list ~= 1 or list[1].kind ~= "name" then
    misuse.raise("%s must be one plain name, got %s", what, misuse.show(text))
  end
  return M.quote(list[1].name)
end

---@class moonpool.sql.Ordering
---@field text string the column, quoted
---@field name string|nil the column's last name
---@field full string|nil the column as it was written
---@field desc boolean
---@field nulls "first"|"last"|nil

---A column to order by: `age`, `u.age desc`, `count desc nulls last`.
---@param text string
---@return moonpool.sql.Ordering
function M.ordering(text)
  local what = 'an ordering (like "age", "age desc" or "age desc nulls last")'
  local found, list, after = read(what, text, 4)
  if found.star then return refuse(what, text) end
  local words = {}
  for i = after, #list do
    local token = list[i]
    if token.kind ~= "space" then
      if not token.word then return refuse(what, text) end
      words[#words + 1] = token.word
    end
  end
  local said = table.concat(words, " ")
  local direction = said:match "^asc%f[^%a]" or said:match "^desc%f[^%a]"
  local rest = direction and said:sub(#direction + 2) or said
  local nulls = rest:match "^nulls (%a+)$"
  if rest ~= "" and nulls ~= "first" and nulls ~= "last" then return refuse(what, text) end
  local alone = list[after] == nil and list[2] == nil and list[1].word
  if alone == "asc" or alone == "desc" then
    misuse.raise("%s stands alone in an order; a direction is written with its column, \"age desc\" (and a column of "
      .. "that name in quotes)", misuse.show(text))
  end
  local full = text:match "^%s*(%S+)"
  return { text = found.text, name = found.name, full = full, desc = direction == "desc", nulls = nulls }
end

---A path from parts that are taken as they are: for names that hold dots or spaces.
---@param ... string
---@return string quoted
function M.join(...)
  local parts, count = { ... }, select("#", ...)
  if count == 0 then misuse.raise("a name needs at least one part") end
  for i = 1, count do parts[i] = M.quote(parts[i]) end
  return table.concat(parts, ".")
end

return M
