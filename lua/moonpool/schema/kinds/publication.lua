--- Publications and subscriptions. A subscription is made without connecting, as pg_dump makes it.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = {}

M.queries = {
  publications = [[
select c.*
from (select 'n'::"char" as pubgencols) absent
cross join lateral (
  select p.oid::int4, p.pubname, p.pubowner::int4, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete,
    p.pubtruncate, p.pubviaroot,
    pubgencols::text as gencols
  from pg_publication p
) c
order by c.oid]],
  publication_tables = [[
select r.oid::int4, r.prpubid::int4, r.prrelid::int4, r.prattrs::text as columns, pg_get_expr(r.prqual,
  r.prrelid) as filter
from pg_publication_rel r
order by r.oid]],
  publication_schemas = [[
select n.oid::int4, n.pnpubid::int4, n.pnnspid::int4
from pg_publication_namespace n
order by n.oid]],
  -- The connection string is not read here: only a superuser may, and the whole reading would fail for others.
  subscriptions = [[
select c.*
from (select false as subtwophasestate, false as subdisableonerr, 'any' as suborigin, true as subpasswordrequired,
    false as subrunasowner, false as subfailover) absent
cross join lateral (
  select s.oid::int4, s.subname, s.subowner::int4, s.subenabled, s.subbinary, s.substream::text as stream,
    s.subslotname,
    s.subsynccommit, s.subpublications::text as publications, subtwophasestate::text as two_phase, subdisableonerr,
    suborigin, subpasswordrequired, subrunasowner, subfailover
  from pg_subscription s
  where s.subdbid = (select oid from pg_database where datname = current_database())
) c
order by c.oid]],
}

local CONNECTIONS = [[
select subname, subconninfo
from pg_subscription
where subdbid = (select oid from pg_database where datname = current_database())]]

