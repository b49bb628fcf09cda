--- What the words of the schema language make: specs. A spec is a fact in the making: a kind, a name, attributes by
--- the names facts give them, and the items written in its braces.

local names = require "moonpool.schema.names"
local raw_of = require "moonpool.schema.dsl.raw"
local suggest = require "moonpool.core.suggest"

local M = {}

---@class moonpool.schema.Spec
---@field kind string  of the fact
---@field path string[]  the parts of its name, schema first where it has one
---@field args? string  in the parentheses of its name
---@field attrs table<string, any>
---@field items moonpool.schema.Spec[]  what was written in its braces
---@field at? string  file and line
---@field old_name? string  what it was called before (renamed_from)
local Spec = {}
Spec.__index = Spec
M.class = Spec

---@param value any
---@return boolean
function M.is_spec(value)
  return getmetatable(value) == Spec
end

--- File and line of whoever called a word of the language.
---@param level integer
---@return string?
function M.caller(level)
  local info = debug and debug.getinfo(level + 1, "Sl")
  if not info or info.currentline < 0 then return nil end
  return ("%s:%d"):format(info.source:match "^@(.*)$" or info.short_src, info.currentline)
end

--- A value as SQL: text is quoted, numbers and booleans are written, `sql` is taken as it is.
---@param value any
---@param level? integer
---@return string
function M.expression(value, level)
  if raw_of.is(value) then return (raw_of.clause(value, (level or 1) + 1)) end
  if type(value) == "string" then return names.literal(value) end
  if type(value) == "boolean" then return tostring(value) end
  if type(value) == "number" then
    return value == math.floor(value) and ("%.0f"):format(value) or ("%.17g"):format(value)
  end
  error(("a value is text, a number, a boolean or sql \"…\", got a %s"):format(type(value)), (level or 1) + 1)
end

---@param kind string
---@param path string[]
---@param attrs? table
---@param at? string
---@return moonpool.schema.Spec
function M.new(kind, path, attrs, at)
  return setmetatable({ kind = kind, path = path, attrs = attrs or {}, items = {}, at = at }, Spec)
end

--- The name as it is written: `name`, `schema.name`, parts in double quotes where they hold a dot or a quote.
---@param text string
---@param default_schema? string  put before a name of one part
---@param level? integer
---@return string[] path
---@return string? args
function M.path(text, default_schema, level)
  if type(text) ~= "string" or text == "" then
    error(("a name is text, got %s"):format(text == "" and "an empty one" or "a " .. type(text)), (level or 1) + 1)
  end
  local args
  local parts, at = names.split(text)
  local rest = text:sub(at)
  if rest ~= "" then
    args = rest:match "^%((.*)%)$"
    if not args or #parts == 0 and text:sub(1, 1) ~= "(" then
      -- A name with blanks or signs in it is one part, whatever it looks like.
      parts, args = { text }, nil
    end
  end
  if default_schema and #parts == 1 then table.insert(parts, 1, default_schema) end
  for _, part in ipairs(parts) do
    if #part > 63 then
      error(("the name %q has %d bytes; PostgreSQL keeps 63 and would cut it off"):format(part, #part),
        (level or 1) + 1)
    end
    if part:find("%z") then error("a name cannot hold a zero byte", (level or 1) + 1) end
  end
  return parts, args
end

--- Raises for an attribute the kind does not have, with the nearest one it has.
---@param kind string
---@param key any
---@param known string[]
---@param level integer
function M.unknown(kind, key, known, level)
  error(("a %s has no %s%s; it has %s"):format(kind, tostring(key), suggest.hint(key, known),
    table.concat(known, ", ")),
    level + 1)
end

--- What it was called before: a migration renames it instead of dropping and making it.
---@param name string
---@return moonpool.schema.Spec
function Spec:renamed_from(name)
  self.old_name = name
  return self
end

--- The name, without the schema.
---@return string
function Spec:name()
  return self.path[#self.path]
end

function Spec:__tostring()
  local parts = {}
  for i, part in ipairs(self.path) do parts[i] = names.part(part) end
  return ("%s %s"):format(self.kind, table.concat(parts, "."))
end

--- `orders`, `public.orders`: the spec's own name as SQL takes it.
---@return string
function Spec:qualified()
  if #self.path == 1 then return names.quote(self.path[1]) end
  return names.qualified(self.path[1], self.path[2])
end

return M
