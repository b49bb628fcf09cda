-- Every public function, called with what it does not expect. MOONPOOL_SEED repeats a run that was bad.
local chaos = require "chaos"
local moonpool = require "moonpool"

local HERE = "tests/lua/" -- where the calls are written
local STEPS, SECONDS = 6000, 20

local chains = {
  "select", "distinct", "distinct_on", "join", "left_join", "right_join", "full_join", "cross_join", "lateral",
  "left_lateral", "where", "where_named", "group_by", "having", "window", "order_by", "limit", "offset", "after", "before",
  "union", "union_all", "intersect", "except", "for_update", "for_share", "with", "with_recursive", "as", "scope", "timeout",
  "idempotent", "use_primary", "use_replica", "tagged", "cached", "invalidates", "to_sql", "explain", "all", "each", "map",
  "first", "last", "one", "find", "find_by", "scalar", "pluck", "count", "exists", "sum", "avg", "min", "max", "paginate",
  "stream", "result", "to_json", "values", "record", "from_select", "on_conflict", "do_update", "do_nothing", "returning",
  "set", "from", "using", "every_row", "exec",
}
local faces = {
  "try", "array", "object", "json", "bytea", "decimal", "time", "range", "multirange", "composite", "json_encode",
  "json_decode", "to_table", "raw", "quote", "gather", "spawn", "connect", "migrator",
}
local handles = {
  "exec", "query", "query_row", "read_query", "read_query_row", "stream", "read_stream", "script", "batch", "transaction",
  "begin", "commit", "rollback", "in_transaction", "with", "as", "session", "invalidate", "from", "insert_into", "update",
  "delete_from", "with_recursive", "copy_in", "copy_out", "listen", "token", "after", "breakers", "breaker", "on", "stats",
  "ping", "tagged",
}
local results = { "each", "all", "first", "one", "scalar", "column", "map", "to_json", "columns", "pairs", "view", "text" }
local scopes = { "between_dates", "on_date", "today", "last", "search" }

