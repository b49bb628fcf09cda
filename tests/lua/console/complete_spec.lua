local catalog = require "moonpool.console.catalog"
local complete = require "moonpool.console.complete"

local names = catalog.new()
names.relations = {
  { schema = "public", name = "users", visible = true, columns = { "id", "email", "age" } },
  { schema = "public", name = "orders", visible = true, columns = { "id", "user_id", "total" } },
  { schema = "audit", name = "log", visible = false, columns = { "at", "what" } },
  { schema = "pg_catalog", name = "pg_class", visible = true, columns = { "oid", "relname" } },
}

local Handle = { query = print, query_row = print, exec = print }
local globals = {
  print = print, moonpool = { connect = print, null = {} },
  handle = setmetatable({}, { __index = Handle }),
  lazy = setmetatable({}, { __names = { loaded_later = print }, __index = function() error "touched" end }),
  parts = setmetatable({}, { __names = { part = print }, __lazy = true, __index = function() return { inner = 1 } end }),
  row = setmetatable({}, { shape = { names = { "id", "email" } }, __index = function() error "touched" end }),
}

local function offered(line, before)
  local start, found = complete.complete({
    commands = { "\\d", "\\dt", "\\df", ".explain" }, catalog = names, before = before or "", globals = globals,
    extra = { "db" },
  }, line)
  local whole = {}
  for i, one in ipairs(found) do whole[i] = line:sub(1, start) .. one end
  return whole
end

describe("completion", function()
  local cases = {
    { "\\d", { "\\d", "\\df", "\\dt" } },
    { "\\d us", { "\\d users" } },
    { "parts.part.in", { "parts.part.inner" } },
    { ".ex", { ".explain" } },
    { "select * from us", { "select * from users" } },
    { "select * from audit.", { "select * from audit.log" } },
    { "select * from pg_cl", { "select * from pg_class" } },
    { "select em", { "select email" } },
    { "select age from users where e", { "select age from users where else", "select age from users where email",
      "select age from users where end", "select age from users where except", "select age from users where exists",
      "select age from users where explain" } },
    { "select 1 from users u where u.", { "select 1 from users u where u.age", "select 1 from users u where u.email",
      "select 1 from users u where u.id" } },
    { "select * from users as u join orders o on o.us", { "select * from users as u join orders o on o.user_id" } },
    { "update ord", { "update orders" } },
    { "SEL", { "SELECT" } },
    { "ins", { "insert" } },
    { "x = ins", {} },
    { "FRO", { "FROM" }, "begin;\nselect 1\n" },
    { "moonpool.co", { "moonpool.connect" } },
    { "handle:qu", { "handle:query", "handle:query_row" } },
    { "x = handle:ex", { "x = handle:exec" } },
    { "row.em", { "row.email" } },
    { "lazy.lo", { "lazy.loaded_later" } },
    { "pri", { "print" } },
    { "d", { "db", "deallocate", "declare", "delete", "discard", "do", "drop" } },
    { "f(mo", { "f(moonpool" } },
    { 'handle:from "us', { 'handle:from "users' } },
    { "handle:query 'select em", { "handle:query 'select email" } },
    { "handle:query [[select * from ord", { "handle:query [[select * from orders" } },
    { "?handle:exe", { "?handle:exec" } },
    { "nothing.here.", {} },
    { "nowhere", {} },
  }
  for _, case in ipairs(cases) do
    it("completes: " .. case[1], function() assert.same(case[2], offered(case[1], case[3])) end)
  end

  it("goes on with the statement of the lines above", function()
    assert.same({ "u.email" }, offered("u.em", "select * from users u\nwhere "))
  end)

  it("runs nothing", function()
    assert.same({}, offered "row.x.y")
  end)
end)
