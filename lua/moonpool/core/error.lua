--- Errors as values: what a failed call raises, and `try`, which hands it back instead.

local native = require "moonpool.core.ffi"

local C, text = native.C, native.text

local M = {}

---@class moonpool.Error
---@field kind string what to test: "timeout", "unique_violation", …
---@field family string the kind even where PostgreSQL's condition is the name: "server"
---@field message string the bare sentence
---@field sqlstate string|nil
---@field severity string|nil
---@field constraint string|nil
---@field schema string|nil
---@field table string|nil
---@field column string|nil
---@field data_type string|nil
---@field detail string|nil may quote user data
---@field hint string|nil
---@field context string|nil
---@field position integer|nil in characters of `query`, from 1
---@field query string|nil the statement, with $n where parameters stand
---@field node string|nil the node that answered
---@field outcome "not_sent"|"rejected"|"unknown"|"committed_local"
---@field phase "prepare"|"acquire"|"connect"|"send"|"wait"|"commit"
---@field attempt integer
---@field retryable boolean the same work may be run again without the risk of running twice
---@field in_doubt boolean the work may have taken effect
---@field causes moonpool.Error[] earlier attempts of the same call
---@field where string|nil "file.lua:12", for a call that was wrong
local Error = {}
Error.__index = Error
M.Error = Error

-- Numbers of moonpool.h's enums mp_error_text_field and mp_error_number_field.
local texts = {
  kind = 0, message = 1, line = 2, description = 3, family = 4, outcome = 5, phase = 6, node = 7,
  query = 8, hint = 9, sqlstate = 10, severity = 11, detail = 12, context = 13, schema = 14,
  table = 15, column = 16, data_type = 17, constraint = 18, internal_query = 19,
}
local POSITION, INTERNAL_POSITION, ATTEMPT, RETRYABLE, IN_DOUBT, CAUSES = 0, 1, 2, 3, 4, 5

local function number(handle, field)
  return tonumber(C.mp_error_number(handle, field))
end

local function place(n)
  return n > 0 and n or nil
end

-- What to do about errors of the server that say too little, by SQLSTATE; the second pattern is its English words.
local advice = {
  ["25P02"] = { "", "an earlier statement of it failed: roll back. What may fail goes into a savepoint, "
    .. "tx:transaction(function(inner) … end)" },
  ["42601"] = { "^cannot insert multiple commands", "several statements are a script: db:script(text); each by itself, "
    .. "in one round trip: db:batch(function(b) … end)" },
}

---Says what to do, where the error does not say it itself.
---@param e moonpool.Error
---@param hint string
---@param instead boolean|nil the server's own hint leads nowhere: this one takes its place
function M.advise(e, hint, instead)
  local last = e.hint
  if last and not instead then return end
  e.hint = hint
  if not e.description then return end
  local from, to = (e.description):find(last and "\nHINT: " .. last or "\0", 1, true)
  local before, behind = e.description, ""
  if from then before, behind = before:sub(1, from - 1), before:sub(to + 1) end
  e.description = before .. "\nHINT: " .. hint .. behind
end

---Copies an error of the engine; the handle stays the caller's.
---@param handle ffi.cdata*
---@return moonpool.Error
function M.from(handle)
  local e = {}
  for name, field in pairs(texts) do e[name] = text(C.mp_error_text(handle, field)) end
  e.position = place(number(handle, POSITION))
  e.internal_position = place(number(handle, INTERNAL_POSITION))
  e.attempt = number(handle, ATTEMPT)
  e.retryable = number(handle, RETRYABLE) == 1
  e.in_doubt = number(handle, IN_DOUBT) == 1
  e.causes = {}
  for i = 1, number(handle, CAUSES) do e.causes[i] = M.from(C.mp_error_cause(handle, i - 1)) end
  local known = e.sqlstate and advice[e.sqlstate]
  if known and (e.message or ""):find(known[1]) then M.advise(e, known[2]) end
  return setmetatable(e, Error)
