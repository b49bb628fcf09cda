--- What the server tells about types that are not PostgreSQL's own: enums, domains, composites, ranges, and arrays
--- of all of them. It is asked once for each type, where a result first brings one.

local ffi = require "ffi"
local json = require "moonpool.core.json"
local native = require "moonpool.core.ffi"
local null = require "moonpool.core.null"
local run = require "moonpool.core.run"
local walk = require "moonpool.core.walk"

local C, pairs = native.C, walk.pairs

local M = {}

---The first OID that a user's own type can have.
M.FIRST = 16384

---@class moonpool.CatalogType
---@field oid integer
---@field name string "schema.name"
---@field kind string typtype: "b", "c", "d", "e", "r", "m"
---@field item integer|nil of what it is an array
---@field delimiter string
---@field base integer|nil of a domain
---@field subtype integer|nil of a range or multirange
---@field fields { name: string, type: integer }[]|nil of a composite

local QUERY = [[
with recursive wanted (oid) as (
  select pg_catalog.unnest($1::pg_catalog.oid[])
  union
  select part.oid from wanted join pg_catalog.pg_type t on t.oid = wanted.oid
  cross join lateral (
    select t.typelem union all select t.typbasetype
    union all select a.atttypid from pg_catalog.pg_attribute a
      where a.attrelid = t.typrelid and t.typrelid <> 0 and a.attnum > 0 and not a.attisdropped
    union all select r.rngsubtype from pg_catalog.pg_range r where t.oid in (r.rngtypid, r.rngmultitypid)
  ) part (oid)
  where part.oid >= 16384
)
select pg_catalog.json_build_object(
  'oid', t.oid::pg_catalog.int8, 'name', n.nspname || '.' || t.typname, 'kind', t.typtype,
  'item', case when t.typcategory = 'A' and t.typlen = -1 then nullif(t.typelem, 0)::pg_catalog.int8 end,
  'delimiter', (select e.typdelim from pg_catalog.pg_type e where e.oid = t.typelem),
  'base', nullif(t.typbasetype, 0)::pg_catalog.int8,
  'subtype', (select r.rngsubtype::pg_catalog.int8 from pg_catalog.pg_range r
    where t.oid in (r.rngtypid, r.rngmultitypid)),
  'fields', (select pg_catalog.json_agg(
      pg_catalog.json_build_object('name', a.attname, 'type', a.atttypid::pg_catalog.int8) order by a.attnum)
    from pg_catalog.pg_attribute a
    where a.attrelid = t.typrelid and t.typrelid <> 0 and a.attnum > 0 and not a.attisdropped))
from wanted join pg_catalog.pg_type t on t.oid = wanted.oid join pg_catalog.pg_namespace n on n.oid = t.typnamespace]]

---What is known of these types and of what they are made of, by OID.
---@async
---@param oids integer[]
---@param session ffi.cdata* where the result came from: what a transaction made is seen by itself alone
---@param route integer
---@return table<integer, moonpool.CatalogType>
function M.ask(oids, session, route)
  local found = {}
  local handle = ffi.gc(run.one(session, QUERY, { oids }, 1, nil, route, 0, 0), C.mp_result_free)
  for i = 1, tonumber(C.mp_result_rows(handle)) do
    local p = C.mp_result_value(handle, i - 1, 0, native.length)
    local one = json.decode(ffi.string(p, native.length[0]))
    for key, value in pairs(one) do
      if value == null then one[key] = nil end
    end
    found[one.oid] = one
  end
  C.mp_result_free(ffi.gc(handle, nil))
  return found
end

return M
