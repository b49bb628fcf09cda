--- NOT NULL as a constraint with a name: of domains since PostgreSQL 17, of columns since 18.
--
-- It stays an attribute of its column or domain, so that facts of all releases compare; what a release adds to it (a
-- name that is not the default one, NO INHERIT, NOT VALID, a comment) are attributes beside it.

local catalog = require "moonpool.schema.catalog"
local default_names = require "moonpool.schema.default_names"
local names = require "moonpool.schema.names"

local M = {}

local LABEL = "not_null"

local function default_name(fact, table_name)
  if table_name then return default_names.plain(table_name, { fact.name }, LABEL) end
  return default_names.plain(fact.name, {}, LABEL)
end

--- Takes in a row of pg_constraint with contype `n`.
---@param cx moonpool.schema.Context
---@param row table
---@param host moonpool.schema.Fact  a domain or a relation
function M.read(cx, row, host)
  local fact, table_name = host, nil
  if row.contypid == 0 then
    fact = cx.columns[row.conrelid][catalog.numbers(row.conkey)[1]]
    table_name = host.name
  end
  local attrs = fact.attrs
  if row.conname ~= default_name(fact, table_name) then attrs.not_null_name = row.conname end
  if row.connoinherit then attrs.not_null_no_inherit = true end
  if not row.convalidated then attrs.not_null_not_valid = true end
  if table_name and not host.attrs.partition_of then
    if attrs.inherited then
      attrs.not_null_local = row.conislocal or nil
    else
      attrs.not_null_inherited = not row.conislocal or nil
    end
  end
  cx:note(catalog.oid.pg_constraint, row.oid, fact, "not_null_comment")
end

--- ` NOT NULL` as a column or domain says it of itself.
---@param attrs table
---@return string
function M.clause(attrs)
  if not attrs.not_null or attrs.not_null_inherited or attrs.not_null_not_valid then return "" end
  local sql = " NOT NULL"
  if attrs.not_null_name then sql = " CONSTRAINT " .. names.quote(attrs.not_null_name) .. sql end
  return attrs.not_null_no_inherit and sql .. " NO INHERIT" or sql
end

--- The same as an element of a table, for a column the table inherits; nil if it says nothing of its own.
---@param column moonpool.schema.Fact
---@param table_name string
---@return string?
function M.element(column, table_name)
  local attrs = column.attrs
  if not attrs.not_null_local or attrs.not_null_not_valid then return nil end
  return ("CONSTRAINT %s NOT NULL %s%s"):format(names.quote(attrs.not_null_name or default_name(column, table_name)),
    names.quote(column.name), attrs.not_null_no_inherit and " NO INHERIT" or "")
end

--- What has to be said behind the making of the table or domain.
---@param fact moonpool.schema.Fact  a column or domain
---@param e moonpool.schema.Emitter
---@param host? moonpool.schema.Fact  the column's relation
function M.details(fact, e, host)
  local attrs = fact.attrs
  if not attrs.not_null then return end
  local name = names.quote(attrs.not_null_name or default_name(fact, host and host.name))
  if attrs.not_null_not_valid and host and not attrs.not_null_inherited
    and (not attrs.inherited or attrs.not_null_local) then
    e:add(("ALTER TABLE ONLY %s ADD CONSTRAINT %s NOT NULL %s%s NOT VALID"):format(e:name_of(host.id), name,
      names.quote(fact.name), attrs.not_null_no_inherit and " NO INHERIT" or ""))
  end
  if attrs.not_null_comment and e.options.comments ~= false then
    e:add(("COMMENT ON CONSTRAINT %s ON %s%s IS %s"):format(name, host and "" or "DOMAIN ",
      e:name_of(host and host.id or fact.id), names.literal(attrs.not_null_comment)))
  end
end

return M
