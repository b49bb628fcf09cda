--- Views and materialized views.

local names = require "moonpool.schema.names"
local render = require "moonpool.schema.render"

local M = {}

local function label(word)
  return function(fact)
    return word .. " " .. names.qualified(fact.schema, fact.name)
  end
end

local function options(attrs)
  return attrs.options and ("\nWITH (%s)"):format(render.options(attrs, "options")) or ""
end

local function create_view(fact, e)
  local attrs = fact.attrs
  if attrs.broken then return e:skip(fact, "its definition cannot be read") end
  e:add(("CREATE %sVIEW %s%s AS\n%s"):format(e:replaces(fact) and "OR REPLACE " or "",
    names.qualified(fact.schema, fact.name), options(attrs), attrs.definition))
  e:owner(fact)
  e:comment(fact)
end

-- The same columns of nothing: who needs only the name and the row type of a view can be made on it, and the view
-- is replaced when what it needs itself is there.
local function placeholder(fact, e)
  local list = {}
  for i, column in ipairs(e:folded(fact, "column")) do
    local attrs = column.attrs
    list[i] = ("\n  NULL::%s%s AS %s"):format(attrs.type, attrs.collation and " COLLATE " .. attrs.collation or "",
      names.quote(column.name))
  end
  e:add(("CREATE VIEW %s AS SELECT%s"):format(names.qualified(fact.schema, fact.name), table.concat(list, ",")))
end

local function create_matview(fact, e)
  local attrs = fact.attrs
  if attrs.broken then return e:skip(fact, "its definition cannot be read") end
  local head = "CREATE MATERIALIZED VIEW " .. names.qualified(fact.schema, fact.name)
  if attrs.access_method then head = head .. "\nUSING " .. names.quote(attrs.access_method) end
  head = head .. options(attrs)
  if attrs.tablespace then head = head .. "\nTABLESPACE " .. names.quote(attrs.tablespace) end
  e:add(("%s AS\n%s\nWITH NO DATA"):format(head, attrs.definition))
  for _, column in ipairs(e:folded(fact, "column")) do
    local at = ("ALTER MATERIALIZED VIEW %s ALTER COLUMN %s"):format(names.qualified(fact.schema, fact.name),
      names.quote(column.name))
    if column.attrs.storage then e:add(at .. " SET STORAGE " .. column.attrs.storage) end
    if column.attrs.compression then e:add(at .. " SET COMPRESSION " .. column.attrs.compression) end
    if column.attrs.statistics then e:add(at .. " SET STATISTICS " .. column.attrs.statistics) end
    if column.attrs.options then e:add(("%s SET (%s)"):format(at, render.options(column.attrs, "options"))) end
  end
  e:owner(fact)
  e:comment(fact)
end

M.kinds = {
  view = { label = label "VIEW", grant = label "TABLE", create = create_view, placeholder = placeholder },
  matview = { label = label "MATERIALIZED VIEW", grant = label "TABLE", create = create_matview },
}

return M
