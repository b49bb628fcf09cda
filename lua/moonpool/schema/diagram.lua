--- Pictures of a fact set: tables with their columns and keys, and the references between them. Partitions are drawn
--- as their parent.

local names = require "moonpool.schema.names"

local M = {}

---@class moonpool.schema.Box
---@field fact moonpool.schema.Fact
---@field columns { name: string, type: string, key: boolean, reference: boolean, not_null: boolean }[]

local function keys_of(set, fact)
  local key, references = {}, {}
  for _, constraint in ipairs(set:children(fact.id, "constraint")) do
    for _, column in ipairs(constraint.attrs.columns or {}) do
      if constraint.attrs.type == "primary key" then key[column] = true end
      if constraint.attrs.type == "foreign key" then references[column] = true end
    end
  end
  return key, references
end

---@param set moonpool.schema.FactSet
---@return moonpool.schema.Box[]
local function boxes(set)
  local out = {}
  for _, kind in ipairs { "table", "foreign_table" } do
    for _, fact in ipairs(set:of_kind(kind)) do
      if not fact.attrs.partition_of then
        local key, references = keys_of(set, fact)
        local box = { fact = fact, columns = {} }
        for i, column in ipairs(set:children(fact.id, "column")) do
          box.columns[i] = {
            name = column.name, type = column.attrs.type, key = key[column.name], reference = references[column.name],
            not_null = column.attrs.not_null,
          }
        end
        out[#out + 1] = box
      end
    end
  end
  return out
end

---@class moonpool.schema.Arrow
---@field from string  id of the table that refers
---@field to string
---@field label string
---@field one boolean  at most one row refers to one
---@field optional boolean  a row may refer to none

local function is_unique(set, table_id, columns)
  local wanted = {}
  for _, column in ipairs(columns) do wanted[column] = true end
  for _, constraint in ipairs(set:children(table_id, "constraint")) do
    local kind = constraint.attrs.type
    if kind == "primary key" or kind == "unique" then
      local within = true
      for _, column in ipairs(constraint.attrs.columns) do within = within and wanted[column] end
      if within then return true end
    end
  end
  return false
end

local function arrows(set)
  local out = {}
  for _, fact in ipairs(set:of_kind "constraint") do
    local host = set:get(fact.parent)
    local target = fact.attrs.references and set:get(fact.attrs.references)
    if target and not host.attrs.partition_of then
      local optional = false
      for _, name in ipairs(fact.attrs.columns) do
        local column = set:get(names.id("column", host.schema, host.name, name))
        if column and not column.attrs.not_null then optional = true end
      end
      out[#out + 1] = { from = host.id, to = target.id, label = table.concat(fact.attrs.columns, ", "),
        one = is_unique(set, host.id, fact.attrs.columns), optional = optional }
    end
  end
  return out
end

local function label_of(fact)
  return fact.schema == "public" and fact.name or fact.schema .. "." .. fact.name
end

local HTML = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function html(text)
  return (text:gsub('[&<>"]', HTML))
end

local function dot_id(text)
  return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
end

--- For Graphviz.
---@param set moonpool.schema.FactSet
---@return string
function M.dot(set)
  local out = {
    "digraph schema {", "  graph [rankdir=LR, fontname=\"Helvetica\"];",
    "  node [shape=plain, fontname=\"Helvetica\", fontsize=10];",
      "  edge [fontname=\"Helvetica\", fontsize=8, dir=both];",
  }
  local by_schema, schemas = {}, {}
  for _, box in ipairs(boxes(set)) do
    local schema = box.fact.schema
    if not by_schema[schema] then
      by_schema[schema] = {}
      schemas[#schemas + 1] = schema
    end
    table.insert(by_schema[schema], box)
  end
  table.sort(schemas)
  for n, schema in ipairs(schemas) do
    out[#out + 1] = ("  subgraph cluster_%d {\n    label=%s; color=gray;"):format(n, dot_id(schema))
    for _, box in ipairs(by_schema[schema]) do
      local rows = { ('<TR><TD COLSPAN="2" BGCOLOR="#dde6f0"><B>%s</B></TD></TR>'):format(html(box.fact.name)) }
      for _, column in ipairs(box.columns) do
        local name = html(column.name)
        if column.key then name = "<U>" .. name .. "</U>" end
        if column.reference then name = "<I>" .. name .. "</I>" end
        rows[#rows + 1] = ('<TR><TD ALIGN="LEFT">%s</TD><TD ALIGN="LEFT">%s%s</TD></TR>'):format(name,
          html(column.type),
          column.not_null and "" or "?")
      end
      out[#out + 1] = ('    %s [label=<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0">%s</TABLE>>];'):format(
        dot_id(box.fact.id), table.concat(rows))
    end
    out[#out + 1] = "  }"
  end
  for _, arrow in ipairs(arrows(set)) do
    out[#out + 1] = ("  %s -> %s [label=%s, arrowhead=%s, arrowtail=%s];"):format(dot_id(arrow.from), dot_id(arrow.to),
      dot_id(arrow.label), arrow.optional and "teeodot" or "tee", arrow.one and "teeodot" or "crowodot")
  end
  out[#out + 1] = "}"
  return table.concat(out, "\n") .. "\n"
end

local function mermaid_name(text)
  return '"' .. text:gsub('"', "'"):gsub("[\r\n]", " ") .. '"'
end

-- Mermaid takes letters, digits, dashes, underscores, brackets and parentheses in types and names of attributes.
local function mermaid_word(text)
  local word = text:gsub('"', ""):gsub("[^%w_%-%(%)%[%]\128-\255]", "_")
  return word:find "^[%d%-]" and "_" .. word or word
end

--- For Mermaid's erDiagram.
---@param set moonpool.schema.FactSet
---@return string
function M.mermaid(set)
  local out = { "erDiagram" }
  for _, box in ipairs(boxes(set)) do
    out[#out + 1] = ("  %s {"):format(mermaid_name(label_of(box.fact)))
    for _, column in ipairs(box.columns) do
      local marks = {}
      if column.key then marks[1] = "PK" end
      if column.reference then marks[#marks + 1] = "FK" end
      out[#out + 1] = ("    %s %s%s"):format(mermaid_word(column.type), mermaid_word(column.name),
        #marks > 0 and " " .. table.concat(marks, ", ") or "")
    end
    out[#out + 1] = "  }"
  end
  for _, arrow in ipairs(arrows(set)) do
    out[#out + 1] = ("  %s %s--%s %s : %s"):format(mermaid_name(label_of(set:get(arrow.to))), arrow.optional and "|o"
      or "||",
      arrow.one and "o|" or "o{", mermaid_name(label_of(set:get(arrow.from))), mermaid_name(arrow.label))
  end
  return table.concat(out, "\n") .. "\n"
end

return M
