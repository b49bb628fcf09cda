--- Names: how an object is called in SQL, and how it is called as a fact (its id).
--
-- An id is `kind:part.part.part`, for routines and operators followed by `(argument types)`. A part is written
-- bare when it is lower-case letters, digits and underscores, and in double quotes otherwise, so every name that
-- PostgreSQL accepts has exactly one id and every id can be taken apart again. Keywords play no role in ids:
-- they differ between releases and ids must not.

local M = {}

-- Every word that needs quotes as a name in PostgreSQL 15 to 18 (pg_get_keywords(), catcode <> 'U').
local KEYWORDS = {}
for word in ([[
all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast
char character check coalesce collate collation column concurrently constraint create cross current_catalog
current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable
desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group
grouping having ilike in initially inner inout int integer intersect interval into is isnull join json json_array
json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value
lateral leading least left like limit localtime localtimestamp merge_action national natural nchar none normalize not
notnull null nullif numeric offset on only or order out outer overlaps overlay placing position precision primary real
references returning right row select session_user setof similar smallint some substring symmetric system_user table
tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic verbose
when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
xmlserialize xmltable]]):gmatch "%S+" do
  KEYWORDS[word] = true
end

--- True if `word` cannot stand as a name without quotes in some supported release.
---@param word string
---@return boolean
function M.is_keyword(word)
  return KEYWORDS[word] == true
end

--- The name as SQL, in quotes only where they are needed.
---@param name string
---@return string
function M.quote(name)
  if type(name) ~= "string" then
    error(("a name must be a string, got %s"):format(type(name)), 2)
  end
  if name:find "^[a-z_][a-z0-9_]*$" and not KEYWORDS[name] then return name end
  return '"' .. name:gsub('"', '""') .. '"'
end

--- `schema.name`, each part quoted where needed.
---@param schema string
---@param name string
---@return string
function M.qualified(schema, name)
  return M.quote(schema) .. "." .. M.quote(name)
end

--- A list of names as SQL, separated by commas.
---@param list string[]
---@return string
function M.list(list)
  local out = {}
  for i, name in ipairs(list) do out[i] = M.quote(name) end
  return table.concat(out, ", ")
end

--- The text as an SQL string literal. Right wherever standard_conforming_strings is on, as every text made here asks.
---@param text string
---@return string
function M.literal(text)
  return "'" .. text:gsub("'", "''") .. "'"
end

-- The same few thousand names come again and again, and a pattern is what the compiler cannot compile.
local spelt, known = {}, 0

--- The name as a part of an id.
---@param name string
---@return string
function M.part(name)
  local text = spelt[name]
  if text then return text end
  text = name
  if not name:find "^[a-z_][a-z0-9_]*$" then text = '"' .. name:gsub('"', '""') .. '"' end
  if known > 20000 then spelt, known = {}, 0 end
  spelt[name], known = text, known + 1
  return text
end

--- `kind:a.b.c`
---@param kind string
---@param ... string  the parts of the name, outermost first
---@return string
function M.id(kind, ...)
  local n = select("#", ...)
  local part = M.part
  if n == 1 then return kind .. ":" .. part(...) end
  if n == 2 then
    local a, b = ...
    return kind .. ":" .. part(a) .. "." .. part(b)
  end
  local parts = { ... }
  for i = 1, n do parts[i] = part(parts[i]) end
  return kind .. ":" .. table.concat(parts, ".")
end

--- Reads one identifier at `at`; returns it and the place behind it, or nil.
---@param text string
---@param at integer
---@return string? name
---@return integer next
function M.scan(text, at)
  if text:sub(at, at) ~= '"' then
    local from, to = text:find("^[%w_\128-\255$]+", at)
    if not from then return nil, at end
    return text:sub(from, to), to + 1
  end
  local out, i = {}, at + 1
  while true do
    local q = text:find('"', i, true)
    if not q then return nil, at end
    out[#out + 1] = text:sub(i, q - 1)
    if text:sub(q + 1, q + 1) ~= '"' then return table.concat(out), q + 1 end
    out[#out + 1] = '"'
    i = q + 2
  end
end

--- Takes dotted text apart: `a."b.c"` gives {"a", "b.c"} and the place behind it.
---@param text string
---@param at? integer
---@return string[] parts
---@return integer next
function M.split(text, at)
  local parts = {}
  at = at or 1
  while true do
    local name, after = M.scan(text, at)
    if not name then
      -- An operator's symbol is the one part that is no identifier.
      local from, to = text:find("^[%+%-%*/<>=~!@#%%%^&|`%?]+", at)
      if not from then return parts, at end
      name, after = text:sub(from, to), to + 1
    end
    parts[#parts + 1] = name
    if text:sub(after, after) ~= "." then return parts, after end
    at = after + 1
  end
end

--- Takes an id apart: kind, parts, and the text in its parentheses if it has them.
---@param id string
---@return string kind
---@return string[] parts
---@return string? args
function M.parse(id)
  local kind, rest = id:match "^([%l_]+):(.*)$"
  if not kind then error(("not the id of a fact: %q"):format(id), 2) end
  local parts, at = M.split(rest)
  local args = rest:sub(at):match "^%((.*)%)$"
  return kind, parts, args
end

return M
