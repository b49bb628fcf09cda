--- Tables, foreign tables, their columns and defaults: how they are made.

local names = require "moonpool.schema.names"
local not_null = require "moonpool.schema.kinds.not_null"
local render = require "moonpool.schema.render"

local M = {}

local function is_partition(fact)
  return fact.attrs.partition_of ~= nil
end

local function default_clause(column, e)
  local attrs = column.attrs
  if attrs.generated then
    -- The parent's expression comes with the parent, and up to release 15 must not be said again.
    local host = e.set:get(column.parent)
    if host.attrs.inherits and e:inherited(host, column.name).generated == attrs.expression then return "" end
    return (" GENERATED ALWAYS AS (%s) %s"):format(attrs.expression, attrs.generated:upper())
  end
  if attrs.identity then return render.identity(column, e) end
  local default = e:folded(column, "default")[1]
  return default and " DEFAULT " .. default.attrs.expression or ""
end

local function column_line(column, e)
  local attrs = column.attrs
  return ("%s %s%s%s%s%s"):format(names.quote(column.name), attrs.type,
    attrs.foreign_options and " OPTIONS (" .. render.foreign_options(attrs, "foreign_options") .. ")" or "",
    attrs.collation and " COLLATE " .. attrs.collation or "", default_clause(column, e), not_null.clause(attrs))
end

-- A typed table takes its columns from the type; only what it adds to one is said.
local function typed_line(column, e)
  local rest = default_clause(column, e) .. not_null.clause(column.attrs)
  return rest ~= "" and names.quote(column.name) .. " WITH OPTIONS" .. rest or nil
end

