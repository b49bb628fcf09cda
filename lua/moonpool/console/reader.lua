--- Cuts what is typed or piped in into inputs: a statement of SQL, a piece of Lua, a command, a call for help.
---
--- SQL ends at its semicolon. Without one, a statement on a single line is whole, unless it cannot be
--- ("select *", an open bracket); one that spans lines ends at a blank line. Lua ends where it is whole.
--- Where the next line is known already (a pipe, a paste), it is looked at first: it may go on with the last.
--- A backslash outside of quotes begins a command, as in psql: `select 1 \gx`, or \r on a line of its own.

local lua_text = require "moonpool.console.lua_text"
local sql_text = require "moonpool.console.sql_text"

local M = {}

---@class moonpool.console.Input
---@field kind "sql"|"lua"|"command"|"help"
---@field text string
---@field line integer where it begins in all that was read, from 1
---@field of moonpool.console.Input|nil of a command: what had been typed before it

---@class moonpool.console.Reader
---@field private interactive boolean
---@field private lines string[] of the input that is not whole yet
---@field private ripe boolean it could be run as it is
---@field private line integer how many lines were read
---@field private first integer line where the buffered input begins
---@field private born integer number of the push that began it
---@field private pushes integer
---@field private ready moonpool.console.Input[]
local Reader = {}
Reader.__index = Reader

---@param interactive boolean lines come one by one, and each that can be run is run
---@return moonpool.console.Reader
function M.new(interactive)
  return setmetatable({
    interactive = interactive, lines = {}, ripe = false, line = 0, first = 1, born = 0, pushes = 0, ready = {},
  }, Reader)
end

-- Commands that use up what was typed before them; the others leave it.
local consuming = { g = true, gx = true, watch = true, e = true, r = true }

local function is_sql(text)
  return text:match "^%s*/%*" ~= nil or sql_text.is_sql(text)
end

function Reader:emit(kind, text, line)
  self.ready[#self.ready + 1] = { kind = kind, text = text, line = line }
end

function Reader:flush()
  local text = table.concat(self.lines, "\n")
  self.lines, self.ripe = {}, false
  if not sql_text.is_blank(text) then self:emit(is_sql(text) and "sql" or "lua", text, self.first) end
end

-- What follows a semicolon on the same line is an input of its own.
function Reader:flush_statement(text, ending)
  local rest = text:sub(ending + 1)
  local _, breaks = text:sub(1, ending):gsub("\n", "")
  self:emit("sql", text:sub(1, ending), self.first)
  self.lines, self.ripe = {}, false
  if not sql_text.is_blank(rest) then self:begin(rest, self.first + breaks) end
end

-- A command behind or below an input that is not run yet.
function Reader:interject(before, command)
  local of
  if not sql_text.is_blank(before) then
    of = { kind = is_sql(before) and "sql" or "lua", text = before, line = self.first }
  end
  self.ready[#self.ready + 1] = { kind = "command", text = command, line = self.line, of = of }
  self.lines, self.ripe = {}, false
  if of and not consuming[command:match "^\\(%a*)"] then self:weigh { before } end
end

-- Takes the lines as the input so far and sees what it lacks.
function Reader:weigh(lines)
  self.lines = lines
  local text = table.concat(lines, "\n")
  if is_sql(text) then
    local reading = sql_text.read(text)
    if reading.ending then return self:flush_statement(text, reading.ending) end
    if reading.command then
      return self:interject(text:sub(1, reading.command - 1):gsub("%s+$", ""), text:sub(reading.command))
    end
    self.ripe = not reading.wants_more
  else
    self.ripe = lua_text.judge(text) ~= "unfinished"
  end
end

local function goes_on(text, line)
  if is_sql(text) then return sql_text.continues(line) end
  return lua_text.continues(line)
end

function Reader:begin(line, at)
  if line:match "^%s*$" then return end
  local command = line:match "^%s*(\\.*)$" or line:match "^%s*(%.%a.*)$"
  if command then return self:emit("command", command, at) end
  local help = line:match "^%s*%?%s*(.*)$"
  if help then return self:emit("help", help, at) end
  self.first, self.born = at, self.pushes
  -- `=x` is how Lua's own prompt of this version prints.
  self:weigh { (line:gsub("^(%s*)=%f[^=]", "%1 ")) }
end

function Reader:take(line)
  self.line = self.line + 1
  if #self.lines == 0 then return self:begin(line, self.line) end
  local text = table.concat(self.lines, "\n")
  if line:match "^%s*\\%a" and not is_sql(text) and not lua_text.is_open(text) then
    return self:interject(text, line:match "^%s*(.*)$")
  end
  local blank = line:match "^%s*$" ~= nil
  if blank and (self.ripe or (is_sql(text) and not sql_text.read(text).open)) then return self:flush() end
  if self.ripe and not self:is_typed() and not goes_on(text, line) then
    self:flush()
    return self:begin(line, self.line)
  end
  self.lines[#self.lines + 1] = line
  self:weigh(self.lines)
end

-- SQL over several lines that came one by one: only its end ends it.
function Reader:is_typed()
  return self.interactive and self.born ~= self.pushes
end

---Adds a line, or several.
---@param text string
---@return moonpool.console.Input[] those that are whole now
function Reader:push(text)
  self.pushes = self.pushes + 1
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do self:take(line) end
  if self.interactive and self.ripe then
    local typed_sql = self:is_typed() and is_sql(table.concat(self.lines, "\n"))
    if not typed_sql then self:flush() end
  end
  return self:take_ready()
end

---No more will come: what is left is an input, whole or not.
---@return moonpool.console.Input[]
function Reader:finish()
  if #self.lines > 0 then self:flush() end
  return self:take_ready()
end

function Reader:take_ready()
  local ready = self.ready
  self.ready = {}
  return ready
end

---Whether an input was begun and is not whole yet.
---@return boolean
function Reader:is_waiting()
  return #self.lines > 0
end

---The input that is not whole yet.
---@return string
function Reader:waiting_text()
  return table.concat(self.lines, "\n")
end

---Forgets the input that is not whole yet.
function Reader:abandon()
  self.lines, self.ripe = {}, false
end

return M
