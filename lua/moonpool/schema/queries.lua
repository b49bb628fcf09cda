--- The queries that belong to no kind: who and where, names, comments, dependencies.

local M = {}

--- Settings the texts of the catalogs depend on, pinned for the time of reading.
M.settings = [[
select set_config('search_path', '', true), set_config('DateStyle', 'ISO, MDY', true),
  set_config('IntervalStyle', 'postgres', true), set_config('TimeZone', 'UTC', true),
  set_config('extra_float_digits', '3', true), set_config('bytea_output', 'hex', true), set_config('jit', 'off', true),
  set_config('quote_all_identifiers', 'off', true), set_config('statement_timeout', '0', true),
  set_config('lock_timeout', '0', true)]]

---@type table<string, string>
M.common = {
  meta = [[
select current_setting('server_version_num')::int as version, current_database() as database,
  pg_encoding_to_char(d.encoding) as encoding, d.datcollate as lc_collate, d.datctype as lc_ctype,
  d.datlocprovider::text as locale_provider, current_user as reader,
    current_setting('is_superuser') = 'on' as superuser, r.rolname as acl_role,
  acldefault('r', r.oid)::text as acl_r, acldefault('s', r.oid)::text as acl_s, acldefault('f', r.oid)::text as acl_f,
  acldefault('T', r.oid)::text as "acl_T", acldefault('n', r.oid)::text as acl_n, acldefault('l', r.oid)::text as acl_l,
  acldefault('F', r.oid)::text as "acl_F", acldefault('S', r.oid)::text as "acl_S", acldefault('L',
    r.oid)::text as "acl_L",
  acldefault('t', r.oid)::text as acl_t
from pg_database d, pg_roles r
where d.datname = current_database() and r.oid = 10]],
  roles = [[select oid::int4, rolname from pg_roles]],
  namespaces = [[select oid::int4, nspname from pg_namespace]],
  members = [[
select classid::int4, objid::int4, refobjid::int4
from pg_depend
where deptype = 'e']],
  comments = [[
select classoid::int4, objoid::int4, objsubid, description
from pg_description
where objoid >= 16384 or classoid in ('pg_namespace'::regclass, 'pg_extension'::regclass)]],
  security_labels = [[
select classoid::int4, objoid::int4, objsubid, provider, label
from pg_seclabel]],
  -- An array type stands for its elements, a row type for its relation.
  depends = [[
select d.classid::int4, d.objid::int4, d.objsubid, d.refclassid::int4, coalesce(t.typelem,
  d.refobjid)::int4 as refobjid, d.refobjsubid, d.deptype
from pg_depend d
  left join pg_type t on d.refclassid = 'pg_type'::regclass and t.oid = d.refobjid and t.typelem <> 0 and t.typlen = -1
    and t.typsubscript = 'array_subscript_handler'::regproc
where d.deptype in ('n', 'x') and d.refclassid <> 'pg_namespace'::regclass and d.objid >= 16384]],
}

return M
