--- Operator families and classes. Members bound to a class are told by the class, loose ones by the family.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = {}

M.queries = {
  families = [[
select f.oid::int4, f.opfname, f.opfnamespace::int4, f.opfowner::int4, a.amname
from pg_opfamily f
  join pg_am a on a.oid = f.opfmethod
where f.oid >= 16384
order by f.oid]],
  classes = [[
select c.oid::int4, c.opcname, c.opcnamespace::int4, c.opcowner::int4, c.opcdefault, a.amname, c.opcfamily::int4,
  fn.nspname as family_schema,
  f.opfname, format_type(c.opcintype, null) as type,
  case when c.opckeytype <> 0 then format_type(c.opckeytype, null) end as storage
from pg_opclass c
  join pg_am a on a.oid = c.opcmethod
  join pg_opfamily f on f.oid = c.opcfamily
  join pg_namespace fn on fn.oid = f.opfnamespace
where c.oid >= 16384
order by c.oid]],
  family_operators = [[
select o.oid::int4, o.amopfamily::int4, d.refclassid::int4, d.refobjid::int4, o.amopstrategy as number,
  quote_ident(n.nspname) || '.' || p.oprname || ' (' || format_type(o.amoplefttype, null) || ', '
    || format_type(o.amoprighttype, null) || ')' as text,
  case when o.amopsortfamily <> 0 then (select quote_ident(sn.nspname) || '.' || quote_ident(s.opfname)
    from pg_opfamily s join pg_namespace sn on sn.oid = s.opfnamespace
      where s.oid = o.amopsortfamily) end as sort_family
from pg_amop o
  join pg_operator p on p.oid = o.amopopr
  join pg_namespace n on n.oid = p.oprnamespace
  join pg_depend d on d.classid = 'pg_amop'::regclass and d.objid = o.oid
    and d.refclassid in ('pg_opclass'::regclass, 'pg_opfamily'::regclass) and d.deptype in ('i', 'a')
    and (d.refclassid = 'pg_opclass'::regclass or d.refobjid = o.amopfamily)
where o.oid >= 16384
order by o.oid]],
  family_functions = [[
select f.oid::int4, f.amprocfamily::int4, d.refclassid::int4, d.refobjid::int4, f.amprocnum as number,
  format_type(f.amproclefttype, null) || ', ' || format_type(f.amprocrighttype, null) as types,
  f.amproc::oid::regprocedure::text as func
from pg_amproc f
  join pg_depend d on d.classid = 'pg_amproc'::regclass and d.objid = f.oid
    and d.refclassid in ('pg_opclass'::regclass, 'pg_opfamily'::regclass) and d.deptype in ('i', 'a')
    and (d.refclassid = 'pg_opclass'::regclass or d.refobjid = f.amprocfamily)
where f.oid >= 16384
order by f.oid]],
}

local function add(cx, class, oid, kind, schema, name, am, attrs)
  local id = ("%s(%s)"):format(names.id(kind, schema, name), am)
  local fact = cx:add_id(class, oid, kind, id, names.id("schema", schema), attrs, name, schema)
  fact.args = am
  return fact
end

