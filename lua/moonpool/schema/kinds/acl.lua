--- Privileges on what is no fact itself: an extension's members and the system's own objects, where they differ from
--- what the extension or initdb gave them. The information schema is left alone, as pg_dump leaves it.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = {}

local function changed(class, oid_column, from, acl, owner, type, kind, name, extra)
  return ([[
select %s::regclass::oid::int4 as class, %s::int4 as oid, %s::text as acl, i.initprivs::text as base,
  %s::int4 as owner, %s as type,
  %s as kind, n.nspname as schema, %s as name, %s as args
from %s
  left join pg_init_privs i on i.classoid = %s::regclass and i.objoid = %s and i.objsubid = 0
where n.nspname <> 'information_schema' and %s is distinct from i.initprivs and (i.objoid is not null or %s < 16384
  or exists (select from pg_depend d
  where d.classid = %s::regclass and d.objid = %s and d.deptype = 'e'))]]):format(
    class, oid_column, acl, owner, type, kind, name, extra or "null", from, class, oid_column, acl, oid_column, class,
    oid_column)
end

M.queries = {
  foreign_acls = table.concat({
    changed("'pg_class'", "c.oid", "pg_class c join pg_namespace n on n.oid = c.relnamespace", "c.relacl", "c.relowner",
      "case when c.relkind = 'S' then 's' else 'r' end",
      "case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'matview' else 'table' end",
        "c.relname")
      .. " and c.relkind in ('r', 'v', 'm', 'S', 'f', 'p') and c.relacl is not null",
    changed("'pg_proc'", "p.oid", "pg_proc p join pg_namespace n on n.oid = p.pronamespace", "p.proacl", "p.proowner",
      "'f'", "case p.prokind when 'p' then 'procedure' else 'function' end", "p.proname",
        "oidvectortypes(p.proargtypes)")
      .. " and p.proacl is not null",
    changed("'pg_type'", "t.oid", "pg_type t join pg_namespace n on n.oid = t.typnamespace", "t.typacl", "t.typowner",
      "'T'", "'type'", "t.typname") .. " and t.typacl is not null",
    changed("'pg_namespace'", "n.oid", "pg_namespace n", "n.nspacl", "n.nspowner", "'n'", "'schema'", "n.nspname")
      .. " and n.nspacl is not null and n.nspname <> 'public'",
    changed("'pg_language'", "l.oid", "pg_language l join pg_namespace n on n.nspname = 'pg_catalog'", "l.lanacl",
      "l.lanowner", "'l'", "'language'", "l.lanname") .. " and l.lanacl is not null",
    changed("'pg_foreign_data_wrapper'", "w.oid",
      "pg_foreign_data_wrapper w join pg_namespace n on n.nspname = 'pg_catalog'", "w.fdwacl", "w.fdwowner", "'F'",
      "'foreign_data_wrapper'", "w.fdwname") .. " and w.fdwacl is not null",
  }, "\nunion all\n"),
  foreign_column_acls = [[
select c.oid::int4 as relid, a.attacl::text as acl, i.initprivs::text as base, c.relowner::int4 as owner,
  n.nspname as schema, c.relname, a.attname
from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_init_privs i on i.classoid = 'pg_class'::regclass and i.objoid = c.oid and i.objsubid = a.attnum
where a.attacl is not null and a.attacl is distinct from i.initprivs and n.nspname <> 'information_schema'
  and c.relpersistence <> 't' and (c.oid < 16384 or a.attnum < 0 or exists (select from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))]],
}

local function mark(facts, needed)
  for _, fact in ipairs(facts) do
    fact.deps = { needed }
    fact.attrs._foreign = true
  end
end

-- Who gives what belongs to the system, whoever it was given to: nobody makes it again for another owner.
local function giver(cx, oid, owner)
  return oid >= 0 and oid < 16384 and cx.meta.acl_role or cx:role(owner)
end

function M.read(cx)
  for row in cx:rows "foreign_column_acls" do
    -- The system columns of a table (tableoid, ctid) are no facts either.
    local relation = cx:fact(OID.pg_class, row.relid)
    mark(cx:acl(names.id("column", row.schema, row.relname, row.attname), "c", row.acl,
      giver(cx, row.relid, row.owner), row.base or false),
      relation and relation.id or cx:member(OID.pg_class, row.relid))
  end
  for row in cx:rows "foreign_acls" do
    if not cx:fact(row.class, row.oid) then
      local id
      if row.kind == "schema" or row.kind == "language" or row.kind == "foreign_data_wrapper" then
        id = names.id(row.kind, row.name)
      else
        id = names.id(row.kind, row.schema, row.name)
      end
      if row.args then id = ("%s(%s)"):format(id, row.args) end
      mark(cx:acl(id, row.type, row.acl, giver(cx, row.oid, row.owner), row.base),
        cx:member(row.class, row.oid))
    end
  end
end

local WORDS = {
  sequence = "SEQUENCE", ["function"] = "FUNCTION", procedure = "PROCEDURE", type = "TYPE", schema = "SCHEMA",
  language = "LANGUAGE", foreign_data_wrapper = "FOREIGN DATA WRAPPER",
}

--- What GRANT calls an object that is no fact.
---@param id string
---@return string target
---@return string? column  if it is one of the target's
function M.target(id)
  local kind, parts, args = names.parse(id)
  local list = {}
  for i, part in ipairs(parts) do list[i] = names.quote(part) end
  local column = kind == "column" and table.remove(list)
  if column then return "TABLE " .. table.concat(list, "."), column end
  return ("%s %s%s"):format(WORDS[kind] or "TABLE", table.concat(list, "."), args and ("(%s)"):format(args) or "")
end

M.kinds = { acl = {} }

return M
