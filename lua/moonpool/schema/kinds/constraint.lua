--- Constraints of tables and domains.

local catalog = require "moonpool.schema.catalog"
local default_names = require "moonpool.schema.default_names"
local indexdef = require "moonpool.schema.indexdef"
local names = require "moonpool.schema.names"
local not_null = require "moonpool.schema.kinds.not_null"
local render = require "moonpool.schema.render"

local OID = catalog.oid

local M = { kind = "constraint", splits = true }

M.queries = {
  -- A column that this server's release does not have takes the value of `absent`.
  constraints = [[
select c.*
from (select true as conenforced, false as conperiod) absent
cross join lateral (
  select k.oid::int4, k.conname, k.contype, k.conrelid::int4, k.contypid::int4, k.conindid::int4, k.confrelid::int4,
    k.conparentid::int4, k.condeferrable,
    k.condeferred, k.convalidated, k.conislocal, k.connoinherit, k.confupdtype, k.confdeltype, k.confmatchtype,
    k.conkey::text as conkey, k.confkey::text as confkey, k.confdelsetcols::text as setcols, conenforced, conperiod,
    case when k.contype = 'c' then pg_get_expr(k.conbin, k.conrelid) end as expression,
    case when k.contype = 'x' then pg_get_constraintdef(k.oid) end as definition
  from pg_constraint k
  where k.oid >= 16384 and k.contype in ('c', 'f', 'p', 'u', 'x', 'n')
) c]],
}

local TYPES = { c = "check", f = "foreign key", p = "primary key", u = "unique", x = "exclude", n = "not null" }
local ACTIONS = { c = "cascade", r = "restrict", n = "set null", d = "set default" }

local function column_names(columns, text)
  local out = {}
  for i, number in ipairs(catalog.numbers(text)) do
    out[i] = columns[number] and columns[number].name or false
  end
  return out
end

local function foreign_key(cx, row, attrs)
  local target = cx:fact(OID.pg_class, row.confrelid)
  attrs.references = target and target.id
  attrs.ref_columns = column_names(cx.columns[row.confrelid] or {}, row.confkey)
  attrs.match = row.confmatchtype == "f" and "full" or nil
  attrs.on_update, attrs.on_delete = ACTIONS[row.confupdtype], ACTIONS[row.confdeltype]
  if row.setcols then attrs.on_delete_columns = column_names(cx.columns[row.conrelid], row.setcols) end
  attrs.period = row.conperiod or nil
end

-- What the constraint says of its index, and that the index needs no fact of its own.
local function with_index(cx, row, attrs, fact)
  local index = cx.indexes[row.conindid]
  if not index then return end
  cx:alias(OID.pg_class, row.conindid, fact)
  cx:note(OID.pg_class, row.conindid, fact, "index_comment")
  attrs.tablespace, attrs.include = index.tablespace, index.include
  attrs.nulls_not_distinct = index.nulls_not_distinct
  attrs.options, attrs._options = index.options, index._options
  attrs.clustered, attrs.replica_identity = index.clustered, index.replica_identity
  attrs.statistics = index.statistics
  attrs.attached_to = index.attached_to
  if attrs.type == "exclude" then
    attrs.method, attrs.predicate = index.method, index.predicate
    attrs.columns = nil
    attrs.elements = indexdef.keys(row.definition, index.info.columns)
  end
end

function M.read(cx)
  for row in cx:rows "constraints" do
    local on_domain = row.contypid ~= 0
    local host = on_domain and cx:fact(OID.pg_type, row.contypid) or cx:fact(OID.pg_class, row.conrelid)
    if host and row.contype == "n" then
      not_null.read(cx, row, host)
      cx:seen(OID.pg_constraint, row.oid)
    elseif host and row.contype == "f" and row.conparentid ~= 0 then
      cx:seen(OID.pg_constraint, row.oid)  -- a partition's copy of its parent's key
    elseif host then
      local attrs = {
        type = TYPES[row.contype], deferrable = row.condeferrable or nil, deferred = row.condeferred or nil,
        not_valid = not row.convalidated and row.conenforced or nil, not_enforced = not row.conenforced or nil,
      }
      -- A partition is made with the checks of its parent in it; one that does not hold yet it can only get from there.
      if row.contype == "c" and not on_domain and not row.conislocal
        and not (host.attrs.partition_of and row.convalidated and row.conenforced) then
        attrs.inherited = true
      end
      if row.contype == "c" then
        attrs.expression = row.expression
        attrs.no_inherit = row.connoinherit or nil
      else
        attrs.columns = column_names(cx.columns[row.conrelid], row.conkey)
      end
      if row.contype == "f" then foreign_key(cx, row, attrs) end
      if row.contype ~= "f" and row.conperiod then attrs.without_overlaps = true end
      local fact = cx:add(OID.pg_constraint, row.oid, "constraint", host.id, attrs, host.schema, host.name, row.conname)
      if row.conindid ~= 0 and row.contype ~= "f" then with_index(cx, row, attrs, fact) end
    end
  end