end

---Copies the error of an out-parameter and frees it.
---@param failure ffi.cdata* mp_error*[1]
---@return moonpool.Error
function M.take(failure)
  local e = M.from(failure[0])
  C.mp_error_free(failure[0])
  failure[0] = nil
  return e
end

---An error of the Lua side, with every field that an error has.
---@param fields { kind: string, message: string, hint: string|nil, where: string|nil }
---@return moonpool.Error
function M.new(fields)
  local e = {
    family = fields.kind, outcome = "not_sent", phase = "prepare", attempt = 1,
    retryable = false, in_doubt = false, causes = {},
  }
  for name, value in pairs(fields) do e[name] = value end
  e.line = e.kind .. ": " .. e.message
  return setmetatable(e, Error)
end

local home = debug.getinfo(1, "S").source:match "^(.*)core/error%.lua$"

---"file.lua:12": the first line up the stack that is not Moonpool's own; nil where there is none.
---@return string|nil
function M.callers_line()
  local level = 2
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then return nil end
    if info.what ~= "C" and info.currentline > 0 and not (home and info.source:sub(1, #home) == home) then
      return info.short_src .. ":" .. info.currentline
    end
    level = level + 1
  end
end

---The lines up the stack that are not Moonpool's own, innermost first: "report.lua:12 < main.lua:40".
---@param most integer
---@return string
function M.callers_lines(most)
  local lines, level = {}, 2
  while #lines < most do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    if info.what ~= "C" and info.currentline > 0 and not (home and info.source:sub(1, #home) == home) then
      lines[#lines + 1] = info.short_src .. ":" .. info.currentline
    end
    level = level + 1
  end
  return table.concat(lines, " < ")
end

local function escaped(c)
  return ("\\%d"):format(c:byte())
end

---A value as a person would name it: short, quoted when it is text.
---@param value any
---@return string
function M.show(value)
  local kind = type(value)
  if kind == "string" then
    local short = #value > 60 and value:sub(1, 57) .. "..." or value
    return '"' .. short:gsub("%c", escaped) .. '"'
  end
  if kind == "number" or kind == "boolean" or kind == "nil" then return tostring(value) end
  return "a " .. kind
end

---What stands where a name should: the name as it is, anything else shown.
---@param value any
---@return string
function M.name(value)
  return type(value) == "string" and #value <= 60 and not value:find "%c" and value or M.show(value)
end

---Raises: the call itself is wrong. The line that wrote it is named.
---@param message string with more arguments, a format
---@param ... any
function M.misuse(message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  error(M.new { kind = "usage", message = message, where = M.callers_line() }, 0)
end

---@param value any
---@return boolean
function M.is_error(value)
  return getmetatable(value) == Error
end

---Whether this is the error meant: a kind, PostgreSQL's condition, a SQLSTATE, or a SQLSTATE's class of two characters.
---@param name string
---@return boolean
function Error:is(name)
  local state = self.sqlstate
  return self.kind == name or self.family == name
    or (state ~= nil and (state == name or (#name == 2 and state:sub(1, 2) == name)))
end

function Error:__tostring()
  local said = self.description
  if not said then
    said = self.hint and self.line .. "\nHINT: " .. self.hint or self.line
  end
  return self.where and self.where .. ": " .. said or said
end

-- luajit and busted write `"" .. e` of what a script raised.
function Error.__concat(a, b)
  return tostring(a) .. tostring(b)
end

local function outcome(ok, ...)
  if ok then return ... end
  return nil, (...)
end

---Calls f: its values, or nil and what it raised (an error object, or any other value as it is).
---@param f function
---@param ... any
---@return any ...
function M.try(f, ...)
  local meta = getmetatable(f)
  if type(f) ~= "function" and not (type(meta) == "table" and meta.__call) then
    M.misuse("try takes a function and what it is called with, moonpool.try(db.query, db, \"…\"), got %s", M.show(f))
  end
  return outcome(pcall(f, ...))
end

return M