local conditions = {}
for name in pairs(moonpool.cond) do conditions[#conditions + 1] = name end
table.sort(conditions)

describe("a call that was not meant", function()
  local db, others, makers, complaints, random

  setup(function()
    db = moonpool.connect { primary = os.getenv "MOONPOOL_PRIMARY", timeout = "1s", log = { level = "error" } }
    db:exec "drop table if exists chaos"
    db:exec "create table chaos (id bigint primary key, name text, age int, tags text[], doc jsonb)"
    makers = chaos.makers(db, "chaos")
    local closed = moonpool.connect(os.getenv "MOONPOOL_PRIMARY")
    closed:close()
    others = { db, db, db, closed }
  end)
  teardown(function()
    db:exec "drop table if exists chaos"
    db:close(1)
  end)

  local function value() return makers[random(#makers)]() end

  local function some(first)
    local list = { n = random(0, 4) }
    for i = 1, list.n do list[i] = value() end
    if first ~= nil then
      table.insert(list, 1, first)
      list.n = list.n + 1
    end
    return list
  end

  local function try(what, f, list)
    local shown = chaos.named(list)
    local ok, told = chaos.call(f, list, HERE)
    if not ok and told then complaints[#complaints + 1] = ("%s(%s): %s"):format(what, shown, told) end
    return ok, told
  end

  -- Now and then somebody writes a dot for a colon.
  local function on(own) return random(15) == 1 and value() or own end

  local function in_a_chain()
    local starts = {
      function() return db:from "chaos" end, function() return db:from "chaos" end, function() return db:update "chaos" end,
      function() return db:insert_into "chaos" end, function() return db:delete_from "chaos" end,
    }
    local query, path = starts[random(#starts)](), "query"
    for _ = 1, random(5) do
      local name = chains[random(#chains)]
      local there, method = pcall(function() return query[name] end)
      if there and method then
        local ok, made = try(path .. ":" .. name, method, some(on(query)))
        if ok and type(made) == "table" and rawget(made, "runner") then query, path = made, path .. ":" .. name end
        if ok and name == "stream" then made:close() end
      end
    end
    try(path .. ":to_sql", query.to_sql, { n = 1, query })
  end

  local function in_a_condition()
    local name = conditions[random(#conditions)]
    local ok, made = try("c." .. name, moonpool.cond[name], some())
    local query = db:from "chaos"
    if ok then try("where(c." .. name .. ")", function(given) query:where(given):to_sql() end, { n = 1, made }) end
  end

  local function in_the_face()
    local name = faces[random(#faces)]
    local list = some()
    if name == "connect" and list.n == 0 then return end
    local ok, made = try("moonpool." .. name, moonpool[name], list)
    if ok and name == "connect" then return made:close(0) end
    if ok and list.n > 0 then
      try("db:query(?, " .. name .. ")", function(given) db:query("select ?", given) end, { n = 1, made })
    end
  end

  local function on_a_handle()
    local name = handles[random(#handles)]
    local ok, made = try("db:" .. name, db[name], some(on(others[random(#others)])))
    if not ok or type(made) ~= "table" then return end
    if name == "stream" or name == "read_stream" or name == "listen" or name == "copy_out" then made:close() end
    if name == "begin" then made:rollback() end
    if name == "on" then made:stop() end
  end

  local function on_a_result()
    local result = db:query "select 1 as a, null as b, 'x' as c"
    local name = results[random(#results)]
    try("result:" .. name, result[name], some(on(result)))
    local key, row, table_row = value(), result[1], result:first()
    for what, one in pairs { result = result, row = row, ["table row"] = table_row } do
      try(what .. "[]", function(at) return one[at] end, { n = 1, key })
    end
    try("row:copy", row.copy, { n = 1, on(row) })
    try("row:pairs", row.pairs, { n = 1, on(row) })
    try("row:to_json", row.to_json, { n = 1, on(row) })
  end

  local function in_a_scope()
    local name = scopes[random(#scopes)]
    local ok, made = try("scopes." .. name, moonpool.scopes[name], some())
    local query = db:from "chaos"
    if ok then try("scope(" .. name .. ")", function(given) query:scope(given):to_sql() end, { n = 1, made }) end
  end

  local values = {
    function() return moonpool.decimal "12.5" end, function() return moonpool.decimal "NaN" end,
    function() return moonpool.time "2026-01-02 03:04:05+02" end, function() return moonpool.time "2026-01-02" end,
    function() return moonpool.time "infinity" end, function() return moonpool.range(1, 5) end,
    function() return moonpool.multirange { moonpool.range(1, 2) } end, function() return moonpool.raw "1" end,
    function() return db:stream "select 1 as i" end, function() return db:copy_out "chaos" end,
    function() return db:on("statement", function() end) end, function() return moonpool.testing.watch(db) end,
    function() return moonpool.spawn(function() return 1 end) end,
  }
  local methods = {
    "add", "sub", "mul", "div", "round", "tonumber", "epoch", "at", "date", "contains", "over", "filter", "as", "each",
    "close", "chunks", "count", "lines", "statements", "clear", "lost", "cancel", "is_done",
  }
  local operators = {
    function(a, b) return a + b end, function(a, b) return a - b end, function(a, b) return a * b end,
    function(a, b) return a == b end, function(a, b) return a < b end, function(a) return tostring(a) end,
  }

  local function with_a_value()
    local own = values[random(#values)]()
    local name = methods[random(#methods)]
    local there, method = pcall(function() return own[name] end)
    if there and type(method) == "function" then try("value:" .. name, method, some(on(own))) end
    local kind = type(own) == "table" and type(rawget(own, "digits") or rawget(own, "year") or rawget(own, "infinite"))
    if kind == "string" or kind == "number" then
      try("an operator", operators[random(#operators)], { n = 2, own, random(2) == 1 and values[random(8)]() or value() })
    end
    for _, last in ipairs { "close", "stop" } do pcall(function() own[last](own) end) end
  end

  it("is answered, or refused in a sentence at its line", function()
    local seed = tonumber(os.getenv "MOONPOOL_SEED") or os.time()
    print("MOONPOOL_SEED=" .. seed)
    math.randomseed(seed)
    random, complaints = math.random, {}
    local ways = {
      in_a_chain, in_a_chain, in_a_chain, in_a_condition, in_the_face, on_a_handle, on_a_result, in_a_scope,
      with_a_value,
    }
    local ends = os.time() + SECONDS
    for _ = 1, STEPS do
      ways[random(#ways)]()
      if #complaints >= 5 or os.time() >= ends then break end
    end
    assert.equal("", table.concat(complaints, "\n\n"), "with MOONPOOL_SEED=" .. seed)
  end)
end)
