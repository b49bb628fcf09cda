--- A person's SQL, cut at its placeholders so that it can stand anywhere in a larger text.

local misuse = require "moonpool.sql.misuse"
local placeholders = require "moonpool.core.placeholders"

local M = {}

---@class moonpool.sql.Fragment
---@field pieces (string|integer)[] text, and the number of a parameter where one stands
---@field n integer how many parameters
---@field names string[]|nil their names, when they have names

-- The scanner answers with `$n` in place of each placeholder; where its text leaves the original,
-- a placeholder stood, or the second `?` of an escaped one, which follows a `?` that both have.
local function cut(sql, text)
  local pieces, from, i, j, escape = {}, 1, 1, 1, false
  while i <= #sql do
    local a = sql:byte(i)
    if a == text:byte(j) then
      i, j, escape = i + 1, j + 1, a == 63
    elseif escape then
      i, escape = i + 1, false
    else
      local number, after = text:match("^%$(%d+)()", j)
      pieces[#pieces + 1] = text:sub(from, j - 1)
      pieces[#pieces + 1] = tonumber(number)
      i = a == 63 and i + 1 or sql:match("^:[%w_\128-\255]+()", i)
      j, from = after, after
    end
  end
  pieces[#pieces + 1] = text:sub(from)
  return pieces
end

---Reads a fragment.
---@param sql string
---@return moonpool.sql.Fragment
function M.read(sql)
  if type(sql) ~= "string" then
    misuse.raise("a piece of SQL must be a string, got %s", misuse.show(sql))
  end
  if not sql:find "%S" then misuse.raise("a piece of SQL is empty") end
  if sql:find("\0", 1, true) then misuse.raise("a piece of SQL holds a zero byte: %s", misuse.show(sql)) end
  local scanned = placeholders.scan(sql)
  if scanned.style == "native" then
    misuse.raise("%s numbers its parameters itself; write ? or :name, the builder numbers them", misuse.show(sql))
  end
  local pieces = cut(sql, scanned.text)
  -- A line comment must not swallow what is written after the fragment.
  if sql:find("--", 1, true) then pieces[#pieces + 1] = "\n" end
  return { pieces = pieces, n = scanned.n, names = scanned.style == "named" and scanned.names or nil }
end

return M
