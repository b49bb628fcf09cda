--- Sequences, with the column that owns one or counts by it.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"
local render = require "moonpool.schema.render"

local OID = catalog.oid

local M = { kind = "sequence" }

M.queries = {
  sequences = [[
select c.oid::int4, c.relname, c.relnamespace::int4, c.relowner::int4, c.relpersistence, c.relacl::text as acl,
  format_type(s.seqtypid, null) as type, s.seqstart::text as start, s.seqincrement::text as increment,
  s.seqmin::text as min, s.seqmax::text as max, s.seqcache::text as cache, s.seqcycle, d.deptype, d.refobjid::int4,
    d.refobjsubid
from pg_class c
  join pg_sequence s on s.seqrelid = c.oid
  left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = 0
    and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
where c.oid >= 16384 and c.relkind = 'S' and c.relpersistence <> 't']],
}

local LIMITS = {
  smallint = { "-32768", "32767" },
  integer = { "-2147483648", "2147483647" },
  bigint = { "-9223372036854775808", "9223372036854775807" },
}

-- A double holds fifteen digits exactly; longer ones stay text.
local function number(text)
  return #text <= 15 and tonumber(text) or text
end

--- Only what differs from what CREATE SEQUENCE would choose by itself.
local function options(row)
  local limits = LIMITS[row.type]
  local down = row.increment:sub(1, 1) == "-"
  local min, max = down and limits[1] or "1", down and "-1" or limits[2]
  return {
    type = row.type ~= "bigint" and row.type or nil,
    increment = row.increment ~= "1" and number(row.increment) or nil,
    min = row.min ~= min and number(row.min) or nil,
    max = row.max ~= max and number(row.max) or nil,
    start = row.start ~= (down and row.max or row.min) and number(row.start) or nil,
    cache = row.cache ~= "1" and number(row.cache) or nil,
    cycle = row.seqcycle or nil,
  }
end

function M.read(cx)
  for row in cx:rows "sequences" do
    local schema = cx:user_schema(row.relnamespace)
    if schema and not cx:member(OID.pg_class, row.oid) then
      local owner = cx:role(row.relowner)
      local attrs = options(row)
      attrs.persistence = row.relpersistence == "u" and "unlogged" or nil
      local column = row.refobjid and cx.columns[row.refobjid] and cx.columns[row.refobjid][row.refobjsubid]
      local parent = names.id("schema", schema)
      if column and row.deptype == "i" then
        attrs.identity, parent = column.id, column.id
        attrs.type = row.type ~= column.attrs.type and row.type or nil
      elseif column then
        attrs.owned_by = column.id  -- and its owner is the table's
      else
        attrs.owner = owner
      end
      local fact = cx:add(OID.pg_class, row.oid, "sequence", parent, attrs, schema, row.relname)
      cx:acl(fact.id, "s", row.acl, owner)
    end
  end
end

function M.label(fact)
  return "SEQUENCE " .. names.qualified(fact.schema, fact.name)
end

function M.host(fact)
  return fact.attrs.identity
end

local function column_name(id, e)
  local column = e.set:get(id)
  return ("%s.%s"):format(e:name_of(column.parent), names.quote(column.name))
end

function M.create(fact, e)
  local attrs = fact.attrs
  local name = names.qualified(fact.schema, fact.name)
  if attrs.identity then
    local relation = e.set:get(e.set:get(attrs.identity).parent)
    if attrs.persistence ~= relation.attrs.persistence then
      e:add(("ALTER SEQUENCE %s SET %s"):format(name, attrs.persistence == "unlogged" and "UNLOGGED" or "LOGGED"))
    end
    if attrs.type then
      e:add(("ALTER SEQUENCE %s AS %s %s"):format(name, attrs.type, table.concat(render.sequence_options(attrs), " ")))
    end
    e:comment(fact)
    return
  end
  local list = render.sequence_options(attrs)
  if attrs.type then table.insert(list, 1, "AS " .. attrs.type) end
  e:add(("CREATE %sSEQUENCE %s%s"):format(attrs.persistence == "unlogged" and "UNLOGGED " or "", name,
    #list > 0 and "\n  " .. table.concat(list, "\n  ") or ""))
  if attrs.owned_by then
    -- Only sequences of one owner with the table can be linked to it.
    local host = e.set:get(attrs.owned_by)
    e:owner(fact, e.set:get(host.parent).attrs.owner)
  else
    e:owner(fact)
  end
  e:comment(fact)
  if attrs.owned_by then
    e:later(fact, ("ALTER SEQUENCE %s OWNED BY %s"):format(name, column_name(attrs.owned_by, e)), { attrs.owned_by })
  end
end

return M
