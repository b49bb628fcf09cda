-- Thousands of generated queries, run by PostgreSQL and read by a model that knows nothing of SQL. Each shape is
-- run with several sets of values, so that warm builds are compared as well as cold ones. A failure names its seed:
-- MOONPOOL_SEED=… runs it alone. MOONPOOL_QUERIES=… says how many, MOONPOOL_FIRST=… after which seed to begin, and
-- MOONPOOL_SECONDS=… when each of the three kinds has taken long enough.

local database = require "database"
local model = require "model"
local moonpool = require "moonpool"
local native = require "moonpool.core.ffi"
local walk = require "moonpool.core.walk"

local c, raw, null = moonpool.cond, moonpool.raw, moonpool.null
local pairs = walk.pairs

local only = tonumber(os.getenv "MOONPOOL_SEED")
local QUERIES = only and 1 or tonumber(os.getenv "MOONPOOL_QUERIES") or 800
local FIRST = only and only - 1 or tonumber(os.getenv "MOONPOOL_FIRST") or 0
local SECONDS = tonumber(os.getenv "MOONPOOL_SECONDS") or math.huge
local SETS = 4

-- Calls f with seed after seed; gives how many there was time for.
local function each_seed(most, f)
  local clock = native.C.mp_clock
  local ends, done = clock() + SECONDS, 0
  while done < most and clock() < ends do
    done = done + 1
    f(FIRST + done)
  end
  -- Fewer than these would prove little, and are a machine or a test gone wrong.
  assert(done >= math.min(most, 200), ("there was time for %d of %d"):format(done, most))
  return done
end

local function show(row, names)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = tostring(row[name]) end
  return table.concat(parts, "|")
end

local function sorted(list)
  table.sort(list)
  return list
end

