--- Whether the catalogs stood still while they were read.
--
-- The rows come from one snapshot, but the functions that print expressions, types and views look at the catalogs as
-- they are at that moment. If somebody renames a column in between, rows and texts tell different stories. So the
-- snapshot and a few counts are kept, and compared with what is there afterwards.

local M = {}

local COUNTS = [[
(select count(*) from pg_class where relpersistence <> 't')
  + (select count(*) from pg_proc) + (select count(*) from pg_namespace where nspname !~ '^pg_(temp|toast_temp)_')
  + (select count(*) from pg_type where typnamespace not in (select oid from pg_namespace
    where nspname ~ '^pg_(temp|toast_temp)_'))
  + (select count(*) from pg_operator) + (select count(*) from pg_opclass) + (select count(*) from pg_collation)]]

--- Goes with the reading.
M.before = ("select pg_current_snapshot()::text as snapshot, (%s)::int4 as objects"):format(COUNTS)

-- Transactions that were not over when the snapshot was taken: those at or above its xmax, and those in its list.
local AFTER = [[
select case when pg_current_snapshot()::text = '%s' then null else (%s)::int4 end as objects,
  pg_current_snapshot()::text <> '%s' and exists (
  select from pg_class t where relpersistence <> 't' and relkind <> 't' and %s
  union all select from pg_attribute t join pg_class c on c.oid = t.attrelid and c.relpersistence <> 't'
    and c.relkind <> 't' where %s
  union all select from pg_proc t where %s
  union all select from pg_type t join pg_namespace n on n.oid = t.typnamespace
    and n.nspname !~ '^pg_(temp|toast_temp)_' where %s
  union all select from pg_namespace t where nspname !~ '^pg_(temp|toast_temp)_' and %s
  union all select from pg_constraint t where connamespace not in (select oid from pg_namespace
    where nspname ~ '^pg_temp_') and %s
  union all select from pg_operator t where %s
  union all select from pg_collation t where %s
) as changed]]

--- The query that looks back, for the row of `before`.
---@param row { snapshot: string, objects: integer }
---@return string
function M.after(row)
  local top, list = row.snapshot:match "^%d+:(%d+):(.*)$"
  -- A catalog's xmin has 32 bits, a snapshot's 64.
  local function low(digits) return ("%.0f"):format(tonumber(digits) % 4294967296) end
  local condition = ("age(t.xmin) <= age('%s'::xid)"):format(low(top))
  local running = {}
  for digits in list:gmatch "%d+" do running[#running + 1] = ("'%s'::xid"):format(low(digits)) end
  if #running > 0 then condition = ("(%s or t.xmin in (%s))"):format(condition, table.concat(running, ", ")) end
  -- Where no transaction that writes was over since, the snapshot is the same, and nothing was.
  local conditions = { row.snapshot, COUNTS, row.snapshot }
  for i = 4, 11 do conditions[i] = condition end
  return AFTER:format(unpack(conditions))
end

--- Whether anything the reading leans on was changed since.
---@param before { objects: integer }
---@param now { objects: integer?, changed: boolean }
---@return boolean
function M.moved(before, now)
  return now.changed or now.objects ~= nil and now.objects ~= before.objects
end

return M
