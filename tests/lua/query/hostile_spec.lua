-- The corpus at every place that takes a text. At a place for values the statement's text is the same whatever the
-- value. At a place for names a text is either refused, or the statement is the same but for what stands between
-- double quotes, so its parse tree is the same but for the name.

local building = require "building"
local hostile = require "hostile"
local sql = require "moonpool.sql"

local c, raw, db = sql.cond, sql.raw, building.db

-- Quoted names taken out, the only way there is: from a quote to the next that is not doubled.
local function skeleton(text)
  local out, i = {}, 1
  while i <= #text do
    if text:sub(i, i) == '"' then
      local j = i + 1
      while true do
        j = assert(text:find('"', j, true), "a quote is never closed: " .. text)
        if text:sub(j + 1, j + 1) ~= '"' then break end
        j = j + 2
      end
      assert(j - i > 1, "an empty name: " .. text)
      out[#out + 1] = "NAME"
      i = j + 1
    else
      out[#out + 1] = text:sub(i, i)
      i = i + 1
    end
  end
  return table.concat(out)
end

local t = db:from "t"

local values = {
  equality = function(x) return t:where { a = x } end,
  comparison = function(x) return t:where(c.gt("a", x)) end,
  between = function(x) return t:where(c.between("a", x, x)) end,
  item = function(x) return t:where(c.in_("a", { x, "y" })) end,
  row_item = function(x) return t:where(c.in_({ "a", "b" }, { { x, x } })) end,
  like = function(x) return t:where(c.like("a", x)) end,
  starts_with = function(x) return t:where(c.starts_with("a", x)) end,
  contains = function(x) return t:where(c.ilike("a", { contains = x })) end,
  regex = function(x) return t:where(c.matches("a", x)) end,
  search = function(x) return t:where(c.search({ "a" }, x, { config = x })) end,
  json_key = function(x) return t:where(c.eq(c.json_text("a", x), x)) end,
  json_path = function(x) return t:select(c.json("a", x, x):as "v") end,
  document = function(x) return t:where(c.json_contains("a", { [x] = x })) end,
  has_key = function(x) return t:where(c.has_any_key("a", { x })) end,
  array = function(x) return t:where(c.array_contains("a", { x })) end,
  array_item = function(x) return t:where(c.array_has("a", x)) end,
  raw_value = function(x) return t:where("f(?, ?) = ?", x, x, x) end,
  named_value = function(x) return t:where("f(:x) = :x", { x = x }) end,
  key = function(x) return t:order_by("a", "id"):after { a = x, id = x } end,
  row = function(x) return db:insert_into("t"):values { a = x } end,
  rows = function(x) return db:insert_into("t"):values { { a = x }, { a = x } } end,
  cells = function(x) return db:insert_into("t"):values({ { a = x }, { a = x } }, { batch = "values" }) end,
  set = function(x) return db:update("t"):set({ a = x }):where { b = x } end,
  conflict = function(x) return db:insert_into("t"):values({ a = x }):on_conflict("a"):do_update { b = x } end,
  day = function(x) return t:scope(sql.scopes.on_date("a", x)) end,
}

local names = {
  column = function(x) return t:select(x) end,
  column_key = function(x) return t:where { [x] = 1 } end,
  left = function(x) return t:where(c.eq(x, 1)) end,
  right = function(x) return t:where(c.eq("a", c.col(x))) end,
  part = function(x) return t:where(c.eq("a", c.col("t", x))) end,
  alias = function(x) return t:select { [x] = raw "1" } end,
  term_alias = function(x) return t:select(raw("1"):as(x)) end,
  table_name = function(x) return db:from(x) end,
  table_alias = function(x) return db:from(t:as(x)) end,
  second_alias = function(x) return db:from("t", x) end,
  join = function(x) return t:join(x, "true") end,
  using = function(x) return t:join("u", { using = x }) end,
  order = function(x) return t:order_by(x) end,
  order_second = function(x) return t:order_by("id", x) end,
  order_pair = function(x) return t:order_by { x, "desc" } end,
  group = function(x) return t:group_by(x) end,
  distinct = function(x) return t:distinct_on(x) end,
  window = function(x) return t:window(x, {}) end,
  over = function(x) return t:select(raw("rank()"):over(x)) end,
  partition = function(x) return t:select(raw("rank()"):over { partition_by = x }) end,
  with = function(x) return db:with(x, t):from "t" end,
  with_column = function(x) return db:with("w", t, { columns = { x } }):from "w" end,
  lock = function(x) return t:for_update { of = x } end,
  insert_table = function(x) return db:insert_into(x):values { a = 1 } end,
  insert_column = function(x) return db:insert_into("t"):values { [x] = 1 } end,
  insert_columns = function(x) return db:insert_into("t"):values { { [x] = 1 }, { [x] = 2 } } end,
  select_into = function(x) return db:insert_into("t"):from_select({ x }, t) end,
  conflict = function(x) return db:insert_into("t"):values({ a = 1 }):on_conflict(x):do_nothing() end,
  constraint = function(x) return db:insert_into("t"):values({ a = 1 }):on_conflict({ constraint = x }):do_nothing() end,
  excluded = function(x) return db:insert_into("t"):values({ a = 1 }):on_conflict("a"):do_update { x } end,
  set = function(x) return db:update("t"):set({ [x] = 1 }):every_row() end,
  update_table = function(x) return db:update(x):set({ a = 1 }):every_row() end,
  delete_table = function(x) return db:delete_from(x):every_row() end,
  delete_using = function(x) return db:delete_from("t"):using(x):every_row() end,
  returning = function(x) return db:delete_from("t"):every_row():returning(x) end,
  record_key = function(x) return db:update("t"):record({ [x] = 1, other = 2 }, x) end,
  scope = function(x) return t:scope(sql.scopes.today(x)) end,
  search = function(x) return t:scope(sql.scopes.search({ x }, "w")) end,
}

-- Words that are read rather than quoted: one of a few, or refused.
local words = {
  direction = function(x) return t:order_by("a " .. x) end,
  pair_direction = function(x) return t:order_by { "a", x, nulls = "last" } end,
  nulls = function(x) return t:order_by { "a", "desc", nulls = x } end,
  frame = function(x) return t:window("w", { frame = x }) end,
  frame_end = function(x) return t:window("w", { frame = "rows between " .. x .. " and current row" }) end,
  limit = function(x) return t:limit(x) end,
  offset = function(x) return t:offset(x) end,
  overriding = function(x) return db:insert_into("t"):values({ a = 1 }):overriding(x) end,
  search_kind = function(x) return t:where(c.search("a", "w", { kind = x })) end,
  duration = function(x) return t:scope(sql.scopes.last("a", "1" .. x)) end,
}

local function sorted(map)
  local list = {}
  for name in pairs(map) do list[#list + 1] = name end
  table.sort(list)
  return list
end

describe("hostile text", function()
  for _, name in ipairs(sorted(values)) do
    it("never leaves its parameter: " .. name, function()
      local tame = building.text(values[name] "tame")
      for _, x in ipairs(hostile) do
        local made = values[name](x)
        for _ = 1, 4 do assert.equal(tame, (made:to_sql())) end
      end
    end)
  end

  for _, name in ipairs(sorted(names)) do
    it("is a quoted name or refused: " .. name, function()
      local tame = {}
      for _, path in ipairs { "t", "s.t", "d.s.t", "d.s.t.c", "*", "t.*", "s.t.*", "d.s.t.*" } do
        for _, rest in ipairs { "", " as n", " desc", " desc nulls last" } do
          local ok, made = pcall(names[name], path .. rest)
          if ok and pcall(made.to_sql, made) then tame[skeleton(made:to_sql())] = true end
        end
      end
      assert.is_not_nil(next(tame))
      local passed = 0
      for _, x in ipairs(hostile) do
        for _, given in ipairs { x, '"' .. x .. '"', '"' .. x:gsub('"', '""') .. '"', "t." .. x, x .. " desc" } do
          local ok, made = pcall(names[name], given)
          local text = ok and made:to_sql()
          if ok then
            passed = passed + 1
            assert.is_true(tame[skeleton(text)], text)
            for quoted in text:gmatch '"([^"]*)"' do assert.is_true(#quoted <= 63) end
            assert.is_nil(text:find("\0", 1, true))
          else
            assert.equal("usage", type(made) == "table" and made.kind, tostring(made))
          end
        end
      end
      assert.is_true(passed > 0)
    end)
  end

  for _, name in ipairs(sorted(words)) do
    it("is a known word or refused: " .. name, function()
      for _, x in ipairs(hostile) do
        local ok, made = pcall(words[name], x)
        if ok then
          assert.is_truthy(({ desc = true, user = true, [" "] = true, [""] = true })[x], x)
        else
          assert.equal("usage", type(made) == "table" and made.kind, tostring(made))
        end
      end
    end)
  end

  it("never ends a comment", function()
    for _, x in ipairs(hostile) do
      local text = building.text(t:tagged { [x == "" and "k" or x] = x })
      local inside = text:match '^select %* from "t" /%*(.*)%*/$'
      assert.is_truthy(inside, text)
      assert.is_nil(inside:find("*", 1, true))
      assert.is_nil(inside:find("/", 1, true))
      assert.is_nil(inside:find("[%c\128-\255]"))
    end
  end)

  it("is refused as a table that pretends to be something", function()
    local raw_one = raw "1"
    for _, pretence in ipairs {
      { shape = raw_one.shape, n = 0 }, { raw = "1" }, { ["$raw"] = "1" }, { text = "1" }, { __index = raw_one },
      { "1 = 1" }, { { "1 = 1" } }, { kind = "value" }, { tree = { parts = { "1" }, n = 0 } }, { n = 1, "x" }, {},
    } do
      for _, place in ipairs { values.equality, values.comparison, values.raw_value, values.between } do
        assert.equal("usage", select(2, pcall(place, pretence)).kind)
      end
      for _, place in ipairs { names.left, names.order_second, names.alias, names.column_key, names.insert_table } do
        local ok, e = pcall(place, pretence)
        assert.is_true(not ok and e.kind == "usage")
      end
    end
  end)
end)
