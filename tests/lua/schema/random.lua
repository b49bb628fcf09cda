--- Random schemas from a seed: a list of statements, most of which the server accepts. What it refuses is left out by
--- whoever runs them, so a list stays a schema whatever is taken from it.

local M = {}

local function generator(seed)
  local state = seed % 2147483647
  if state <= 0 then state = state + 2147483646 end
  local g = {}
  -- Park and Miller: small, and the same everywhere.
  function g.int(n)
    state = (state * 16807) % 2147483647
    return state % n + 1
  end
  function g.pick(list) return list[g.int(#list)] end
  function g.chance(percent) return g.int(100) <= percent end
  for _ = 1, 5 do g.int(2) end
  return g
end

local ODD = {
  "plain", "Upper", "with space", "dot.ted", 'quo"te', "select", "user", "table", "order", "ünïcödé", "😀", "1st",
    "a-b", "x'y",
  "dollar$", "back\\slash", "CamelCase", ("n"):rep(63), ("é"):rep(31), "new\ttab", "--dash", "/*c*/", "%percent",
    "null", "value",
  "name", "_under", "A", "public", "pg_like", "a:b", "{brace}", "semi;colon", "?", ":name", "$1",
}

local function quote(name) return '"' .. name:gsub('"', '""') .. '"' end
local function literal(text) return "'" .. text:gsub("'", "''") .. "'" end

local TYPES = {
  "integer", "bigint", "smallint", "text", "varchar(20)", "varchar", "char(3)", "numeric(10,2)", "numeric", "boolean",
    "date",
  "timestamptz", "timestamp(3)", "time", "interval", "uuid", "jsonb", "json", "bytea", "inet", "float8", "real",
    "int4range",
  "text[]", "integer[]", "tsvector", "xml", "bit(4)", "money", "name", "oid", "point", "interval day to second",
}
local DEFAULTS = {
  integer = { "0", "-1", "(1 + 2)", "length('abc')" }, bigint = { "0", "9223372036854775807" },
    text = { "''", "'it''s'", "E'a\\nb'",
    "current_user", "'x'::varchar", "upper('x')" }, ["varchar(20)"] = { "'v'", "'a' || 'b'" },
      boolean = { "true", "false", "not true" },
  timestamptz = { "now()", "'2020-01-01 00:00:00+02'", "now() - interval '1 day'" },
    date = { "CURRENT_DATE", "'2020-02-29'" },
  jsonb = { "'{}'", "'[1, {\"a\": null}]'" }, ["numeric(10,2)"] = { "0", "1.50", "-2" },
    ["text[]"] = { "'{}'", "ARRAY['a', 'b']" },
  interval = { "'1 day 02:00'", "'-3 mons'" }, uuid = { "gen_random_uuid()" }, bytea = { "'\\x00ff'" },
    float8 = { "1e10", "'NaN'" },
  money = { "1" }, ["bit(4)"] = { "B'1010'" }, point = { "'(1,2)'" }, int4range = { "'[1,5)'" },
}
local CHECKS = {
  "%s IS NOT NULL", "%s IS DISTINCT FROM NULL", "num_nonnulls(%s) >= 0", "coalesce(%s::text, '') <> 'q''x'",
  "%s::text IN ('a', 'b', 'c') OR true", "CASE WHEN %s IS NULL THEN true ELSE %s::text ~ '.' END",
}
local COMMENTS = { "a comment", "it's \"quoted\"", "two\nlines", "$$ dollar $x$", "back\\slash", "😀 — dash",
  " leading" }

--- The statements of a seed; `size` is roughly how many.
---@param seed integer
---@param size? integer
---@return string[]
function M.statements(seed, size)
  local g = generator(seed)
  local out, used = {}, {}
  local schemas, types, tables, views, functions, sequences = {}, {}, {}, {}, {}, {}
  local function emit(text, ...)
    out[#out + 1] = select("#", ...) > 0 and text:format(...) or text
  end
  local function name(prefix)
    local base = g.chance(25) and g.pick(ODD) or prefix .. (#out + g.int(1000))
    local text, n = base, 1
    while used[text] do
      n = n + 1
      text = base:sub(1, 50) .. n
    end
    used[text] = true
    return text
  end
  local function comment_on(what)
    if g.chance(20) then emit("COMMENT ON %s IS %s", what, literal(g.pick(COMMENTS))) end
  end
  local function any_type()
    if #types > 0 and g.chance(20) then return g.pick(types) .. (g.chance(20) and "[]" or "") end
    return g.pick(TYPES)
  end
  local function grant(kind, what, words)
    if g.chance(15) then
      emit("GRANT %s ON %s %s TO %s%s", g.pick(words), kind, what, g.pick { "PUBLIC", "sink_app", "sink_bob",
        "sink_alice" },
        g.chance(0) and " WITH GRANT OPTION" or "")
    end
    if g.chance(5) then emit("REVOKE ALL ON %s %s FROM %s", kind, what, g.pick { "PUBLIC", "CURRENT_USER" }) end
    if g.chance(5) then emit("GRANT ALL ON %s %s TO sink_bob WITH GRANT OPTION", kind, what) end
  end

  for _ = 1, g.int(3) do
    local schema = g.chance(20) and "public" or quote(name "s")
    if schema ~= "public" then emit("CREATE SCHEMA %s", schema) end
    comment_on("SCHEMA " .. schema)
    grant("SCHEMA", schema, { "USAGE", "CREATE", "ALL" })
    schemas[#schemas + 1] = schema
  end
  local function qualified(prefix) return g.pick(schemas) .. "." .. quote(name(prefix)) end

  local make = {}
  function make.enum()
    local n, labels = qualified "e", {}
    for i = 1, g.int(5) do labels[i] = literal(g.pick(ODD):sub(1, 20):gsub("[\128-\255]", "u") .. i) end
    emit("CREATE TYPE %s AS ENUM (%s)", n, table.concat(labels, ", "))
    types[#types + 1] = n
    comment_on("TYPE " .. n)
    if g.chance(30) then emit("ALTER TYPE %s ADD VALUE 'extra' BEFORE %s", n, labels[1]) end
  end
  function make.composite()
    local n = qualified "c"
    emit("CREATE TYPE %s AS (a %s, %s %s)", n, any_type(), quote(g.pick(ODD)), any_type())
    types[#types + 1] = n
    if g.chance(20) then emit("ALTER TYPE %s ADD ATTRIBUTE z %s", n, any_type()) end
    if g.chance(20) then emit("ALTER TYPE %s DROP ATTRIBUTE a", n) end
  end
  function make.domain()
    local n, base = qualified "d", g.pick { "integer", "text", "varchar(10)", "numeric(5,1)", "integer[]" }
    emit("CREATE DOMAIN %s AS %s%s%s%s", n, base, g.chance(30) and base == "text" and ' COLLATE "C"' or "",
      g.chance(20) and " NOT NULL" or "", g.chance(50) and (" CONSTRAINT %s CHECK (VALUE::text <> '%s')"):format(
        quote(g.pick(ODD)), g.int(9)) or "")
    types[#types + 1] = n
    if g.chance(20) then emit("ALTER DOMAIN %s ADD CHECK (VALUE IS NOT NULL) NOT VALID", n) end
    if g.chance(20) and base == "text" then emit("ALTER DOMAIN %s SET DEFAULT 'dd'", n) end
    comment_on("DOMAIN " .. n)
  end
  function make.range()
    local n = qualified "r"
    emit("CREATE TYPE %s AS RANGE (subtype = %s)", n, g.pick { "float8", "integer", "text", "inet", "interval" })
    types[#types + 1] = n
  end
  function make.sequence()
    local n = qualified "q"
    emit("CREATE %sSEQUENCE %s%s%s%s%s", g.chance(10) and "UNLOGGED " or "", n,
      g.chance(40) and " AS " .. g.pick { "smallint", "integer", "bigint" } or "",
      g.chance(40) and " INCREMENT " .. g.pick { "2", "-1", "10" } or "", g.chance(20) and " CACHE 7" or "",
      g.chance(20) and " CYCLE" or "")
    sequences[#sequences + 1] = n
    grant("SEQUENCE", n, { "USAGE", "SELECT", "ALL" })
  end
  local function column(t)
    local c = { name = g.chance(25) and g.pick(ODD) or "c" .. (#t.columns + 1), type = any_type() }
    for _, other in ipairs(t.columns) do
      if other.name == c.name then c.name = c.name:sub(1, 50) .. #t.columns end
    end
    c.q = quote(c.name)
    local text = c.q .. " " .. c.type
    if g.chance(8) and c.type == "text" then text = text .. ' COLLATE "C"' end
    if g.chance(30) then text = text .. " NOT NULL" end
    if g.chance(30) and DEFAULTS[c.type] then text = text .. " DEFAULT " .. g.pick(DEFAULTS[c.type]) end
    if g.chance(4) and #sequences > 0 and c.type == "bigint" then
      text = ("%s bigint DEFAULT nextval(%s)"):format(c.q, literal(g.pick(sequences)))
    end
    t.columns[#t.columns + 1] = c
    return text
  end
  local function any_column(t) return g.pick(t.columns).q end
  local function options() return g.chance(15) and " WITH (fillfactor = " .. (50 + g.int(50)) .. ")" or "" end
  function make.table()
    local t = { name = qualified "t", columns = {} }
    local parts = {}
    if g.chance(60) then
      local kind = g.pick { "bigint GENERATED ALWAYS AS IDENTITY", "serial", "bigserial", "integer",
        "integer GENERATED BY DEFAULT AS IDENTITY (START 5 INCREMENT 2)" }
      t.key = { "id" }
      t.columns[1] = { name = "id", q = "id", type = "integer" }
      parts[1] = "id " .. kind .. (g.chance(80) and " PRIMARY KEY" or " UNIQUE")
      t.key_type = kind:find "big" and "bigint" or "integer"
    end
    for _ = 1, g.int(6) do parts[#parts + 1] = column(t) end
    if g.chance(10)
      and t.key then parts[#parts + 1] = ("g%d integer GENERATED ALWAYS AS (id * 2) STORED"):format(g.int(9)) end
    for _ = 1, g.int(3) - 1 do
      local c = any_column(t)
      parts[#parts + 1] = ("%sCHECK (%s)%s"):format(g.chance(50) and "CONSTRAINT " .. quote(name "ck") .. " " or "",
        (g.pick(CHECKS):gsub("%%s", function() return c end)), g.chance(10) and " NO INHERIT" or "")
    end
    local inherits = #tables > 0 and g.chance(8) and g.pick(tables)
    if inherits and inherits.partitioned then inherits = nil end
    local suffix = inherits and (" INHERITS (%s)"):format(inherits.name) or ""
    if not inherits and g.chance(12) and t.columns[1] then
      parts[1] = "pk integer, " .. parts[1]:gsub(" PRIMARY KEY", ""):gsub(" UNIQUE", "")
        :gsub(" GENERATED.-IDENTITY %b()", ""):gsub(" GENERATED.-IDENTITY", ""):gsub("bigserial",
          "bigint"):gsub("serial", "integer")
      t.partitioned, t.key, t.strategy = true, nil, g.pick { "RANGE", "LIST", "HASH" }
      suffix = (" PARTITION BY %s (pk)"):format(t.strategy)
    end
    emit("CREATE %sTABLE %s (%s)%s%s", g.chance(6) and not t.partitioned and not inherits and "UNLOGGED " or "", t.name,
      table.concat(parts, ", "), suffix, t.partitioned and "" or options())
    if t.partitioned then
      local bounds = t.strategy == "RANGE" and { "FROM (1) TO (10)", "FROM (10) TO (MAXVALUE)" }
        or t.strategy == "LIST" and { "IN (1, 2)", "IN (NULL, 3)" } or { "WITH (MODULUS 2, REMAINDER 0)",
          "WITH (MODULUS 2, REMAINDER 1)" }
      if g.chance(50) then emit("ALTER TABLE %s ADD PRIMARY KEY (pk)", t.name) end
      for _, bound in ipairs(bounds) do
        local p = qualified "p"
        emit("CREATE TABLE %s PARTITION OF %s FOR VALUES %s%s", p, t.name, bound, options())
        if g.chance(20) then emit("ALTER TABLE %s ALTER COLUMN pk SET DEFAULT 7", p) end
        if g.chance(20) then emit("CREATE INDEX ON %s (pk)", p) end
      end
      if t.strategy ~= "HASH" and g.chance(30) then emit("CREATE TABLE %s PARTITION OF %s DEFAULT", qualified "p",
        t.name) end
    end
    tables[#tables + 1] = t
    comment_on("TABLE " .. t.name)
    comment_on(("COLUMN %s.%s"):format(t.name, any_column(t)))
    grant("TABLE", t.name, { "SELECT", "INSERT, UPDATE", "ALL" })
    if g.chance(8) then emit("GRANT SELECT (%s) ON %s TO sink_app", any_column(t), t.name) end
    if g.chance(10) then emit("ALTER TABLE %s OWNER TO %s", t.name, g.pick { "sink_alice", "sink_bob" }) end
  end
  function make.alter()
    local t = g.pick(tables)
    if not t then return end
    local c = any_column(t)
    local forms = {
      "ADD COLUMN x%d integer DEFAULT %d", "ALTER COLUMN {c} SET STATISTICS %d", "ALTER COLUMN {c} SET NOT NULL",
      "ALTER COLUMN {c} SET STORAGE EXTERNAL", "ALTER COLUMN {c} DROP DEFAULT", "DROP COLUMN {c}",
      "ADD CONSTRAINT late%d CHECK ({c} IS NOT NULL) NOT VALID", "REPLICA IDENTITY FULL", "ENABLE ROW LEVEL SECURITY",
      "SET (fillfactor = 77)", "ALTER COLUMN {c} SET (n_distinct = -0.5)",
        "SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)",
      "RENAME COLUMN {c} TO renamed%d", "ADD UNIQUE ({c})", "FORCE ROW LEVEL SECURITY",
        "ALTER COLUMN {c} SET COMPRESSION pglz",
      "DISABLE TRIGGER USER", "SET UNLOGGED",
    }
    local form = g.pick(forms):gsub("{c}", function() return (c:gsub("%%", "%%%%")) end):gsub("%%d",
      function() return tostring(g.int(99)) end)
    emit("ALTER TABLE %s %s", t.name, (form:gsub("%%%%", "%%")))
  end
  function make.rename()
    local t = g.pick(tables)
    if t and g.chance(50) then
      local new = name "rt"
      emit("ALTER TABLE %s RENAME TO %s", t.name, quote(new))
      t.name = t.name:match "^(.-%.)" .. quote(new)
    elseif t then
      emit("ALTER TABLE %s RENAME CONSTRAINT %s TO %s", t.name, g.pick { "id", quote "ck1" }, quote(name "rc"))
    end
  end
  function make.index()
    local t = g.pick(tables)
    if not t then return end
    local keys = {}
    for i = 1, g.int(3) do
      local c = any_column(t)
      keys[i] = g.pick { c, c, c .. " DESC", c .. " NULLS FIRST", c .. " DESC NULLS LAST", ("(%s IS NULL)"):format(c),
        ("md5(%s::text)"):format(c), c .. ' COLLATE "C"', c .. " text_pattern_ops", c .. " varchar_pattern_ops",
        ("coalesce(%s, NULL)"):format(c), ("(%s::text || 'x')"):format(c) }
    end
    emit("CREATE %sINDEX %sON %s %s(%s)%s%s%s", g.chance(20) and "UNIQUE " or "", g.chance(50) and quote(name "i")
      .. " " or "",
      t.name, g.chance(10) and "USING " .. g.pick { "hash ", "gin ", "gist ", "brin ", "spgist " } or "",
        table.concat(keys, ", "),
      g.chance(10) and (" INCLUDE (%s)"):format(any_column(t)) or "", g.chance(10) and " WITH (fillfactor = 66)" or "",
      g.chance(15) and (" WHERE %s IS NOT NULL"):format(any_column(t)) or "")
  end
  function make.foreign_key()
    local t, r = g.pick(tables), g.pick(tables)
    if not t or not r or not r.key then return end
    local c = "fk" .. g.int(1000)
    emit("ALTER TABLE %s ADD COLUMN %s %s", t.name, c, r.key_type)
    emit("ALTER TABLE %s ADD %sFOREIGN KEY (%s) REFERENCES %s (id)%s%s%s", t.name,
      g.chance(40) and "CONSTRAINT " .. quote(name "fk") .. " " or "", c, r.name,
      g.pick { "", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE CASCADE", " MATCH FULL" },
      g.chance(15) and " DEFERRABLE INITIALLY DEFERRED" or "", g.chance(10) and " NOT VALID" or "")
  end
  function make.view()
    local t = #views > 0 and g.chance(30) and g.pick(views) or g.pick(tables)
    if not t then return end
    local v = { name = qualified "v", columns = {} }
    local list = {}
    for i = 1, g.int(3) do
      local c = g.pick(t.columns)
      v.columns[i] = { name = "v" .. i, q = "v" .. i, type = c.type }
      list[i] = ("x.%s AS v%d"):format(c.q, i)
    end
    local join = g.chance(30) and #tables > 0 and (" LEFT JOIN %s y ON true"):format(g.pick(tables).name) or ""
    local materialized = g.chance(20)
    emit("CREATE %sVIEW %s%s AS SELECT %s FROM %s x%s%s%s", materialized and "MATERIALIZED " or "", v.name,
      not materialized and g.chance(20) and " WITH (security_barrier)" or "", table.concat(list, ", "), t.name, join,
      g.chance(40) and (" WHERE x.%s IS NOT NULL AND x.%s::text IN ('a', 'b')"):format(t.columns[1].q, t.columns[1].q)
        or "",
      g.chance(20) and " ORDER BY 1 LIMIT 5" or "")
    views[#views + 1] = v
    comment_on((materialized and "MATERIALIZED VIEW " or "VIEW ") .. v.name)
    if materialized and g.chance(50) then emit("CREATE INDEX ON %s (v1)", v.name) end
    grant("TABLE", v.name, { "SELECT", "ALL" })
  end
  make["function"] = function()
    local f = qualified "f"
    local t = g.pick(tables)
    local forms = {
      "CREATE FUNCTION {f}(a integer, b text DEFAULT 'x') RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a'",
      "CREATE FUNCTION {f}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
      "CREATE FUNCTION {f}(integer) RETURNS SETOF integer LANGUAGE sql STABLE STRICT ROWS 5 AS 'SELECT $1'",
      "CREATE FUNCTION {f}(VARIADIC text[]) RETURNS TABLE(a integer, b text) LANGUAGE plpgsql COST 9 "
        .. "SECURITY DEFINER SET search_path TO public, \"$user\" AS $b$ BEGIN RETURN; END $b$",
      "CREATE PROCEDURE {f}(INOUT a integer) LANGUAGE plpgsql AS $$ BEGIN a := 1; END $$",
      "CREATE FUNCTION {f}(a integer) RETURNS integer LANGUAGE sql RETURN a + 1",
      t and ("CREATE FUNCTION {f}(" .. t.name .. ") RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'"),
      t and ("CREATE FUNCTION {f}() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM " .. t.name
        .. "; END"),
      t and ("CREATE FUNCTION {f}() RETURNS SETOF " .. t.name .. " LANGUAGE sql AS 'SELECT'"),
      "CREATE AGGREGATE {f}(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0')",
    }
    local i = g.int(#forms)
    if not forms[i] then return end
    emit((forms[i]:gsub("{f}", function() return f end)))
    if i == 2 then functions[#functions + 1] = f end
  end
  function make.trigger()
    local t, f = g.pick(tables), functions[1] and g.pick(functions)
    if not t or not f then return end
    local q = quote(name "tr")
    emit("CREATE TRIGGER %s %s ON %s %s EXECUTE FUNCTION %s(%s)", q,
      g.pick { "BEFORE INSERT", "AFTER UPDATE OR DELETE", "AFTER UPDATE OF " .. any_column(t),
        "BEFORE INSERT OR UPDATE" }, t.name,
      g.pick { "FOR EACH ROW", "FOR EACH STATEMENT",
        ("FOR EACH ROW WHEN (pg_trigger_depth() < %d)"):format(g.int(5)) }, f,
      g.chance(30) and literal(g.pick(ODD)) or "")
    if g.chance(20) then emit("ALTER TABLE %s DISABLE TRIGGER %s", t.name, q) end
    comment_on(("TRIGGER %s ON %s"):format(q, t.name))
  end
  function make.policy()
    local t = g.pick(tables)
    if not t then return end
    emit("CREATE POLICY %s ON %s%s FOR %s TO %s USING (%s IS NOT NULL)", quote(name "po"), t.name,
      g.chance(30) and " AS RESTRICTIVE" or "", g.pick { "ALL", "SELECT", "DELETE", "UPDATE" },
        g.pick { "PUBLIC", "sink_app", "sink_bob, sink_alice" },
      any_column(t))
  end
  function make.rule()
    local t = g.pick(tables)
    if t then
      emit("CREATE RULE %s AS ON %s TO %s DO %s NOTHING", quote(name "ru"), g.pick { "INSERT", "UPDATE", "DELETE" },
        t.name,
        g.pick { "INSTEAD", "ALSO" })
    end
  end
  function make.statistics()
    local t = g.pick(tables)
    if t then
      emit("CREATE STATISTICS %s%s ON %s, (%s IS NULL) FROM %s", qualified "st", g.chance(30) and " (mcv)" or "",
        any_column(t),
        any_column(t), t.name)
    end
  end
  function make.default_from_function()
    local t = g.pick(tables)
    if not t then return end
    local f = qualified "df"
    emit("CREATE FUNCTION %s(%s) RETURNS integer LANGUAGE sql AS 'SELECT 1'", f, t.name)
    emit("ALTER TABLE %s ADD COLUMN d%d integer DEFAULT %s(NULL)", t.name, g.int(999), f)
  end
  function make.move()
    local t = g.pick(tables)
    if t then
      local schema = g.pick(schemas)
      emit("ALTER TABLE %s SET SCHEMA %s", t.name, schema)
      -- The names that follow may miss it; the server says so.
    end
  end

  local bag = {}
  for kind, weight in pairs {
    enum = 5, composite = 4, domain = 5, range = 2, sequence = 4, table = 22, alter = 16, rename = 4, index = 14,
      foreign_key = 10,
    view = 10, ["function"] = 8, trigger = 6, policy = 4, rule = 2, statistics = 3, default_from_function = 2, move = 1,
  } do
    bag[#bag + 1] = { kind = kind, weight = weight }
  end
  table.sort(bag, function(a, b) return a.kind < b.kind end)
  local kinds = {}
  for _, item in ipairs(bag) do
    for _ = 1, item.weight do kinds[#kinds + 1] = item.kind end
  end
  make.table()
  while #out < (size or 60) do make[g.pick(kinds)]() end
  return out
end

--- The smallest list of statements for which `fails` still says yes (delta debugging).
---@param statements string[]
---@param fails fun(statements: string[]): boolean
---@return string[]
function M.shrink(statements, fails)
  local chunk = math.ceil(#statements / 2)
  while chunk >= 1 do
    local from, smaller = 1, false
    while from <= #statements do
      local rest = {}
      for i, text in ipairs(statements) do
        if i < from or i >= from + chunk then rest[#rest + 1] = text end
      end
      if #rest < #statements and fails(rest) then
        statements, smaller = rest, true
      else
        from = from + chunk
      end
    end
    if chunk == 1 and not smaller then break end
    if not smaller then chunk = math.floor(chunk / 2) end
  end
  return statements
end

return M
