--- What belongs to the cluster and not to one database: roles, who is a member of which, their settings, tablespaces by
--- name, privileges on settings. Read on request only (`cluster = true`); passwords are never read.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"
local render = require "moonpool.schema.render"
local routine = require "moonpool.schema.kinds.routine"

local M = {}

M.on_request = "cluster"

M.queries = {
  cluster_roles = [[
select r.oid::int4, r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
  r.rolreplication,
  r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil::text as valid_until, r.rolconfig::text as config,
  shobj_description(r.oid, 'pg_authid') as comment
from pg_roles r
where r.oid >= 16384 and r.rolname !~ '^pg_']],
  memberships = [[
select c.*
from (select null::boolean as inherit_option, null::boolean as set_option) absent
cross join lateral (
  select r.rolname as role, u.rolname as member, g.rolname as grantor, k.admin_option, inherit_option, set_option
  from pg_auth_members k
    join pg_roles r on r.oid = k.roleid
    join pg_roles u on u.oid = k.member
    left join pg_roles g on g.oid = k.grantor
  where u.rolname !~ '^pg_'
) c
order by c.role, c.member, c.grantor]],
  tablespaces = [[
select t.oid::int4, t.spcname, t.spcowner::int4, t.spcacl::text as acl, t.spcoptions::text as options,
  shobj_description(t.oid, 'pg_tablespace') as comment
from pg_tablespace t
where t.oid >= 16384]],
  parameter_acls = [[
select parname, paracl::text as acl
from pg_parameter_acl
order by parname]],
}

local FLAGS = {
  { "rolsuper", "superuser", "SUPERUSER" }, { "rolcreaterole", "create_role", "CREATEROLE" },
  { "rolcreatedb", "create_db", "CREATEDB" }, { "rolcanlogin", "login", "LOGIN" },
  { "rolreplication", "replication", "REPLICATION" }, { "rolbypassrls", "bypass_row_security", "BYPASSRLS" },
}

local function read_roles(cx)
  for row in cx:rows "cluster_roles" do
    local attrs = {
      no_inherit = not row.rolinherit or nil, connection_limit = row.rolconnlimit >= 0 and row.rolconnlimit or nil,
      valid_until = row.valid_until, comment = row.comment,
    }
    for _, flag in ipairs(FLAGS) do
      if row[flag[1]] then attrs[flag[2]] = true end
    end
    local fact = cx:add(nil, nil, "role", nil, attrs, row.rolname)
    local settings, order = catalog.options(row.config)
    for _, name in ipairs(order or {}) do
      cx:add(nil, nil, "role_setting", fact.id, { value = settings[name] }, row.rolname, name)
    end
  end
end

function M.read(cx)
  if not cx.options.cluster then return end
  read_roles(cx)
  for row in cx:rows "memberships" do
    local id = names.id("membership", row.role, row.member)
    if not cx.set:get(id) then
      local member = cx.set:get(names.id("role", row.member))
      local fact = cx:add(nil, nil, "membership", member and member.id, {
        admin = row.admin_option or nil,
        -- Since PostgreSQL 16 a membership says itself whether it inherits; before, the member's role did.
        inherit = row.inherit_option, set = row.set_option == false and false or nil,
      }, row.role, row.member)
      local role = names.id("role", row.role)
      if cx.set:get(role) then fact.deps = { role } end
    end
  end
  for row in cx:rows "tablespaces" do
    local owner = cx:role(row.spcowner)
    local attrs = { owner = owner, comment = row.comment }
    catalog.set_options(attrs, "options", catalog.options(row.options))
    local fact = cx:add(nil, nil, "tablespace", nil, attrs, row.spcname)
    cx:acl(fact.id, "t", row.acl, owner)
  end
  for row in cx:rows "parameter_acls" do
    local fact = cx:add(nil, nil, "parameter", nil, {}, row.parname)
    cx:acl(fact.id, "p", row.acl, "", false)
  end
end

local function role_words(attrs)
  local out = {}
  for _, flag in ipairs(FLAGS) do
    if attrs[flag[2]] then out[#out + 1] = flag[3] end
  end
  if attrs.no_inherit then out[#out + 1] = "NOINHERIT" end
  if attrs.connection_limit then out[#out + 1] = "CONNECTION LIMIT " .. attrs.connection_limit end
  if attrs.valid_until then out[#out + 1] = "VALID UNTIL " .. names.literal(attrs.valid_until) end
  return #out > 0 and " " .. table.concat(out, " ") or ""
end

local function label(word)
  return function(fact)
    return word .. " " .. names.quote(fact.name)
  end
end

M.kinds = {
  role = {
    label = label "ROLE",
    create = function(fact, e)
      e:add(("CREATE ROLE %s%s"):format(names.quote(fact.name), role_words(fact.attrs)))
      e:comment(fact)
    end,
  },
  role_setting = {
    create = function(fact, e)
      local _, parts = names.parse(fact.id)
      e:add(("ALTER ROLE %s SET %s TO %s"):format(names.quote(parts[1]), names.quote(parts[2]),
        routine.setting(parts[2], fact.attrs.value)))
    end,
  },
  membership = {
    create = function(fact, e)
      local _, parts = names.parse(fact.id)
      local attrs, options = fact.attrs, {}
      if attrs.admin then options[1] = attrs.inherit == nil and "ADMIN OPTION" or "ADMIN TRUE" end
      if attrs.inherit ~= nil then options[#options + 1] = attrs.inherit and "INHERIT TRUE" or "INHERIT FALSE" end
      if attrs.set == false then options[#options + 1] = "SET FALSE" end
      e:add(("GRANT %s TO %s%s"):format(names.quote(parts[1]), names.quote(parts[2]),
        #options > 0 and " WITH " .. table.concat(options, ", ") or ""))
    end,
  },
  tablespace = {
    label = label "TABLESPACE",
    -- Where it lies is the machine's business; it is named, not made.
    create = function(fact, e)
      e:skip(fact, "a tablespace is a folder of the server; make it there")
      if fact.attrs.options then
        e:add(("ALTER TABLESPACE %s SET (%s)"):format(names.quote(fact.name), render.options(fact.attrs, "options")))
      end
    end,
  },
  parameter = {
    grant = label "PARAMETER",
    create = function() end,
  },
}

return M
