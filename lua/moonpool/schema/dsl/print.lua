--- A fact set as a schema file in Lua: deterministic, formatted, and the same facts when it is loaded.

local emitter = require "moonpool.schema.emitter"
local kinds = require "moonpool.schema.kinds"
local literal = require "moonpool.schema.dsl.literal"
local names = require "moonpool.schema.names"
local print_table = require "moonpool.schema.dsl.print_table"

local M = {}

-- A function of Lua holds so many constants; a big schema is written as several.
local PART = 120

local WORD = { ["function"] = "func", publication_table = "published" }

-- Children that stand in the braces of their parent, or are told by it.
local INSIDE = {
  column = true, attribute = true, default = true, constraint = true, index = true, trigger = true, rule = true,
  policy = true, statistics = true, acl = true, publication_table = true, publication_schema = true,
}

local RELATIONS = { table = true, foreign_table = true, view = true, matview = true }

-- What stands behind the kind in an id, as the language takes it: `public` is left out of a plain name.
local function spoken(fact)
  local rest = fact.id:match "^[%l_]+:(.*)$"
  local plain = rest:match "^public%.([%a_][%w_]*)$"
  if plain and fact.schema then return plain end
  return rest
end

local function word_of(fact)
  return "m." .. (WORD[fact.kind] or fact.kind) .. " " .. literal.text(spoken(fact))
end

local function braces(head, lines)
  if #lines == 0 then return head .. " {}" end
  local line = ("%s { %s }"):format(head, table.concat(lines, ", "))
  if #line <= 100 and not line:find "\n" then return line end
  return ("%s {\n  %s,\n}"):format(head, table.concat(lines, ",\n  "))
end