describe("generated queries", function()
  local db, p, q

  setup(function()
    db = database.in_schema "model"
    db:script [[
      create table p (id int primary key, a int, b int, s text collate "C", f boolean);
      create table q (id int primary key, p_id int, x int, s text collate "C");
    ]]
    p, q = model.tables()
    db:insert_into("p"):values(p, { batch = "values" }):exec()
    db:insert_into("q"):values(q, { batch = "values" }):exec()
  end)

  teardown(function()
    db:exec "drop schema model cascade"
    db:close()
  end)

  local function scope_of_p(prefix)
    return {
      ints = { prefix .. "id", prefix .. "a", prefix .. "b" }, texts = { prefix .. "s" }, bools = { prefix .. "f" },
      q = q, db = db, correlate = prefix ~= "" and prefix .. "id" or nil,
      read = function(row, column) return row[column:match "[^.]+$"] end,
    }
  end

  local function filtered(rows, tests)
    local kept = {}
    for _, row in ipairs(rows) do
      local all = true
      for _, test in ipairs(tests) do all = all and test(row) == true end
      if all then kept[#kept + 1] = row end
    end
    return kept
  end

  -- Where the row stands in an order of { name, desc, nulls_first }.
  local function before(order)
    return function(x, y)
      for _, by in ipairs(order) do
        local v, w = x[by.name], y[by.name]
        if v ~= w then
          if v == nil then return by.nulls_first end
          if w == nil then return not by.nulls_first end
          if by.desc then return v > w end
          return v < w
        end
      end
      return false
    end
  end

  local function random_order(shape, prefix)
    local order, texts = {}, {}
    for _, name in ipairs { "a", "b", "s", "id" } do
      if name == "id" or shape:chance(40) then
        local desc, nulls = shape:chance(50), shape:pick { false, "first", "last" }
        local by = { name = name, desc = desc, nulls_first = nulls and nulls == "first" or not nulls and desc }
        order[#order + 1] = by
        texts[#texts + 1] = prefix .. name .. (desc and " desc" or "") .. (nulls and " nulls " .. nulls or "")
      end
    end
    return order, texts
  end

  local function wheres(shape, values, scope, query)
    local tests = {}
    for i = 1, shape:upto(4) - 1 do
      local condition
      condition, tests[i] = model.condition(shape, values, scope)
      query = query:where(condition)
    end
    return query, tests
  end

  -- Each maker gives a query, the names of its columns, the rows that must come, and whether their order counts.
  local makers = {}

  function makers.plain(shape, values)
    local query, tests = wheres(shape, values, scope_of_p "p.", db:from "p")
    local rows = filtered(p, tests)
    local order, texts = random_order(shape, "p.")
    query = query:order_by(unpack(texts))
    table.sort(rows, before(order))
    if shape:chance(30) then
      local key, from = {}, values:pick(p)
      for _, by in ipairs(order) do
        key[by.name] = from[by.name]
        if key[by.name] == nil then key[by.name] = null end
      end
      local after = shape:chance(50)
      local less = before(order)
      query = after and query:after(key) or query:before(key)
      rows = filtered(rows, { function(row) if after then return less(from, row) end return less(row, from) end })
    end
    local backward = query.shape.tree.keyset and query.shape.tree.keyset.backward
    local offset = not backward and shape:chance(40) and values:upto(4) - 1 or 0
    if offset > 0 then query = query:offset(offset) end
    local limit = shape:chance(50) and values:upto(6) - 1 or #rows
    if limit < #rows then query = query:limit(limit) end
    local expected = {}
    for i = 1, #rows do
      if backward then
        if i > #rows - limit then expected[#expected + 1] = rows[i] end
      elseif i > offset and i <= offset + limit then
        expected[#expected + 1] = rows[i]
      end
    end
    return query, { "id", "a", "b", "s" }, expected, true
  end

  function makers.joined(shape, values)
    local left = shape:chance(50)
    local rows = {}
    for _, row in ipairs(p) do
      local matched = false
      for _, other in ipairs(q) do
        if other.p_id == row.id then
          matched = true
          rows[#rows + 1] = { id = row.id, a = row.a, b = row.b, s = row.s, f = row.f, x = other.x, q = other.id }
        end
      end
      if left and not matched then rows[#rows + 1] = { id = row.id, a = row.a, b = row.b, s = row.s, f = row.f } end
    end
    local scope = scope_of_p "t."
    scope.ints[#scope.ints + 1] = "o.x"
    local from = db:from "p t"
    from = left and from:left_join("q o", c.eq("o.p_id", c.col "t.id")) or from:join("q o", "o.p_id = t.id")
    local query, tests = wheres(shape, values, scope, from)
    return query:select { "t.id", "o.x", q = "o.id" }, { "id", "x", "q" }, filtered(rows, tests)
  end

  function makers.grouped(shape, values)
    local query, tests = wheres(shape, values, scope_of_p "p.", db:from "p")
    local groups, list = {}, {}
    for _, row in ipairs(filtered(p, tests)) do
      local key = row.b == nil and "null" or row.b
      local group = groups[key]
      if not group then
        group = { b = row.b, n = 0 }
        groups[key] = group
        list[#list + 1] = group
      end
      group.n = group.n + 1
      if row.a and (not group.top or row.a > group.top) then group.top = row.a end
    end
    query = query:select { "b", n = raw "count(*)::int", top = raw "max(a)" }:group_by "b"
    if shape:chance(50) then
      local least = values:upto(3)
      query = query:having(shape:chance(50) and raw("count(*) >= ?", least) or c.ge(raw "count(*)", least))
      list = filtered(list, { function(group) return group.n >= least end })
    end
    return query, { "b", "n", "top" }, list
  end

  local function column_of(shape, values)
    local query, tests = wheres(shape, values, scope_of_p "p.", db:from "p")
    local name = shape:pick { "a", "b" }
    local list = {}
    for i, row in ipairs(filtered(p, tests)) do list[i] = { v = row[name] } end
    return query:select(name .. " as v"), list
  end

  local function count_by(list)
    local counts = {}
    for _, row in ipairs(list) do counts[tostring(row.v)] = (counts[tostring(row.v)] or 0) + 1 end
    return counts
  end

  function makers.combined(shape, values)
    local query, list = column_of(shape, values)
    for _ = 1, shape:upto(2) do
      local other, more = column_of(shape, values)
      local op = shape:pick { "union", "union_all", "intersect", "except", "except_all", "intersect_all" }
      local mine, theirs, result = count_by(list), count_by(more), {}
      local function add(name, n)
        for _ = 1, n do result[#result + 1] = { v = name ~= "nil" and tonumber(name) or nil } end
      end
      local all = {}
      for name in pairs(mine) do all[name] = true end
      for name in pairs(theirs) do all[name] = true end
      for name in pairs(all) do
        local x, y = mine[name] or 0, theirs[name] or 0
        local n = ({ union = 1, union_all = x + y, intersect = math.min(x, y, 1), intersect_all = math.min(x, y),
          except = y > 0 and 0 or math.min(x, 1), except_all = math.max(0, x - y) })[op]
        add(name, n)
      end
      query, list = query[op](query, other), result
    end
    return query, { "v" }, list
  end

  function makers.wrapped(shape, values)
    local inner, _, rows = makers.plain(shape, values)
    local scope = scope_of_p "w."
    local outer
    if shape:chance(50) then outer = db:from(inner:as "w") else outer = db:with("w", inner):from "w" end
    local query, tests = wheres(shape, values, scope, outer)
    return query, { "id", "a", "b", "s" }, filtered(rows, tests)
  end

  function makers.distinct(shape, values)
    local query, list = column_of(shape, values)
    local seen, kept = {}, {}
    for _, row in ipairs(list) do
      if not seen[tostring(row.v)] then
        seen[tostring(row.v)] = true
        kept[#kept + 1] = row
      end
    end
    return query:distinct(), { "v" }, kept
  end

  -- The first row of each b, in an order.
  function makers.first_of_each(shape, values)
    local query, tests = wheres(shape, values, scope_of_p "p.", db:from "p")
    local rows, desc, seen, kept = filtered(p, tests), shape:chance(50), {}, {}
    table.sort(rows, before { { name = "b" }, { name = "a", desc = desc, nulls_first = desc }, { name = "id" } })
    for _, row in ipairs(rows) do
      local key = row.b == nil and "null" or row.b
      if not seen[key] then
        seen[key] = true
        kept[#kept + 1] = row
      end
    end
    return query:distinct_on("b"):order_by("b", desc and "a desc" or "a", "id"), { "id", "a", "b" }, kept, true
  end

  -- For each row the first few of another table.
  function makers.lateral(shape, values)
    local left, most, desc = shape:chance(50), values:upto(2), shape:chance(50)
    local inner = db:from "q i":where(c.eq("i.p_id", c.col "t.id")):order_by(desc and "i.id desc" or "i.id"):limit(most)
    local scope = scope_of_p "t."
    local rows = {}
    for _, row in ipairs(p) do
      local list = {}
      for _, other in ipairs(q) do
        if other.p_id == row.id then table.insert(list, desc and 1 or #list + 1, other) end
      end
      for i = 1, math.min(most, #list) do
        rows[#rows + 1] = { id = row.id, a = row.a, b = row.b, s = row.s, f = row.f, x = list[i].x, q = list[i].id }
      end
      if #list == 0 and left then rows[#rows + 1] = { id = row.id, a = row.a, b = row.b, s = row.s, f = row.f } end
    end
    scope.ints[#scope.ints + 1] = "l.x"
    local from = db:from "p t"
    from = left and from:left_lateral(inner:as "l") or from:lateral(inner:as "l")
    local query, tests = wheres(shape, values, scope, from)
    return query:select { "t.id", "l.x", q = "l.id" }, { "id", "x", "q" }, filtered(rows, tests)
  end

  -- A place among the rows with the same b, and a running sum.
  function makers.windows(shape, values)
    local query, tests = wheres(shape, values, scope_of_p "p.", db:from "p")
    local rows, list = filtered(p, tests), {}
    local named = shape:chance(50)
    local window = { partition_by = "b", order_by = "id desc", frame = "rows between 1 preceding and current row" }
    for _, row in ipairs(rows) do
      local place, sum, next_id = 1, row.a, nil
      for _, other in ipairs(rows) do
        if other.b == row.b and other.id > row.id then
          place = place + 1
          if not next_id or other.id < next_id then next_id = other.id end
        end
      end
      if next_id and p[next_id].a then sum = (sum or 0) + p[next_id].a end
      list[#list + 1] = { id = row.id, place = place, two = sum }
    end
    if named then query = query:window("w", window) end
    local over = named and "w" or window
    return query:select { "id", place = raw("(?)::int", raw "row_number()":over(over)), two = raw "sum(a)":over(over) },
      { "id", "place", "two" }, list
  end

  -- The ancestors-to-be of a chain: ids from a start in steps, by a recursive expression.
  function makers.recursive(shape, values)
    local start, by, last = values:upto(4), values:upto(3), values:upto(14)
    local steps = db:from "p":select("id"):where { id = start }
    local more = db:from "p n":select "n.id":join("steps", raw("n.id = steps.id + ?", by)):where(c.le("n.id", last))
    local list, id = {}, start
    list[1] = p[id]
    while id + by <= math.min(last, #p) do
      id = id + by
      list[#list + 1] = p[id]
    end
    return db:with_recursive("steps", shape:chance(50) and steps:union_all(more) or steps:union(more)):from "steps",
      { "id" }, list
  end

  local names = { "first_of_each", "lateral", "windows", "recursive", "combined", "distinct", "grouped", "joined", "plain", "plain", "plain", "wrapped" }

  local function explain(seed, set, query, text, params, why)
    local list = {}
    for i, value in ipairs(params) do list[i] = tostring(value) end
    return ("MOONPOOL_SEED=%d, set %d: %s\n%s\n%s\n%s"):format(seed, set, why, text, table.concat(list, ", "),
      tostring(query.shape.tree.kind))
  end

  local function check(seed)
    local texts = {}
    for set = 1, SETS do
      local shape, values = model.dice(seed), model.dice(seed * 31 + set)
      local query, columns, expected, ordered = makers[shape:pick(names)](shape, values)
      local text, params = query:to_sql()
      local ok, rows = pcall(query.all, query)
      assert(ok, explain(seed, set, query, text, params, "PostgreSQL refused it: " .. tostring(rows)))
      local got, want = {}, {}
      for i, row in ipairs(rows) do got[i] = show(row, columns) end
      for i, row in ipairs(expected) do want[i] = show(row, columns) end
      if not ordered then got, want = sorted(got), sorted(want) end
      assert(table.concat(got, "\n") == table.concat(want, "\n"), explain(seed, set, query, text, params,
        "got\n" .. table.concat(got, "\n") .. "\nwhere the model has\n" .. table.concat(want, "\n")))
      local count = query:count()
      assert(count == #expected, explain(seed, set, query, text, params, ("count() %d, not %d"):format(count, #expected)))
      for _, column in ipairs(columns) do
        if column ~= "s" and #expected > 0 then
          local sum, least, most
          for _, row in ipairs(expected) do
            local value = row[column]
            if value then
              sum, least, most = (sum or 0) + value, math.min(least or value, value), math.max(most or value, value)
            end
          end
          assert(tonumber(query:sum(column)) == sum and query:min(column) == least and query:max(column) == most,
            explain(seed, set, query, text, params, ("sum, min or max of %s, not %s"):format(column, tostring(sum))))
        end
      end
      assert(query:exists() == (#expected > 0), explain(seed, set, query, text, params, "exists()"))
      texts[text] = true
    end
    return texts
  end

  it("give the rows that the model has", function()
    local texts = {}
    local done = each_seed(QUERIES, function(seed)
      for text in pairs(check(seed)) do texts[text] = true end
    end)
    local different = 0
    for _ in pairs(texts) do different = different + 1 end
    -- A generator that makes the same few queries again and again would prove little.
    assert.is_true(only ~= nil or different > done * 0.8)
  end)

  it("insert the rows that the model inserts", function()
    local pairs_of = { "a", "b", "s" }
    each_seed(math.ceil(QUERIES / 8), function(seed)
      local shape, values = model.dice(seed + 3e6), model.dice(seed * 19)
      local tx = db:begin()
      tx:exec "create temporary table fresh (id int primary key, a int default 7, b int, s text) on commit drop"
      local expected = {}
      local function put(answer)
        local rows, uniform = {}, shape:chance(60)
        for _ = 1, values:upto(6) do
          local row, stored = { id = values:upto(9) }, {}
          for _, taken in ipairs(rows) do if taken.id == row.id then row = nil break end end
          if row then
            for _, name in ipairs(pairs_of) do
              local value = name == "s" and values:pick(model.words) or values:upto(5)
              local said = uniform or shape:chance(60)
              if values:chance(25) then row[name] = said and null or nil
              elseif said then row[name], stored[name] = value, value end
              if row[name] == nil and name == "a" then stored.a = 7 end
            end
            stored.id = row.id
            rows[#rows + 1] = row
            if not expected[row.id] then expected[row.id] = stored
            elseif answer == "update" and (expected[row.id].b or 0) < 4 then
              local old = expected[row.id]
              expected[row.id] = { id = old.id, a = (old.a or 0) + 10, b = old.b, s = stored.s }
            end
          end
        end
        local insert = tx:insert_into "fresh":values(rows, { batch = uniform and shape:pick { "unnest", "values" } or nil })
        if answer == "update" then
          insert = insert:on_conflict "id":do_update { "s", a = raw "coalesce(fresh.a, 0) + 10" }
            :where("coalesce(fresh.b, 0) < ?", 4)
        else
          insert = insert:on_conflict("id"):do_nothing()
        end
        return insert, insert:exec()
      end
      local text
      for _ = 1, 3 do text = tostring(put(shape:pick { "update", "nothing" })) end
      local got, want = {}, {}
      for _, row in ipairs(tx:from "fresh":order_by("id"):all()) do got[#got + 1] = show(row, { "id", "a", "b", "s" }) end
      for id = 1, 9 do
        if expected[id] then want[#want + 1] = show(expected[id], { "id", "a", "b", "s" }) end
      end
      assert.same(want, got, "seed " .. seed .. ", the last of three: " .. text)
      tx:rollback()
    end)
  end)

  it("change the rows that the model changes", function()
    each_seed(math.ceil(QUERIES / 4), function(seed)
      local shape, values = model.dice(seed + 1e6), model.dice(seed * 17)
      local condition, test = model.condition(shape, values, scope_of_p "p.")
      local add = values:upto(5)
      local tx = db:begin()
      local update = tx:update("p"):set(shape:chance(50) and { a = raw("a + ?", add), s = "x" }
        or { a = raw("? + ?", c.col "a", add), s = "x" })
      local empty = type(condition) == "table" and getmetatable(condition) == nil and next(condition) == nil
        or condition == c.all {}
      update = empty and update:every_row() or update:where(condition)
      local why = "seed " .. seed .. ": " .. tostring(update)
      local changed, expected = {}, {}
      for i, row in ipairs(update:returning("id", "a", "s"):all()) do changed[i] = show(row, { "id", "a", "s" }) end
      for _, row in ipairs(p) do
        if test(row) == true then
          expected[#expected + 1] = show({ id = row.id, a = row.a and row.a + add, s = "x" }, { "id", "a", "s" })
        end
      end
      assert.same(sorted(expected), sorted(changed), why)
      tx:rollback()
      tx = db:begin()
      local delete = tx:delete_from "p"
      delete = empty and delete:every_row() or delete:where(condition)
      assert.equal(#expected, delete:exec(), why)
      assert.equal(#p - #expected, tx:from("p"):count(), why)
      tx:rollback()
    end)
  end)
end)
