--- Foreign-data wrappers, servers and user mappings. The options of a mapping may hold a password: they are replaced
--- by `***` unless the reader was asked for secrets.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"
local render = require "moonpool.schema.render"

local OID = catalog.oid

local M = {}

M.queries = {
  wrappers = [[
select w.oid::int4, w.fdwname, w.fdwowner::int4, w.fdwacl::text as acl, w.fdwoptions::text as options,
  nullif(w.fdwhandler, 0)::regproc::text as handler, nullif(w.fdwvalidator, 0)::regproc::text as validator
from pg_foreign_data_wrapper w
where w.oid >= 16384
order by w.oid]],
  servers = [[
select s.oid::int4, s.srvname, s.srvowner::int4, s.srvtype, s.srvversion, s.srvacl::text as acl,
  s.srvoptions::text as options, w.fdwname
from pg_foreign_server s
  join pg_foreign_data_wrapper w on w.oid = s.srvfdw
where s.oid >= 16384
order by s.oid]],
  -- The view, unlike the table, may be read by everybody; it shows options only to who may see them.
  mappings = [[
select umid::int4, srvid::int4, srvname, umuser::int4, usename, umoptions::text as options
from pg_user_mappings
where umid >= 16384
order by umid]],
}

local SECRETS = { password = true, passfile = true, sslpassword = true, sslkey = true, passcode = true }

local function hide(cx, map, server, user)
  for name in pairs(map or {}) do  -- order-free: each key is judged for itself
    if SECRETS[name] then
      map[name] = "***"
      cx:warn("user mapping %s on server %s: its option %s is not shown (secrets = true shows it)", user, server, name)
    end
  end
end

function M.read(cx)
  for row in cx:rows "wrappers" do
    if not cx:member(OID.pg_foreign_data_wrapper, row.oid) then
      local owner = cx:role(row.fdwowner)
      local attrs = { owner = owner, handler = row.handler, validator = row.validator }
      catalog.set_options(attrs, "options", catalog.options(row.options))
      local fact = cx:add(OID.pg_foreign_data_wrapper, row.oid, "foreign_data_wrapper", nil, attrs, row.fdwname)
      cx:acl(fact.id, "F", row.acl, owner)
    end
  end
  for row in cx:rows "servers" do
    if not cx:member(OID.pg_foreign_server, row.oid) then
      local owner = cx:role(row.srvowner)
      local attrs = { owner = owner, type = row.srvtype, version = row.srvversion, wrapper = row.fdwname }
      catalog.set_options(attrs, "options", catalog.options(row.options))
      local fact = cx:add(OID.pg_foreign_server, row.oid, "server", nil, attrs, row.srvname)
      cx:acl(fact.id, "S", row.acl, owner)
    end
  end
  for row in cx:rows "mappings" do
    local server = cx:fact(OID.pg_foreign_server, row.srvid)
    if server then
      local attrs = {}
      local map, order = catalog.options(row.options)
      local user = row.umuser == 0 and "public" or row.usename or tostring(row.umuser)
      if not cx.options.secrets then hide(cx, map, row.srvname, user) end
      if not map and not cx.meta.superuser then
        cx:warn("user mapping %s on server %s: its options, if it has any, can be read by a superuser, its user "
          .. "or the owner of the server", user, row.srvname)
      end
      catalog.set_options(attrs, "options", map, order)
      cx:add(OID.pg_user_mapping, row.umid, "user_mapping", server.id, attrs, row.srvname, user)
    end
  end
end

local function options(attrs)
  return attrs.options and (" OPTIONS (%s)"):format(render.foreign_options(attrs, "options")) or ""
end

M.kinds = {
  foreign_data_wrapper = {
    label = function(fact)
      return "FOREIGN DATA WRAPPER " .. names.quote(fact.name)
    end,
    create = function(fact, e)
      local attrs = fact.attrs
      e:add(("CREATE FOREIGN DATA WRAPPER %s%s%s%s"):format(names.quote(fact.name),
        attrs.handler and " HANDLER " .. attrs.handler or "", attrs.validator and " VALIDATOR " .. attrs.validator
          or "",
        options(attrs)))
      e:owner(fact)
      e:comment(fact)
    end,
  },
  server = {
    label = function(fact)
      return "SERVER " .. names.quote(fact.name)
    end,
    grant = function(fact)
      return "FOREIGN SERVER " .. names.quote(fact.name)
    end,
    create = function(fact, e)
      local attrs = fact.attrs
      local sql = "CREATE SERVER " .. names.quote(fact.name)
      if attrs.type then sql = sql .. " TYPE " .. names.literal(attrs.type) end
      if attrs.version then sql = sql .. " VERSION " .. names.literal(attrs.version) end
      e:add(("%s FOREIGN DATA WRAPPER %s%s"):format(sql, names.quote(attrs.wrapper), options(attrs)))
      e:owner(fact)
      e:comment(fact)
    end,
  },
  user_mapping = {
    create = function(fact, e)
      local _, parts = names.parse(fact.id)
      local user = fact.name == "public" and "PUBLIC" or names.quote(fact.name)
      e:add(("CREATE USER MAPPING FOR %s SERVER %s%s"):format(user, names.quote(parts[1]), options(fact.attrs)))
    end,
  },
}

return M