local function attribute_lines(attrs, lines)
  local keys = {}
  for key in pairs(attrs) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    lines[#lines + 1] = ("%s = %s"):format(literal.key(key), literal.value(attrs[key], "  "))
  end
end

local function grants(set, fact, lines)
  for _, grant in ipairs(print_table.grants(set, fact.id)) do lines[#lines + 1] = print_table.grant(grant,
    "m.grant") end
end

-- Ids of other things to names.
local function spoken_attrs(fact)
  local attrs = print_table.copy(fact.attrs)
  if attrs.partition_of then attrs.partition_of = print_table.reference(attrs.partition_of) end
  if attrs.owned_by then attrs.owned_by = attrs.owned_by:match "^[%l_]+:(.*)$" end
  if attrs.inherits then
    local list = {}
    for i, id in ipairs(attrs.inherits) do list[i] = print_table.reference(id) end
    attrs.inherits = list
  end
  return attrs
end

local function relation(set, fact, done, apart)
  -- A view that goes round in circles with others is first made with nothing but its columns.
  local columns = fact.kind == "table" or fact.kind == "foreign_table" or apart[fact.id]
  local lines = print_table.lines(set, fact, { columns = columns }, done)
  local attrs = spoken_attrs(fact)
  if not columns and #lines == 0 and next(attrs) == "definition" and next(attrs, "definition") == nil then
    return word_of(fact) .. " " .. literal.text(attrs.definition)
  end
  attribute_lines(attrs, lines)
  return braces(word_of(fact), lines)
end

local printers = {}

function printers.enum(set, fact)
  local lines, attrs = {}, spoken_attrs(fact)
  for i, label in ipairs(attrs.labels) do lines[i] = literal.text(label) end
  attrs.labels = nil
  grants(set, fact, lines)
  attribute_lines(attrs, lines)
  return braces(word_of(fact), lines)
end

function printers.composite(set, fact)
  local lines = {}
  for _, attribute in ipairs(set:children(fact.id, "attribute")) do
    lines[#lines + 1] = print_table.column_line(set, fact, attribute, "", {})
  end
  grants(set, fact, lines)
  attribute_lines(spoken_attrs(fact), lines)
  return braces(word_of(fact), lines)
end

function printers.domain(set, fact)
  local lines = {}
  for _, constraint in ipairs(set:children(fact.id, "constraint")) do
    lines[#lines + 1] = print_table.constraint_line(fact, constraint)
  end
  grants(set, fact, lines)
  attribute_lines(spoken_attrs(fact), lines)
  return braces(word_of(fact), lines)
end

function printers.publication(set, fact)
  local lines = {}
  for _, item in ipairs(set:children(fact.id, "publication_table")) do
    local _, parts = names.parse(item.id)
    local path = names.id("x", parts[2], parts[3]):sub(3)
    lines[#lines + 1] = ("m.published %s %s"):format(literal.text(path),
      literal.value(print_table.copy(item.attrs), "  "))
  end
  for _, item in ipairs(set:children(fact.id, "publication_schema")) do
    lines[#lines + 1] = ("m.published_schema %s"):format(literal.text(item.name))
  end
  attribute_lines(spoken_attrs(fact), lines)
  return braces(word_of(fact), lines)
end

local function anything(set, fact)
  local lines = {}
  grants(set, fact, lines)
  attribute_lines(spoken_attrs(fact), lines)
  return braces(word_of(fact), lines)
end

-- Privileges of what is no thing of its own in the file: the system's objects, sequences of identity columns.
local function stray_privileges(set, done)
  local by_target, targets, out = {}, {}, {}
  for _, fact in ipairs(set:of_kind "acl") do
    local parent = set:get(fact.parent)
    if not parent or done[fact.parent] == true and parent.kind == "sequence" then
      if not by_target[fact.parent] then
        by_target[fact.parent] = {}
        targets[#targets + 1] = fact.parent
      end
      table.insert(by_target[fact.parent], fact)
    end
  end
  for _, target in ipairs(targets) do
    local lines = {}
    table.sort(by_target[target], function(a, b) return (a.attrs._position or 0) < (b.attrs._position or 0) end)
    for _, fact in ipairs(by_target[target]) do lines[#lines + 1] = print_table.grant(fact, "m.grant") end
    out[#out + 1] = braces(("m.privileges %s"):format(literal.text(target)), lines)
  end
  return out
end

-- Long strings must not be indented with the rest: they would no longer be the same strings. Nothing else has line
-- breaks behind brackets, because short strings are written without any.
local function indent(text)
  local out, at = {}, 1
  while true do
    local from, to, level = text:find("%[(=*)%[\n", at)
    out[#out + 1] = text:sub(at, (from or 0) - 1):gsub("\n", "\n  ")
    if not from then return table.concat(out) end
    local _, stop = text:find("]" .. level .. "]", to, true)
    out[#out + 1] = text:sub(from, stop)
    at = stop + 1
  end
end

local function by_schema(a, b)
  if a.schema ~= b.schema then return (a.schema or "") < (b.schema or "") end
  local x, y = kinds.weight[a.kind] or 99, kinds.weight[b.kind] or 99
  if x ~= y then return x < y end
  return a.id < b.id
end

--- The file.
---@param set moonpool.schema.FactSet
---@return string
function M.file(set)
  local list, done, texts = {}, {}, {}
  for fact in set:each() do
    if not INSIDE[fact.kind] or fact.kind == "statistics" and not set:get(fact.parent) then list[#list + 1] = fact end
  end
  table.sort(list, by_schema)
  -- Tables first tell their sequences, whatever the order in the file is.
  local written, apart = {}, emitter.new(set):apart()
  for _, fact in ipairs(list) do
    if RELATIONS[fact.kind] then written[fact.id] = relation(set, fact, done, apart) end
  end
  for _, fact in ipairs(list) do
    if not done[fact.id] then
      texts[#texts + 1] = written[fact.id] or (printers[fact.kind] or anything)(set, fact)
    end
  end
  for _, text in ipairs(stray_privileges(set, done)) do texts[#texts + 1] = text end

  local no_public = set.meta.complete and not set:get "schema:public"
  local out = { 'local m = require "moonpool.schema"\n' }
  local function block(from, to, head)
    local lines = { head .. "{" }
    if from == 1 and no_public and #texts <= PART then lines[2] = "  public = false," end
    for i = from, to do lines[#lines + 1] = "  " .. indent(texts[i]) .. "," end
    lines[#lines + 1] = "}"
    return table.concat(lines, "\n")
  end
  if #texts <= PART then
    out[#out + 1] = block(1, #texts, "return ")
  else
    local parts = {}
    for from = 1, #texts, PART do
      parts[#parts + 1] = ("part_%d()"):format(#parts + 1)
      out[#out + 1] = ("local function part_%d()\n%s\nend\n"):format(#parts,
        block(from, math.min(from + PART - 1, #texts), "return "))
    end
    if no_public then table.insert(parts, 1, "public = false") end
    out[#out + 1] = ("return { %s }"):format(table.concat(parts, ", "))
  end
  return table.concat(out, "\n") .. "\n"
end

return M