end

function M.label(fact, e)
  local host = e.set:get(fact.parent)
  return ("CONSTRAINT %s ON %s%s"):format(names.quote(fact.name), host.kind == "domain" and "DOMAIN " or "",
    e:name_of(fact.parent))
end

--- A check that holds from the start is written inside its table or domain.
function M.host(fact)
  local attrs = fact.attrs
  if attrs.type == "check" and not attrs.not_valid and not attrs.not_enforced then return fact.parent end
  return attrs.inherited and fact.parent or nil
end

local function index_details(fact, e)
  local attrs, table_name, name = fact.attrs, e:name_of(fact.parent), names.quote(fact.name)
  if attrs.clustered then e:add(("ALTER TABLE %s CLUSTER ON %s"):format(table_name, name)) end
  if attrs.replica_identity then
    e:add(("ALTER TABLE ONLY %s REPLICA IDENTITY USING INDEX %s"):format(table_name, name))
  end
  if attrs.index_comment and e.options.comments ~= false then
    e:add(("COMMENT ON INDEX %s IS %s"):format(names.qualified(fact.schema, fact.name),
      names.literal(attrs.index_comment)))
  end
  for _, item in ipairs(attrs.statistics or {}) do
    e:add(("ALTER INDEX %s ALTER COLUMN %d SET STATISTICS %d"):format(
      names.qualified(e.set:get(fact.parent).schema, fact.name), item.key, item.target))
  end
  if attrs.attached_to then
    local above = e.set:get(attrs.attached_to)
    e:later(fact, ("ALTER INDEX %s ATTACH PARTITION %s"):format(names.qualified(above.schema, above.name),
      names.qualified(fact.schema, fact.name)), { attrs.attached_to })
  end
end
M.index_details = index_details

-- PostgreSQL has no way to attach one exclusion constraint to another: the parent's makes those of the partitions,
-- and a name that is not the one it chooses is given afterwards.
local function of_partition(fact, e, host)
  local above = e.set:get(fact.attrs.attached_to)
  local columns = {}
  for i, key in ipairs(fact.attrs.elements) do columns[i] = default_names.key_label(key) end
  if fact.name == default_names.plain(host.name, columns, "excl") then return end
  local name, rename = e:name_of(host.id), "ALTER TABLE %s RENAME CONSTRAINT %%I TO %s"
  e:later(fact, ("DO %s"):format(names.literal(([[
DECLARE made name;
BEGIN
  SELECT c.conname INTO made FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_constraint p ON p.oid = c.conparentid
  WHERE c.conrelid = %s::pg_catalog.regclass AND p.conrelid = %s::pg_catalog.regclass AND p.conname = %s;
  EXECUTE format(%s, made);
END]]):format(names.literal(name), names.literal(e:name_of(above.parent)), names.literal(above.name),
    names.literal(rename:format(name, names.quote(fact.name)))))), { above.id })
end

function M.create(fact, e)
  local attrs = fact.attrs
  local host = e.set:get(fact.parent)
  if attrs.type == "exclude" and attrs.attached_to then
    of_partition(fact, e, host)
    return
  end
  if attrs.inherited then
    e:comment(fact)
    return
  end
  if M.host(fact) and not e:split_off(fact.id) then
    e:comment(fact)
    return
  end
  local body = ("ADD CONSTRAINT %s %s"):format(names.quote(fact.name), render.constraint(fact, e, true))
  if host.kind == "domain" then
    e:add(("ALTER DOMAIN %s %s"):format(e:name_of(host.id), body))
  else
    -- A check goes down to the children; so does what partitions can only have from their parent.
    local down = attrs.type == "check" and not attrs.no_inherit
      or host.attrs.partition_key and (attrs.type == "foreign key" or attrs.type == "exclude")
    local only = down and "" or "ONLY "
    e:add(("ALTER %sTABLE %s%s %s"):format(host.kind == "foreign_table" and "FOREIGN " or "", only,
      e:name_of(host.id), body))
  end
  index_details(fact, e)
  e:comment(fact)
end

return M
