--- SQL in a schema file that is taken as it is: as a clause where a plain value would be quoted, or by itself as
--- statements of somebody's own, with a place in the order.

local split = require "moonpool.schema.split"
local statement = require "moonpool.schema.statement"

local M = {}

---@class moonpool.schema.Raw
---@field text? string
---@field file? string  in which the text lies, beside the schema file
---@field behind string[]  the names of what it comes after
---@field ahead string[]  the names of what it comes before
---@field at? string  file and line
local Raw = {}
Raw.__index = Raw

---@param text string
---@param at? string
---@return moonpool.schema.Raw
function M.new(text, at)
  if type(text) ~= "string" then error(("sql takes text, got a %s"):format(type(text)), 3) end
  return setmetatable({ text = text, behind = {}, ahead = {}, at = at }, Raw)
end

--- The statements of a file in the schema file's folder or below it.
---@param path string
---@param at? string
---@return moonpool.schema.Raw
function M.file(path, at)
  if type(path) ~= "string" or path == "" then error("sql_file takes the path of a file", 3) end
  if path:find "^[/\\]" or path:find "^%a:" or ("/" .. path .. "/"):find("[/\\]%.%.[/\\]") then
    error(("sql_file takes a path below the schema file's own folder, not %q"):format(path), 3)
  end
  return setmetatable({ file = path, behind = {}, ahead = {}, at = at }, Raw)
end

---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == Raw
end

local function note(raw, list, word, ...)
  if select("#", ...) == 0 then error(word .. " takes the names of what the file declares", 3) end
  for i = 1, select("#", ...) do
    local name = select(i, ...)
    if type(name) ~= "string" or name == "" then
      error(("%s takes names as text, got %s"):format(word, name == "" and "an empty one" or "a " .. type(name)), 3)
    end
    list[#list + 1] = name
  end
  return raw
end

--- Has it run when these are made, with all that belongs to them, wherever it stands.
---@param ... string  names of what the file declares, or ids
---@return moonpool.schema.Raw
function Raw:after(...)
  return (note(self, self.behind, "after", ...))
end

--- Has it run before any of these is made, wherever it stands.
---@param ... string
---@return moonpool.schema.Raw
function Raw:before(...)
  return (note(self, self.ahead, "before", ...))
end

--- The text of a clause. Raises for what can only stand by itself.
---@param raw moonpool.schema.Raw
---@param level? integer
---@return string
function M.clause(raw, level)
  if raw.file or #raw.behind + #raw.ahead > 0 then
    error((raw.file and "sql_file" or "sql with before or after") .. " stands by itself, beside tables and views",
      (level or 1) + 1)
  end
  return raw.text
end

local function lines_in(text)
  local _, count = text:gsub("\n", "")
  return count
end

-- On which line of the source the text begins, if it stands there as it is. Of several places it is the one that the
-- call was made at: Lua notes the line on which the text ends, or that of the parenthesis before it.
local function line_in(source, text, near)
  local from, found, counted, line, distance = 1, nil, 1, 1, nil
  local height = lines_in(text)
  while true do
    local at = source:find(text, from, true)
    if not at then return found end
    line, counted, from = line + lines_in(source:sub(counted, at - 1)), at, at + 1
    local away = not near and 0 or near < line and line - near or math.max(0, near - line - height)
    if not distance or away < distance then found, distance = line, away end
  end
end

-- What stands before a complaint about a line of the text.
local function placer(raw, origin)
  if raw.file then
    return function(line) return ("%s:%d"):format(raw.path, line) end
  end
  local at = raw.at or "schema"
  local name, near = at:match "^(.*):(%d+)$"
  local first
  if origin.text and (not name or name == origin.name) and raw.text:find "%S" then
    first = line_in(origin.text:gsub("\r\n?", "\n"), raw.text, tonumber(near))
    name = origin.name
  end
  if first then
    return function(line) return ("%s:%d"):format(name, first + line - 1) end
  elseif not raw.text:find "\n" then
    return function() return at end
  end
  return function(line) return ("%s: line %d of the SQL"):format(at, line) end
end

local MIGRATION = "; what has to be in a table is written by a migration"

local REFUSALS = {
  transaction = "each sql of a schema file is one transaction already: leave %s out",
  rows = "%s writes rows, and rows are no part of a schema" .. MIGRATION,
  upkeep = "%s makes nothing that a schema has: leave it out",
  session = "%s makes nothing that a schema has: leave it out",
  server = "%s is about the server, not about a database, and reading a schema must not change it: declare what "
    .. "belongs to the server by m.role, m.membership, m.tablespace, m.database_setting and their like",
  subscription = "%s would begin to replicate: declare it by m.subscription",
}

local function check(item, place)
  local sort = statement.sort(item)
  if REFUSALS[sort] then
    local long = sort == "server" or sort == "subscription"
    error(("%s: " .. REFUSALS[sort]):format(place(item.line), long and statement.name(item) or item.head[1]), 0)
  elseif statement.is_concurrent(item) then
    error(("%s: CONCURRENTLY cannot be had in a transaction, and nobody waits for a schema in the making: leave it out")
      :format(place(item.line)), 0)
  end
  item.sort = sort
  item.place = place
end

---@class moonpool.schema.Origin
---@field name? string  of the schema file
---@field text? string
---@field read? fun(path: string): string  the text of a file beside it, and raises if there is none

--- What it says, a statement at a time, each with the function that tells the place of a line of the text. Raises for
--- what has no place in a schema, with the line it is on.
---@param raw moonpool.schema.Raw
---@param origin moonpool.schema.Origin
---@return moonpool.schema.Statement[]
function M.statements(raw, origin)
  if raw.file and not raw.text then
    if not origin.read then
      error(("%s: sql_file needs to be told how files are read: schema.load(text, name, { read = f })")
        :format(raw.at or "schema"), 0)
    end
    raw.path = (origin.name or ""):match "^(.*/)[^/]*$" or ""
    raw.path = raw.path .. raw.file
    local ok, text = pcall(origin.read, raw.path)
    if not ok then error(("%s: %s"):format(raw.at or "schema", tostring(text)), 0) end
    raw.text = text
  end
  local place = placer(raw, origin)
  local list = split.statements(raw.text, place, { psql = "refuse" })
  if #list == 0 then error(("%s: there is no SQL in it"):format(place(1)), 0) end
  for _, item in ipairs(list) do check(item, place) end
  return list
end

return M
