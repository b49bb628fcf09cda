--- Privileges on what is no fact itself: an extension's members and the system's own objects, where they differ from
--- what the extension or initdb gave them. The information schema is left alone, as pg_dump leaves it.

local names = require "moonpool.schema.names"

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
}

function M.read(cx)
  for row in cx:rows "foreign_acls" do
    if not cx:fact(row.class, row.oid) then
      local id
      if row.kind == "schema" or row.kind == "language" or row.kind == "foreign_data_wrapper" then
        id = names.id(row.kind, row.name)
      else
        id = names.id(row.kind, row.schema, row.name)
      end
      if row.args then id = ("%s(%s)"):format(id, row.args) end
      local extension = cx:member(row.class, row.oid)
      for _, fact in ipairs(cx:acl(id, row.type, row.acl, cx:role(row.owner), row.base)) do
        fact.deps = { extension }
        fact.attrs._foreign = true
      end
    end
  end
end

local WORDS = {
  sequence = "SEQUENCE", ["function"] = "FUNCTION", procedure = "PROCEDURE", type = "TYPE", schema = "SCHEMA",
  language = "LANGUAGE", foreign_data_wrapper = "FOREIGN DATA WRAPPER",
}

--- What GRANT calls an object that is no fact.
---@param id string
---@return string
function M.target(id)
  local kind, parts, args = names.parse(id)
  local list = {}
  for i, part in ipairs(parts) do list[i] = names.quote(part) end
  return ("%s %s%s"):format(WORDS[kind] or "TABLE", table.concat(list, "."), args and ("(%s)"):format(args) or "")
end

M.kinds = { acl = {} }

return M