local function read_publications(cx)
  for row in cx:rows "publications" do
    if not cx:member(OID.pg_publication, row.oid) then
      local publish = {}
      for _, event in ipairs { "insert", "update", "delete", "truncate" } do
        if row["pub" .. event] then publish[#publish + 1] = event end
      end
      cx:add(OID.pg_publication, row.oid, "publication", nil, {
        owner = cx:role(row.pubowner), all_tables = row.puballtables or nil,
        publish = #publish < 4 and (#publish > 0 and publish or { "none" }) or nil, via_root = row.pubviaroot or nil,
        generated_columns = row.gencols == "s" and "stored" or nil,
      }, row.pubname)
    end
  end
  for row in cx:rows "publication_tables" do
    local publication = cx:fact(OID.pg_publication, row.prpubid)
    local relation = cx:fact(OID.pg_class, row.prrelid)
    if publication and relation then
      local columns
      for _, number in ipairs(catalog.numbers(row.columns)) do
        columns = columns or {}
        columns[#columns + 1] = cx.columns[row.prrelid][number].name
      end
      local fact = cx:add(OID.pg_publication_rel, row.oid, "publication_table", publication.id,
        { columns = columns, filter = row.filter }, publication.name, relation.schema, relation.name)
      fact.deps = { relation.id }
    end
  end
  for row in cx:rows "publication_schemas" do
    local publication = cx:fact(OID.pg_publication, row.pnpubid)
    local schema = cx:fact(OID.pg_namespace, row.pnnspid)
    if publication and schema then
      local fact = cx:add(OID.pg_publication_namespace, row.oid, "publication_schema", publication.id, {},
        publication.name, schema.name)
      fact.deps = { schema.id }
    end
  end
end

local ORIGIN = { any = false }

-- Asked for apart from the batch: only a superuser may read them, and a refusal would end the transaction.
local function read_connections(cx)
  local out = {}
  if cx.options.secrets and cx.meta.superuser then
    for row in cx:query(CONNECTIONS):each() do out[row.subname] = row.subconninfo end
  end
  return out
end

local function read_subscriptions(cx)
  local connections
  for row in cx:rows "subscriptions" do
    connections = connections or read_connections(cx)
    local connection = connections[row.subname]
    if not connection then
      connection = ""
      cx:warn("subscription %s: its connection string is not shown (secrets = true and a superuser's rights show it)",
        row.subname)
    end
    local stream = row.stream
    cx:add(OID.pg_subscription, row.oid, "subscription", nil, {
      owner = cx:role(row.subowner), connection = connection, publications = catalog.array(row.publications),
      slot = row.subslotname, no_slot = not row.subslotname or nil, binary = row.subbinary or nil,
      streaming = (stream == "t" or stream == "true") and "on" or stream == "p" and "parallel" or "off",
      synchronous_commit = row.subsynccommit ~= "off" and row.subsynccommit or nil,
      two_phase = (row.two_phase == "p" or row.two_phase == "e") or nil, disable_on_error = row.subdisableonerr or nil,
      origin = ORIGIN[row.suborigin] == nil and row.suborigin or nil,
      password_not_required = not row.subpasswordrequired or nil, run_as_owner = row.subrunasowner or nil,
      failover = row.subfailover or nil, _enabled = row.subenabled,
    }, row.subname)
  end
end

function M.read(cx)
  read_publications(cx)
  read_subscriptions(cx)
end

local function create_publication(fact, e)
  local attrs, name = fact.attrs, names.quote(fact.name)
  local options = {}
  if attrs.publish then
    local list = attrs.publish[1] == "none" and "" or table.concat(attrs.publish, ", ")
    options[1] = "publish = " .. names.literal(list)
  end
  if attrs.via_root then options[#options + 1] = "publish_via_partition_root = true" end
  if attrs.generated_columns then options[#options + 1] = "publish_generated_columns = " .. attrs.generated_columns end
  e:add(("CREATE PUBLICATION %s%s%s"):format(name, attrs.all_tables and " FOR ALL TABLES" or "",
    #options > 0 and (" WITH (%s)"):format(table.concat(options, ", ")) or ""))
  e:owner(fact)
  e:comment(fact)
end

local function create_subscription(fact, e)
  local attrs = fact.attrs
  local list = {}
  for i, name in ipairs(attrs.publications) do list[i] = names.quote(name) end
  local options = { "connect = false" }
  options[2] = "slot_name = " .. (attrs.slot and names.literal(attrs.slot) or "NONE")
  local function option(name, value)
    if value then options[#options + 1] = ("%s = %s"):format(name, tostring(value)) end
  end
  option("binary", attrs.binary)
  option("streaming", attrs.streaming)
  option("two_phase", attrs.two_phase and "on")
  option("disable_on_error", attrs.disable_on_error)
  option("synchronous_commit", attrs.synchronous_commit)
  option("origin", attrs.origin)
  if attrs.password_not_required then option("password_required", "false") end
  option("run_as_owner", attrs.run_as_owner)
  option("failover", attrs.failover)
  e:add(("CREATE SUBSCRIPTION %s CONNECTION %s PUBLICATION %s WITH (%s)"):format(names.quote(fact.name),
    names.literal(attrs.connection), table.concat(list, ", "), table.concat(options, ", ")))
  e:owner(fact)
  e:comment(fact)
end

M.kinds = {
  publication = {
    label = function(fact)
      return "PUBLICATION " .. names.quote(fact.name)
    end,
    create = create_publication,
  },
  publication_table = {
    create = function(fact, e)
      local _, parts = names.parse(fact.id)
      local sql = ("ALTER PUBLICATION %s ADD TABLE ONLY %s"):format(names.quote(parts[1]),
        names.qualified(parts[2], parts[3]))
      if fact.attrs.columns then sql = ("%s (%s)"):format(sql, names.list(fact.attrs.columns)) end
      if fact.attrs.filter then sql = ("%s WHERE (%s)"):format(sql, fact.attrs.filter) end
      e:add(sql)
    end,
  },
  publication_schema = {
    create = function(fact, e)
      local _, parts = names.parse(fact.id)
      e:add(("ALTER PUBLICATION %s ADD TABLES IN SCHEMA %s"):format(names.quote(parts[1]), names.quote(parts[2])))
    end,
  },
  subscription = {
    label = function(fact)
      return "SUBSCRIPTION " .. names.quote(fact.name)
    end,
    create = create_subscription,
  },
}

return M
