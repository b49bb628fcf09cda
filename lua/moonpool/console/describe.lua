--- What \d and its kin show: the database's own catalogs, as tables.

local M = {}

-- psql's patterns: `*` and `?` stand for letters, a dot parts schema from name, "…" keeps what is inside.
local function pattern_of(text)
  local parts, current, in_quotes = {}, {}, false
  for c in text:gmatch "." do
    if c == '"' then
      in_quotes = not in_quotes
    elseif not in_quotes and c == "." then
      parts[#parts + 1], current = table.concat(current), {}
    elseif not in_quotes and c == "*" then
      current[#current + 1] = ".*"
    elseif not in_quotes and c == "?" then
      current[#current + 1] = "."
    else
      local letter = in_quotes and c or c:lower()
      current[#current + 1] = letter:match "[%w_\128-\255]" and letter or "\\" .. letter
    end
  end
  parts[#parts + 1] = table.concat(current)
  local name, schema = parts[#parts], parts[#parts - 1]
  return "^(" .. name .. ")$", schema and "^(" .. schema .. ")$" or nil
end

-- A condition on schema and name, and its parameters.
local function matching(text, schema, name, visible)
  if not text or text == "" then
    return ("%s !~ '^pg_' and %s <> 'information_schema'"):format(schema, schema), {}
  end
  local names, schemas = pattern_of(text)
  if schemas then return ("%s ~ ? and %s ~ ?"):format(schema, name), { schemas, names } end
  return ("%s ~ ? and %s"):format(name, visible), { names }
end

local KIND = [[case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
  when 'm' then 'materialized view' when 'i' then 'index' when 'I' then 'partitioned index' when 'S' then 'sequence'
  when 'f' then 'foreign table' when 'c' then 'type' else c.relkind::text end]]

local RELATIONS = [[select n.nspname as schema, c.relname as name, ]] .. KIND .. [[ as type,
  pg_get_userbyid(c.relowner) as owner, pg_size_pretty(pg_table_size(c.oid)) as size
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = any (?::"char"[]) and %s order by 1, 2]]

local INDEXES = [[select n.nspname as schema, c.relname as name, t.relname as "table", am.amname as method,
  pg_size_pretty(pg_relation_size(c.oid)) as size
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_index i on i.indexrelid = c.oid
  join pg_class t on t.oid = i.indrelid join pg_am am on am.oid = c.relam where %s order by 1, 2]]

local FUNCTIONS = [[select n.nspname as schema, p.proname as name, pg_get_function_result(p.oid) as result,
  pg_get_function_arguments(p.oid) as arguments, case p.prokind when 'a' then 'aggregate' when 'w' then 'window'
  when 'p' then 'procedure' else 'function' end as kind
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where %s order by 1, 2, 4]]

local SCHEMAS = [[select nspname as name, pg_get_userbyid(nspowner) as owner from pg_namespace
  where %s order by 1]]

local ROLES = [[select rolname as name, rolcanlogin as login, rolsuper as superuser, rolcreatedb as create_db,
  rolcreaterole as create_role, rolreplication as replication,
  array_to_string(array(select b.rolname from pg_auth_members m join pg_roles b on b.oid = m.roleid
    where m.member = r.oid order by 1), ', ') as member_of
  from pg_roles r where %s order by 1]]

local DATABASES = [[select datname as name, pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding,
  datcollate as collate from pg_database where %s order by 1]]

local TYPES = [[select n.nspname as schema, t.typname as name,
  case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'c' then 'composite' when 'r' then 'range'
  when 'm' then 'multirange' else 'base' end as kind,
  case t.typtype when 'e' then array_to_string(array(select enumlabel from pg_enum where enumtypid = t.oid
    order by enumsortorder), ', ') when 'd' then format_type(t.typbasetype, t.typtypmod) else '' end as made_of
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
  where (t.typrelid = 0 or exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
    and not exists (select from pg_type e where e.typarray = t.oid) and %s order by 1, 2]]

local EXTENSIONS = [[select e.extname as name, e.extversion as version, n.nspname as schema,
  obj_description(e.oid, 'pg_extension') as description
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace where %s order by 1]]

local PRIVILEGES = [[select n.nspname as schema, c.relname as name, ]] .. KIND .. [[ as type,
  array_to_string(c.relacl, chr(10)) as privileges
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and %s order by 1, 2]]

local function relations(kinds)
  return function(session, text)
    local where, list = matching(text, "n.nspname", "c.relname", "pg_table_is_visible(c.oid)")
    return session:ask(RELATIONS:format(where), kinds, unpack(list))
  end
end

local function matched(sql, name, visible)
  return function(session, text)
    local where, list = matching(text, "n.nspname", name, visible)
    return session:ask(sql:format(where), unpack(list))
  end
end

-- Names without a schema: all of them, but for PostgreSQL's own.
local function named(sql, name, hidden)
  return function(session, text)
    if not text or text == "" then return session:ask(sql:format(hidden)) end
    return session:ask(sql:format(name .. " ~ ?"), (pattern_of(text)))
  end
end

---What each command of the family asks for: a function of the session and a pattern that gives a result.
---@type table<string, fun(session: moonpool.console.Session, pattern: string|nil): moonpool.Result>
M.lists = {
  d = relations "{r,p,v,m,S,f}",
  dt = relations "{r,p}",
  dv = relations "{v}",
  dm = relations "{m}",
  ds = relations "{S}",
  di = matched(INDEXES, "c.relname", "pg_table_is_visible(c.oid)"),
  df = matched(FUNCTIONS, "p.proname", "pg_function_is_visible(p.oid)"),
  dT = matched(TYPES, "t.typname", "pg_type_is_visible(t.oid)"),
  dp = matched(PRIVILEGES, "c.relname", "pg_table_is_visible(c.oid)"),
  dn = named(SCHEMAS, "nspname", "nspname !~ '^pg_' and nspname <> 'information_schema'"),
  du = named(ROLES, "rolname", "rolname !~ '^pg_'"),
  dx = named(EXTENSIONS, "extname", "true"),
  l = named(DATABASES, "datname", "datallowconn"),
}

local FOUND = [[select c.oid::int8 as oid, c.relkind::text as kind, ]] .. KIND .. [[ as type,
  n.nspname || '.' || c.relname as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind <> 't' and %s order by 4]]

local COLUMNS = [[select a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
  case when a.attnotnull then 'not null' else '' end as null,
  case when a.attidentity = 'a' then 'generated always as identity'
       when a.attidentity = 'd' then 'generated by default as identity'
       when a.attgenerated = 's' then 'generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored'
       else coalesce(pg_get_expr(d.adbin, d.adrelid), '') end as default
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = ?::oid and a.attnum > 0 and not a.attisdropped order by a.attnum]]

-- The lists below the columns: a heading, and a query for its lines.
local below = {
  { "Indexes", [[select format('"%s"%s%s', c.relname,
      case when i.indisprimary then ' primary key,' when i.indisunique then ' unique,' else '' end,
      regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE .* USING', ''))
      || case when i.indisvalid then '' else ' INVALID' end
    from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = ?::oid
    order by i.indisprimary desc, c.relname]] },
  { "Checks", [[select format('"%s" %s', conname, pg_get_constraintdef(oid)) from pg_constraint
    where conrelid = ?::oid and contype = 'c' order by conname]] },
  { "Foreign keys", [[select format('"%s" %s', conname, pg_get_constraintdef(oid)) from pg_constraint
    where conrelid = ?::oid and contype = 'f' order by conname]] },
  { "Referenced by", [[select format('%s "%s" %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint where confrelid = ?::oid and contype = 'f' order by conrelid::regclass::text, conname]] },
  { "Policies", [[select format('"%s" for %s', polname, case polcmd when 'r' then 'select' when 'a' then 'insert'
    when 'w' then 'update' when 'd' then 'delete' else 'all' end) from pg_policy where polrelid = ?::oid
    order by polname]] },
  { "Triggers", [[select regexp_replace(pg_get_triggerdef(oid), '^CREATE (CONSTRAINT )?TRIGGER ', '') from pg_trigger
    where tgrelid = ?::oid and not tgisinternal order by tgname]] },
  { "Partitions", [[select format('%s %s', c.oid::regclass, pg_get_expr(c.relpartbound, c.oid)) from pg_inherits h
    join pg_class c on c.oid = h.inhrelid where h.inhparent = ?::oid and c.relispartition
    order by c.oid::regclass::text]] },
}

local DEFINITIONS = {
  v = "select pg_get_viewdef(?::oid, true)", m = "select pg_get_viewdef(?::oid, true)",
  i = "select pg_get_indexdef(?::oid)", I = "select pg_get_indexdef(?::oid)",
}

---@class moonpool.console.Description
---@field title string
---@field columns moonpool.Result
---@field lines string[]

local function describe(session, found)
  local lines = {}
  for _, list in ipairs(below) do
    local entries = session:ask(list[2], found.oid):column(1)
    if #entries > 0 then lines[#lines + 1] = list[1] .. ":" end
    for _, entry in ipairs(entries) do lines[#lines + 1] = "    " .. entry end
  end
  local definition = DEFINITIONS[found.kind]
  if definition then
    lines[#lines + 1] = "Definition:"
    lines[#lines + 1] = session:ask(definition, found.oid):scalar()
  end
  local title = ('%s%s "%s"'):format(found.type:sub(1, 1):upper(), found.type:sub(2), found.name)
  return { title = title, columns = session:ask(COLUMNS, found.oid), lines = lines }
end

---Everything about the relations that a pattern fits.
---@param session moonpool.console.Session
---@param text string
---@return moonpool.console.Description[]
function M.relations(session, text)
  local where, list = matching(text, "n.nspname", "c.relname", "pg_table_is_visible(c.oid)")
  local all = {}
  for _, found in ipairs(session:ask(FOUND:format(where), unpack(list)):all()) do
    all[#all + 1] = describe(session, found)
  end
  return all
end

---The source of a function or view.
---@param session moonpool.console.Session
---@param kind "sf"|"sv"
---@param name string
---@return string
function M.source(session, kind, name)
  if kind == "sv" then return session:ask("select pg_get_viewdef(?::regclass, true)", name):scalar() end
  local is_signature = name:find "%(" ~= nil
  local sql = is_signature and "select pg_get_functiondef(?::regprocedure)" or "select pg_get_functiondef(?::regproc)"
  return session:ask(sql, name):scalar()
end

return M
