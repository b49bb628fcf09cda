--- Rewrite rules, but the one that is a view's own query.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"

local OID = catalog.oid

local M = { kind = "rule" }

M.queries = {
  rules = [[
select r.oid::int4, r.rulename, r.ev_class::int4, r.ev_enabled, r.rulename = '_RETURN' as is_view,
  case when r.rulename <> '_RETURN' then pg_get_ruledef(r.oid) end as definition
from pg_rewrite r
where r.ev_class >= 16384]],
}

local ENABLED = { D = "disabled", R = "replica", A = "always" }

-- `CREATE RULE name AS ON EVENT TO table` has the names; what comes behind is the rule.
local function body(text)
  local at = text:find("%S", #"CREATE RULE ")
  local _
  _, at = names.scan(text, at)
  local event, after = text:match("^%s+AS%s+ON%s+(%u+)%s+TO%s+()", at)
  _, at = names.split(text, after)
  return event:lower(), (text:sub(at):gsub("^%s+", ""):gsub(";$", ""))
end

function M.read(cx)
  for row in cx:rows "rules" do
    local host = cx:fact(OID.pg_class, row.ev_class)
    if host and row.is_view then
      cx:alias(OID.pg_rewrite, row.oid, host)
    elseif host then
      local event, text = body(row.definition)
      cx:add(OID.pg_rewrite, row.oid, "rule", host.id,
        { event = event, body = text, enabled = ENABLED[row.ev_enabled] }, host.schema, host.name, row.rulename)
    end
  end
end

function M.label(fact, e)
  return ("RULE %s ON %s"):format(names.quote(fact.name), e:name_of(fact.parent))
end

local SWITCH = { disabled = "DISABLE RULE", replica = "ENABLE REPLICA RULE", always = "ENABLE ALWAYS RULE" }

function M.create(fact, e)
  local attrs, on = fact.attrs, e:name_of(fact.parent)
  e:add(("CREATE RULE %s AS ON %s TO %s\n  %s"):format(names.quote(fact.name), attrs.event:upper(), on, attrs.body))
  if attrs.enabled then e:add(("ALTER TABLE %s %s %s"):format(on, SWITCH[attrs.enabled], names.quote(fact.name))) end
  e:comment(fact)
end

return M