local function elements(fact, e)
  local lines = {}
  for _, column in ipairs(e:folded(fact, "column")) do
    if fact.attrs.of_type then
      lines[#lines + 1] = typed_line(column, e)
    elseif not column.attrs.inherited then
      lines[#lines + 1] = column_line(column, e)
    else
      lines[#lines + 1] = not_null.element(column, fact.name)
    end
  end
  for _, constraint in ipairs(e:folded(fact, "constraint")) do
    lines[#lines + 1] = ("CONSTRAINT %s %s"):format(names.quote(constraint.name), render.constraint(constraint, e))
  end
  return lines
end

local function parent_names(fact, e)
  local list = {}
  for i, id in ipairs(fact.attrs.inherits) do list[i] = e:name_of(id) end
  return table.concat(list, ", ")
end

local function alter(fact, e)
  return ("ALTER %sTABLE ONLY %s"):format(fact.kind == "foreign_table" and "FOREIGN " or "", e:name_of(fact.id))
end

-- What CREATE TABLE has no words for, or none that every supported release knows.
local function column_details(fact, e)
  local head = alter(fact, e)
  for _, column in ipairs(e:folded(fact, "column")) do
    local attrs = column.attrs
    local at = head .. " ALTER COLUMN " .. names.quote(column.name)
    if attrs.storage then e:add(at .. " SET STORAGE " .. attrs.storage) end
    if attrs.compression then e:add(at .. " SET COMPRESSION " .. attrs.compression) end
    if attrs.statistics then e:add(at .. " SET STATISTICS " .. attrs.statistics) end
    if attrs.options then e:add(("%s SET (%s)"):format(at, render.options(attrs, "options"))) end
  end
end

local function security(fact, e)
  local attrs, name = fact.attrs, e:name_of(fact.id)
  if attrs.replica_identity then
    e:add(("ALTER TABLE ONLY %s REPLICA IDENTITY %s"):format(name, attrs.replica_identity:upper()))
  end
  if attrs.row_security then e:add(("ALTER TABLE %s ENABLE ROW LEVEL SECURITY"):format(name)) end
  if attrs.force_row_security then e:add(("ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY"):format(name)) end
end

-- An inherited column starts as its parent's; where it differs it is altered. A column of the table's own that a
-- parent has too takes the parent's default unless it has one.
local function inherited_details(fact, e)
  local head = alter(fact, e)
  for _, column in ipairs(e:folded(fact, "column")) do
    if fact.attrs.inherits and not column.attrs.inherited and not column.attrs.generated and not column.attrs.identity
      and #e.set:children(column.id, "default") == 0 and e:inherited(fact, column.name).default then
      e:add(head .. " ALTER COLUMN " .. names.quote(column.name) .. " DROP DEFAULT")
    end
    -- Up to release 17 a child may do without what its parent demands.
    if fact.attrs.inherits and not column.attrs.not_null and e:inherited(fact, column.name).not_null then
      e:add(head .. " ALTER COLUMN " .. names.quote(column.name) .. " DROP NOT NULL")
    end
    if column.attrs.inherited then
      local above = e:inherited(fact, column.name)
      local at = head .. " ALTER COLUMN " .. names.quote(column.name)
      if column.attrs.not_null and not above.not_null and not column.attrs.not_null_local then e:add(at
        .. " SET NOT NULL") end
      local default = e:folded(column, "default")[1]
      if default then
        e:add(at .. " SET DEFAULT " .. default.attrs.expression)
      elseif above.default and not e:split_off("default" .. column.id:sub(7)) then
        e:add(at .. " DROP DEFAULT")
      end
      if column.attrs.foreign_options then
        e:add(("%s OPTIONS (ADD %s)"):format(at, (render.foreign_options(column.attrs, "foreign_options")
          :gsub(", ", ", ADD "))))
      end
    end
  end
end

local function create(fact, e)
  local attrs = fact.attrs
  local foreign = fact.kind == "foreign_table"
  local out = {}
  local head = ("CREATE %s%sTABLE %s"):format(attrs.persistence == "unlogged" and "UNLOGGED " or "",
    foreign and "FOREIGN " or "", names.qualified(fact.schema, fact.name))
  if attrs.of_type then head = head .. " OF " .. attrs.of_type end
  local lines = elements(fact, e)
  if #lines > 0 then
    head = ("%s (\n  %s\n)"):format(head, table.concat(lines, ",\n  "))
  elseif not attrs.of_type then
    head = head .. " (\n)"
  end
  out[1] = head
  if attrs.inherits then out[#out + 1] = ("INHERITS (%s)"):format(parent_names(fact, e)) end
  if attrs.partition_key then out[#out + 1] = "PARTITION BY " .. attrs.partition_key end
  if foreign then out[#out + 1] = "SERVER " .. names.quote(attrs.server) end
  if attrs.foreign_options then
    out[#out + 1] = ("OPTIONS (%s)"):format(render.foreign_options(attrs, "foreign_options"))
  end
  if attrs.access_method then out[#out + 1] = "USING " .. names.quote(attrs.access_method) end
  if attrs.options then out[#out + 1] = ("WITH (%s)"):format(render.options(attrs, "options")) end
  if attrs.tablespace then out[#out + 1] = "TABLESPACE " .. names.quote(attrs.tablespace) end
  e:add(table.concat(out, "\n"))
  inherited_details(fact, e)
  column_details(fact, e)
  security(fact, e)
  e:owner(fact)
  e:comment(fact)
  if is_partition(fact) then
    e:later(fact, ("ALTER TABLE ONLY %s ATTACH PARTITION %s %s"):format(e:name_of(attrs.partition_of),
      names.qualified(fact.schema, fact.name), attrs.bound), { attrs.partition_of })
  end
end

local function label(word)
  return function(fact)
    return word .. " " .. names.qualified(fact.schema, fact.name)
  end
end

M.kinds = {
  ["table"] = { label = label "TABLE", create = create },
  foreign_table = { label = label "FOREIGN TABLE", grant = label "TABLE", create = create },
  column = {
    host = "parent",
    label = function(fact, e)
      return ("COLUMN %s.%s"):format(e:name_of(fact.parent), names.quote(fact.name))
    end,
    create = function(fact, e)
      e:comment(fact)
      not_null.details(fact, e, e.set:get(fact.parent))
    end,
  },
  ["default"] = {
    host = "parent",
    splits = true,
    create = function(fact, e)
      local column = e.set:get(fact.parent)
      local host = e.set:get(column.parent)
      if not e:split_off(fact.id) and (host.kind == "table" or host.kind == "foreign_table") then return end
      e:add(("ALTER %s %s ALTER COLUMN %s SET DEFAULT %s"):format(
        host.kind == "foreign_table" and "FOREIGN TABLE ONLY" or host.kind == "view" and "VIEW" or "TABLE ONLY",
        e:name_of(host.id), names.quote(column.name), fact.attrs.expression))
    end,
  },
}

return M
