--- Settings bound to this database, read on request: the database's name is no part of its schema.

local catalog = require "moonpool.schema.catalog"
local names = require "moonpool.schema.names"
local routine = require "moonpool.schema.kinds.routine"

local M = { kind = "database_setting", on_request = "database_settings" }

M.queries = {
  database_settings = [[
select s.setrole::int4, s.setconfig::text as config
from pg_db_role_setting s
where s.setdatabase = (select oid from pg_database where datname = current_database())
order by s.setrole]],
}

function M.read(cx)
  if not cx.options.database_settings then return end
  for row in cx:rows "database_settings" do
    local settings, order = catalog.options(row.config)
    for _, name in ipairs(order or {}) do
      local attrs = { value = settings[name] }
      if row.setrole == 0 then
        cx:add(nil, nil, "database_setting", nil, attrs, name)
      else
        cx:add(nil, nil, "database_setting", nil, attrs, cx:role(row.setrole), name)
      end
    end
  end
end

function M.create(fact, e)
  local _, parts = names.parse(fact.id)
  local role = parts[2] and names.quote(parts[1])
  local head = role and ("ALTER ROLE %s IN DATABASE %%I SET %s TO %s") or "ALTER DATABASE %%I SET %s TO %s"
  local setting = names.quote(fact.name):gsub("%%", "%%%%")
  local value = routine.setting(fact.name, fact.attrs.value):gsub("%%", "%%%%")
  local text = role and head:format(role, setting, value) or head:format(setting, value)
  e:add(("DO %s"):format(names.literal(("BEGIN EXECUTE format(%s, current_database()); END")
    :format(names.literal(text)))))
end

return M
