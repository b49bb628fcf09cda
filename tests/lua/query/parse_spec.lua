-- PostgreSQL's own parser, as a library, reads what the builder writes: one statement, whatever was put in, and the
-- same tree but for the name.

local building = require "building"
local ffi = require "ffi"
local hostile = require "hostile"
local moonpool = require "moonpool"
local sql = require "moonpool.sql"

ffi.cdef [[
typedef struct { char* message; char* funcname; char* filename; int lineno; int cursorpos; char* context; } spec_pg_error;
typedef struct { char* parse_tree; char* stderr_buffer; spec_pg_error* error; } spec_pg_parse;
spec_pg_parse pg_query_parse(const char* input);
void pg_query_free_parse_result(spec_pg_parse result);
]]

local parser = ffi.load "pg_query"
local c, raw, db = sql.cond, sql.raw, building.db

-- The tree as JSON without places in the text; or nil and why there is none.
local function tree(text)
  local result = parser.pg_query_parse(text)
  local why = result.error ~= nil and ffi.string(result.error.message) or nil
  local json = not why and ffi.string(result.parse_tree)
  parser.pg_query_free_parse_result(result)
  if why then return nil, why end
  return (json:gsub('"location":%d+,?', ""):gsub('"stmt_len":%d+,?', ""):gsub(",}", "}"))
end

local function in_json(name)
  return (moonpool.json_encode(name):gsub("\127", "\\u007f"))
end

local t = db:from "t"

local at_names = {
  alias = function(x) return t:select { [moonpool.quote(x)] = raw "1" } end,
  column = function(x) return t:where(c.eq(c.col("t", x), 1)) end,
  assigned = function(x) return db:update("t"):set({ [moonpool.quote(x)] = 1 }):where { a = 1 } end,
  inserted = function(x) return db:insert_into("t"):values { { [moonpool.quote(x)] = 1 }, { [moonpool.quote(x)] = 2 } } end,
  named = function(x) return db:with(moonpool.quote(x), t):from "t" end,
  ordered = function(x) return t:order_by(moonpool.quote(x) .. " desc nulls last") end,
  grouped = function(x) return t:select(raw "count(*)"):group_by(moonpool.quote(x)) end,
  returned = function(x) return db:delete_from("t"):every_row():returning(moonpool.quote(x)) end,
  conflicting = function(x) return db:insert_into("t"):values({ a = 1 }):on_conflict(moonpool.quote(x)):do_nothing() end,
}

describe("PostgreSQL's parser", function()
  it("reads one statement, the same but for the name, whatever the name", function()
    local tried = 0
    for place, build in pairs(at_names) do
      local plain = assert(tree(building.text(build "harmless_name_0")))
      for _, name in ipairs(hostile) do
        local ok, query = pcall(build, name)
        if ok then
          tried = tried + 1
          local got, why = tree(building.text(query))
          assert(got, place .. " with " .. in_json(name) .. ": " .. tostring(why))
          local wanted = plain:gsub('"harmless_name_0"', function() return in_json(name) end)
          -- The parser writes some characters of its JSON another way; both are read before they are compared.
          assert.same(moonpool.json_decode(wanted), moonpool.json_decode(got), place .. ": " .. in_json(name))
        end
      end
    end
    assert.is_true(tried > 600, tried .. " names were tried")
  end)

  it("reads the same statement for every value", function()
    local function build(x)
      return t:select { "a", v = raw("coalesce(?, ?)", c.col "a", x) }:where { a = x }:where(c.any { c.like("a", x), c.ge("b", x) })
        :where("f(:x) = :x", { x = x }):where(c.in_("a", { x })):order_by("a", "id"):after({ a = x, id = x }):tagged { x = x }
    end
    local function bare(query) return (building.text(query):gsub(" /%*.-%*/$", "")) end
    local plain = bare(build "harmless")
    for _, value in ipairs(hostile) do
      local query = build(value)
      assert.equal(plain, bare(query))
      -- The comment holds the value; it must end where it ends.
      local text = building.text(query)
      if not text:find "%z" then assert.equal(tree(plain), (tree(text)), value) end
    end
  end)
end)
