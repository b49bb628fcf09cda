--- Languages, transforms and access methods.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = {}

M.queries = {
  languages = [[
select l.oid::int4, l.lanname, l.lanowner::int4, l.lanpltrusted, l.lanacl::text as acl,
  nullif(l.lanplcallfoid, 0)::regproc::text as handler, nullif(l.laninline, 0)::regproc::text as inline,
  nullif(l.lanvalidator, 0)::regproc::text as validator
from pg_language l
where l.oid >= 16384 and l.lanispl
order by l.oid]],
  transforms = [[
select t.oid::int4, format_type(t.trftype, null) as type, l.lanname,
  case when t.trffromsql <> 0 then t.trffromsql::oid::regprocedure::text end as from_sql,
  case when t.trftosql <> 0 then t.trftosql::oid::regprocedure::text end as to_sql
from pg_transform t
  join pg_language l on l.oid = t.trflang
where t.oid >= 16384
order by t.oid]],
  access_methods = [[
select a.oid::int4, a.amname, a.amtype, a.amhandler::text as handler
from pg_am a
where a.oid >= 16384
order by a.oid]],
}

function M.read(cx)
  for row in cx:rows "languages" do
    if not cx:member(OID.pg_language, row.oid) then
      local owner = cx:role(row.lanowner)
      local fact = cx:add(OID.pg_language, row.oid, "language", nil, {
        owner = owner, trusted = row.lanpltrusted or nil, handler = row.handler, inline = row.inline,
        validator = row.validator,
      }, row.lanname)
      cx:acl(fact.id, "l", row.acl, owner)
    end
  end
  for row in cx:rows "transforms" do
    if not cx:member(OID.pg_transform, row.oid) then
      local args = ("%s %s"):format(row.type, names.part(row.lanname))
      local fact = cx:add_id(OID.pg_transform, row.oid, "transform", ("transform:(%s)"):format(args), nil,
        { type = row.type, language = row.lanname, from_sql = row.from_sql, to_sql = row.to_sql }, args)
      fact.args = args
    end
  end
  for row in cx:rows "access_methods" do
    if not cx:member(OID.pg_am, row.oid) then
      cx:add(OID.pg_am, row.oid, "access_method", nil,
        { type = row.amtype == "t" and "table" or "index", handler = row.handler }, row.amname)
    end
  end
end

M.kinds = {
  language = {
    label = function(fact)
      return "LANGUAGE " .. names.quote(fact.name)
    end,
    create = function(fact, e)
      local attrs = fact.attrs
      local sql = ("CREATE %sLANGUAGE %s"):format(attrs.trusted and "TRUSTED " or "", names.quote(fact.name))
      if attrs.handler then sql = sql .. " HANDLER " .. attrs.handler end
      if attrs.inline then sql = sql .. " INLINE " .. attrs.inline end
      if attrs.validator then sql = sql .. " VALIDATOR " .. attrs.validator end
      e:add(sql)
      e:owner(fact)
      e:comment(fact)
    end,
  },
  transform = {
    label = function(fact)
      return ("TRANSFORM FOR %s LANGUAGE %s"):format(fact.attrs.type, names.quote(fact.attrs.language))
    end,
    create = function(fact, e)
      local attrs, list = fact.attrs, {}
      if attrs.from_sql then list[1] = "FROM SQL WITH FUNCTION " .. attrs.from_sql end
      if attrs.to_sql then list[#list + 1] = "TO SQL WITH FUNCTION " .. attrs.to_sql end
      e:add(("CREATE TRANSFORM FOR %s LANGUAGE %s (%s)"):format(attrs.type, names.quote(attrs.language),
        table.concat(list, ", ")))
      e:comment(fact)
    end,
  },
  access_method = {
    label = function(fact)
      return "ACCESS METHOD " .. names.quote(fact.name)
    end,
    create = function(fact, e)
      e:add(("CREATE ACCESS METHOD %s TYPE %s HANDLER %s"):format(names.quote(fact.name), fact.attrs.type:upper(),
        fact.attrs.handler))
      e:comment(fact)
    end,
  },
}

return M
