--- Ready conditions for what everybody asks: `db:from "orders" :scope(moonpool.scopes.today "created_at")`.
---
--- Days begin at midnight of the session's time zone. Each scope is a condition, so it also goes into
--- `where`, `c.any` and `c.not_`.

local cond = require "moonpool.sql.cond"
local condition = require "moonpool.sql.condition"
local expression = require "moonpool.sql.expression"
local misuse = require "moonpool.sql.misuse"
local term = require "moonpool.sql.term"

---@class moonpool.scopes
local M = {}

local raw = expression.raw

local function column(name, given)
  if term.kind(given) == "expression" then return given end
  if type(given) ~= "string" then misuse.raise("scopes.%s needs a column, got %s", name, misuse.show(given)) end
  return expression.column(given)
end

local function date(name, given)
  if type(given) ~= "string" and term.kind(given) ~= "expression" then
    misuse.raise("scopes.%s needs a date like \"2026-01-31\", got %s", name, misuse.show(given))
  end
  return given
end

---From the beginning of the first day to the end of the last; nil leaves that end open.
---@param col string|moonpool.Expression
---@param from string|nil
---@param to string|nil
---@return moonpool.Condition|moonpool.Expression
function M.between_dates(col, from, to)
  local side = column("between_dates", col)
  if from == nil and to == nil then misuse.raise "scopes.between_dates needs at least one date" end
  local list = {}
  if from ~= nil then list[1] = raw("? >= ?::date", side, date("between_dates", from)) end
  if to ~= nil then list[#list + 1] = raw("? < ?::date + 1", side, date("between_dates", to)) end
  return condition.all(list)
end

---That day.
---@param col string|moonpool.Expression
---@param day string
---@return moonpool.Condition|moonpool.Expression
function M.on_date(col, day)
  return M.between_dates(col, date("on_date", day), day)
end

---Since midnight, and before the next.
---@param col string|moonpool.Expression
---@return moonpool.Condition|moonpool.Expression
function M.today(col)
  local side = column("today", col)
  return condition.all { raw("? >= current_date", side), raw("? < current_date + 1", side) }
end

local units = {
  ms = "milliseconds", s = "seconds", m = "minutes", h = "hours", d = "days", w = "weeks",
  mon = "months", y = "years",
}

---The time that ends now: `scopes.last("created_at", "7d")`. Units: ms, s, m, h, d, w, mon, y.
---@param col string|moonpool.Expression
---@param duration string
---@return moonpool.Expression
function M.last(col, duration)
  local side = column("last", col)
  local amount, unit = tostring(duration):match "^(%d+)%s*(%a+)$"
  if type(duration) ~= "string" or not units[unit] then
    misuse.raise("scopes.last needs a duration like \"7d\", \"12h\" or \"30m\", got %s", misuse.show(duration))
  end
  return raw("? >= now() - ?::interval", side, amount .. " " .. units[unit])
end

---Every word of the text is found, upper and lower case alike, in at least one of the columns. A text
---without words asks for nothing.
---@param cols string|moonpool.Expression|(string|moonpool.Expression)[]
---@param text string
---@return moonpool.Condition
function M.search(cols, text)
  local list = type(cols) == "table" and not term.kind(cols) and cols or { cols }
  if #list == 0 then misuse.raise "scopes.search needs at least one column" end
  if type(text) ~= "string" then misuse.raise("scopes.search needs a text, got %s", misuse.show(text)) end
  local words = {}
  for word in text:gmatch "%S+" do
    local anywhere = {}
    for i = 1, #list do anywhere[i] = cond.ilike(list[i], { contains = word }) end
    words[#words + 1] = condition.any(anywhere)
  end
  return condition.all(words)
end

return setmetatable(M, { __index = misuse.unknown("there is no scope", M) })