local function put(lists, fact, key, number, text)
  local of_fact = lists[fact] or {}
  lists[fact] = of_fact
  local list = of_fact[key] or {}
  of_fact[key] = list
  list[#list + 1] = { number = number, text = text, at = #list + 1 }
end

local function by_number(a, b)
  if a.number ~= b.number then return a.number < b.number end
  return a.text < b.text
end

-- What a class or family has of one sort, in an order that says nothing; beside it the order they were added in, which
-- pg_dump prints.
local function settle(fact, key, list)
  local added = {}
  for i, item in ipairs(list) do added[i] = item.text end
  table.sort(list, by_number)
  local texts, same = {}, true
  for i, item in ipairs(list) do
    texts[i] = item.text
    same = same and item.at == i
  end
  fact.attrs[key] = texts
  if not same then fact.attrs["_" .. key] = added end
end

function M.read(cx)
  for row in cx:rows "families" do
    local schema = cx:user_schema(row.opfnamespace)
    if schema and not cx:member(OID.pg_opfamily, row.oid) then
      add(cx, OID.pg_opfamily, row.oid, "operator_family", schema, row.opfname, row.amname,
        { owner = cx:role(row.opfowner) })
    end
  end
  for row in cx:rows "classes" do
    local schema = cx:user_schema(row.opcnamespace)
    if schema and not cx:member(OID.pg_opclass, row.oid) then
      local fact = add(cx, OID.pg_opclass, row.oid, "operator_class", schema, row.opcname, row.amname, {
        owner = cx:role(row.opcowner), default = row.opcdefault or nil, type = row.type, storage = row.storage,
        family = names.qualified(row.family_schema, row.opfname),
      })
      local family = cx:fact(OID.pg_opfamily, row.opcfamily)
      fact.deps = { family and family.id }
    end
  end
  local lists = {}
  for row in cx:rows "family_operators" do
    local fact = cx:fact(row.refclassid, row.refobjid)
    if fact then
      put(lists, fact, "operators", row.number, ("OPERATOR %d %s%s"):format(row.number, row.text,
        row.sort_family and " FOR ORDER BY " .. row.sort_family or ""))
      cx:alias(OID.pg_amop, row.oid, fact)
    end
  end
  for row in cx:rows "family_functions" do
    local fact = cx:fact(row.refclassid, row.refobjid)
    if fact then
      put(lists, fact, "functions", row.number, ("FUNCTION %d (%s) %s"):format(row.number, row.types, row.func))
      cx:alias(OID.pg_amproc, row.oid, fact)
    end
  end
  for fact, of_fact in pairs(lists) do  -- order-free: each fact is settled for itself
    for key, list in pairs(of_fact) do settle(fact, key, list) end  -- order-free: so is each attribute
  end
end

local function label(word)
  return function(fact)
    return ("%s %s USING %s"):format(word, names.qualified(fact.schema, fact.name), names.quote(fact.args))
  end
end

local function members(fact)
  local list, attrs = {}, fact.attrs
  for _, text in ipairs(attrs._operators or attrs.operators or {}) do list[#list + 1] = text end
  for _, text in ipairs(attrs._functions or attrs.functions or {}) do list[#list + 1] = text end
  return list
end

M.kinds = {
  operator_family = {
    label = label "OPERATOR FAMILY",
    create = function(fact, e)
      e:add(("CREATE OPERATOR FAMILY %s USING %s"):format(names.qualified(fact.schema, fact.name),
        names.quote(fact.args)))
      e:owner(fact)
      e:comment(fact)
      -- Loose members may stand on types made later than the classes; they go behind everything that is a class.
      local list = members(fact)
      if #list > 0 then
        e:later(fact, ("ALTER OPERATOR FAMILY %s USING %s ADD\n  %s"):format(names.qualified(fact.schema, fact.name),
          names.quote(fact.args), table.concat(list, ",\n  ")))
      end
    end,
  },
  operator_class = {
    label = label "OPERATOR CLASS",
    create = function(fact, e)
      local attrs = fact.attrs
      local list = members(fact)
      if attrs.storage then table.insert(list, 1, "STORAGE " .. attrs.storage) end
      if #list == 0 then list[1] = "STORAGE " .. attrs.type end
      e:add(("CREATE OPERATOR CLASS %s %sFOR TYPE %s USING %s FAMILY %s AS\n  %s"):format(
        names.qualified(fact.schema, fact.name), attrs.default and "DEFAULT " or "", attrs.type, names.quote(fact.args),
        attrs.family, table.concat(list, ",\n  ")))
      e:owner(fact)
      e:comment(fact)
    end,
  },
}

return M
