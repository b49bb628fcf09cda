--- The table that remembers what was applied. Its row is written in the migration's own transaction, so the
--- two cannot disagree.

local failure = require "moonpool.migrate.failure"
local names = require "moonpool.migrate.names"

local M = {}

---@class moonpool.migrate.Entry
---@field version integer
---@field name string
---@field kind "lua"|"sql"
---@field checksum string
---@field state "applied"|"running"|"reverting"
---@field step integer how many of its steps are done, where they are not one transaction
---@field applied_at string
---@field applied_by string
---@field milliseconds number|nil

---@class moonpool.migrate.Ledger
---@field table string as the user calls it
---@field schema string
---@field exists boolean
---@field foreign string|nil the tool whose table it is
---@field private path string quoted
local Ledger = {}
Ledger.__index = Ledger

local FACTS = [[
select current_database() as database, current_schema() as schema, pg_is_in_recovery() as standby,
  to_regclass(?) is not null as there,
  (select array_agg(attname::text order by attnum) from pg_catalog.pg_attribute
    where attrelid = to_regclass(?) and attnum > 0 and not attisdropped) as columns,
  to_regclass('ar_internal_metadata') is not null as rails]]

-- Which tool made a table of this name with these columns.
local function maker(columns, rails)
  local has = {}
  for _, column in ipairs(columns) do has[column] = true end
  if has.version and has.checksum and has.state and has.step then return "moonpool" end
  if has.version and has.dirty then return "golang-migrate" end
  if has.version and has.inserted_at then return "Ecto" end
  if has.version and #columns == 1 then return rails and "Rails" or "Rails or dbmate" end
  return "another tool"
end

local takers = {
  ["Rails"] = "rails", ["Rails or dbmate"] = "rails", Ecto = "ecto", ["golang-migrate"] = "golang-migrate",
}

local function advice(tool)
  local from = takers[tool]
  return from and ("take its history over: `moonpool migrate baseline --from %s`"):format(from)
    or "rename that table"
end

---Looks at the database. Raises where migrations must not run: on a standby, or over another tool's table.
---@async
---@param db moonpool.Handle
---@param table_name string
---@param take_over boolean|nil another tool's table is not refused but named in `foreign`
---@return moonpool.migrate.Ledger
function M.open(db, table_name, take_over)
  local quoted = names.path(table_name)
  local facts = db:query_row(FACTS, quoted, quoted)
  if facts.standby then
    failure.refuse("this server is a standby: migrations run on the primary",
      "a lock taken on a standby would keep nobody out")
  end
  if not facts.schema then failure.refuse "search_path names no schema that exists" end
  local foreign
  if facts.there then
    foreign = maker(facts.columns, facts.rails)
    if foreign == "moonpool" then foreign = nil end
    if foreign and not take_over then
      failure.refuse(("the table %s was made by %s (columns: %s)"):format(table_name, foreign,
        table.concat(facts.columns, ", ")), advice(foreign))
    end
  end
  local path = table_name:find(".", 1, true) and quoted or names.quote(facts.schema) .. "." .. quoted
  return setmetatable({
    table = table_name, path = path, schema = facts.schema, exists = facts.there, foreign = foreign,
  }, Ledger)
end

---Makes the table where there is none. The caller holds the lock.
---@async
---@param db moonpool.Handle
function Ledger:create(db)
  if self.exists then return end
  db:exec(([[create table if not exists %s (
    version bigint primary key,
    name text not null,
    kind text not null,
    checksum text not null,
    state text not null check (state in ('applied', 'running', 'reverting')),
    step integer not null,
    applied_at timestamptz not null,
    applied_by text not null,
    duration interval,
    content text not null)]]):format(self.path))
  self.exists = true
end

---Every row, by version.
---@async
---@param db moonpool.Handle
---@return moonpool.migrate.Entry[]
function Ledger:read(db)
  if not self.exists then return {} end
  return db:query(([[select version, name, kind, checksum, state, step, applied_at, applied_by,
    (extract(epoch from duration) * 1000)::float8 as milliseconds from %s order by version]]):format(self.path)):all()
end

local UPSERT = [[
insert into %s as row
  (version, name, kind, checksum, state, step, applied_at, applied_by, duration, content)
values (?, ?, ?, ?, ?, ?, clock_timestamp(), session_user, make_interval(secs => ?), ?)
on conflict (version) do update set
  name = excluded.name, kind = excluded.kind, checksum = excluded.checksum, state = excluded.state,
  step = excluded.step, applied_at = excluded.applied_at, applied_by = excluded.applied_by,
  duration = coalesce(row.duration, interval '0') + excluded.duration, content = excluded.content]]

---Writes a migration on its way up: `running` with the steps done, or `applied`.
---@async
---@param db moonpool.Handle a transaction, or the session
---@param file moonpool.migrate.File
---@param state "applied"|"running"|"reverting"
---@param step integer
---@param seconds number
function Ledger:write(db, file, state, step, seconds)
  db:exec(UPSERT:format(self.path),
    file.version, file.name, file.kind, file.checksum, state, step, seconds, file.content)
end

---Changes only how far a migration that is in the ledger has come.
---@async
---@param db moonpool.Handle
---@param version integer
---@param state "applied"|"running"|"reverting"
---@param step integer
function Ledger:mark(db, version, state, step)
  db:exec(("update %s set state = ?, step = ? where version = ?"):format(self.path), state, step, version)
end

---Takes a file as it is now for what was applied.
---@async
---@param db moonpool.Handle
---@param file moonpool.migrate.File
function Ledger:accept(db, file)
  db:exec(("update %s set name = ?, kind = ?, checksum = ?, content = ? where version = ?"):format(self.path),
    file.name, file.kind, file.checksum, file.content, file.version)
end

---@async
---@param db moonpool.Handle
---@param version integer
function Ledger:remove(db, version)
  db:exec(("delete from %s where version = ?"):format(self.path), version)
end

---@async
---@param db moonpool.Handle
---@param version integer
---@return { state: string, step: integer }|nil
function Ledger:find(db, version)
  if not self.exists then return nil end
  return db:query_row(("select state, step from %s where version = ?"):format(self.path), version)
end

return M
