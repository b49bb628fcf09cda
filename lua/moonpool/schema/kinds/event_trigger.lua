--- Event triggers. They are made last: they would fire on everything made behind them.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = { kind = "event_trigger" }

M.queries = {
  event_triggers = [[
select t.oid::int4, t.evtname, t.evtevent, t.evtowner::int4, t.evtfoid::regproc::text as func, t.evtenabled,
  t.evttags::text as tags
from pg_event_trigger t
order by t.oid]],
}

local ENABLED = { D = "disabled", R = "replica", A = "always" }

function M.read(cx)
  for row in cx:rows "event_triggers" do
    if not cx:member(OID.pg_event_trigger, row.oid) then
      local tags = catalog.array(row.tags)
      cx:add(OID.pg_event_trigger, row.oid, "event_trigger", nil, {
        owner = cx:role(row.evtowner), event = row.evtevent, func = row.func, enabled = ENABLED[row.evtenabled],
        tags = #tags > 0 and tags or nil,
      }, row.evtname)
    end
  end
end

function M.label(fact)
  return "EVENT TRIGGER " .. names.quote(fact.name)
end

local SWITCH = { disabled = "DISABLE", replica = "ENABLE REPLICA", always = "ENABLE ALWAYS" }

function M.create(fact, e)
  local attrs, name = fact.attrs, names.quote(fact.name)
  local sql = ("CREATE EVENT TRIGGER %s ON %s"):format(name, names.quote(attrs.event))
  if attrs.tags then
    local list = {}
    for i, tag in ipairs(attrs.tags) do list[i] = names.literal(tag) end
    sql = ("%s\n  WHEN TAG IN (%s)"):format(sql, table.concat(list, ", "))
  end
  e:add(("%s\n  EXECUTE FUNCTION %s()"):format(sql, attrs.func))
  if attrs.enabled then e:add(("ALTER EVENT TRIGGER %s %s"):format(name, SWITCH[attrs.enabled])) end
  e:owner(fact)
  e:comment(fact)
end

return M
