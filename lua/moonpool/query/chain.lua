--- How a chain grows: every call of a builder goes through here.
---
--- A result in parentheses, `return (f(x))`, is no tail call: LuaJIT leaves a trace that makes more than fifteen
--- of those, and a chain is made of them.
---
--- A call is a clause (the word it leaves in the trie, and how it changes a statement) and what was
--- given to it. Strings are words; terms leave their shape and bring their values. Only the first chain
--- of its shape has its statement built; the others find it.

local args = require "moonpool.query.args"
local misuse = require "moonpool.sql.misuse"
local shape = require "moonpool.sql.shape"
local term = require "moonpool.sql.term"

local M = {}

local step = shape.step

---@class moonpool.query.Clause
---@field name string the method, for messages
---@field item (fun(item: any): any)|nil reads an item that is not a string yet
---@field build fun(statement: moonpool.query.Statement, items: any[]): moonpool.query.Statement

---What every builder is made of.
---@class moonpool.Builder
---@field package runner any
---@field package shape moonpool.sql.Shape
---@field package args moonpool.query.Args|false
---@field package options table|false

local Mark = {}

---A word of its own, which no string and no table of a user can be.
---@param name string
---@return table
function M.mark(name)
  return setmetatable({ name = name }, Mark)
end

-- What other builders call it.
local meant = {
  filter = ":where(…)", and_where = ":where(…), which adds to what was said", where_not = ":where(c.not_ { … })",
  or_where = ":where(c.any { … })", where_in = ":where(c.in_(column, list))", where_null = ":where(c.is_null(column))",
  where_raw = ":where(sql, …)", order = ":order_by(…)", sort = ":order_by(…)", group = ":group_by(…)",
  inner_join = ":join(…)", outer_join = ":left_join(…) or :full_join(…)", skip = ":offset(n)", take = ":limit(n)",
  get = ":all(), :first() or :find(key)", fetch = ":all() or :each()", fetch_all = ":all()", fetch_one = ":one()",
  rows = ":all() or :each()", list = ":all()", column = ":pluck(name)", columns = ":select(…)", fields = ":select(…)",
  execute = ":exec(), or :all() for rows", run = ":exec(), or :all() for rows", value = ":scalar()",
  execute_take_first = ":first()", find_all = ":where(…):all()", find_one = ":find_by { … }", len = ":count()",
  page = ":paginate { size = …, cursor = … }", lock = ":for_update()", into = ":insert_into on the database",
  on_duplicate_key = ":on_conflict(column)", returns = ":returning(…)", as_sql = ":to_sql()", sql = ":to_sql()",
  upsert = ":on_conflict(column):do_update { … }", row = ":values { … }", insert = "db:insert_into(table)",
  delete = "db:delete_from(table)", update = "db:update(table)", ignore = ":do_nothing()",
  comment = ":tagged { … }", cache = ":cached(key, ttl)",
  with_cte = ":with(name, query)",
}

---Makes a class of builders: unknown methods are answered with what was meant, or the near name.
---@param name string what messages call it
---@param more table<string, string>|nil what this class says for names that are known from elsewhere
---@return table
function M.class(name, more)
  local class = {}
  class.__index = class
  -- What is not whole yet is shown, too, with what it lacks.
  function class:__tostring()
    local ok, text = pcall(self.to_sql, self)
    return ok and text or ("%s (%s)"):format(name, type(text) == "table" and text.message or tostring(text))
  end
  class.__walked = name
  -- `for row in query do`
  function class.__call()
    misuse.raise("%s is walked by each(): for row in query:each() do … end", name)
  end
  local unknown = misuse.unknown(name .. " has no method", class, setmetatable(more or {}, { __index = meant }))
  return setmetatable(class, {
    __index = function(methods, key)
      -- nil would look like no rows.
      if type(key) == "number" then misuse.raise("%s is no list of rows; say :all() for one", name) end
      return unknown(methods, key)
    end,
  })
end

---Registers a class as a term, so that its queries may be parts of others.
---@param class table
function M.as_term(class)
  term.register(class, "query", function(query) return args.flatten(query.args) end)
end

---Raises unless the method was called on a builder.
---@param query any
---@param method string
---@return moonpool.sql.Shape
function M.open(query, method)
  -- Conditions and expressions have a shape too; only queries have a handle.
  local at = type(query) == "table" and rawget(query, "runner") ~= nil and rawget(query, "shape")
  if not at then
    misuse.raise("%s was not called on a query; write query:%s(...) with a colon, not query.%s(...)",
      method, method, method)
  end
  return at
end

local function derive(query, node, values)
  return (setmetatable({
    runner = query.runner, shape = node, args = values, options = query.options, n = values and values.n or 0,
  }, getmetatable(query)))
end
M.derive = derive

-- The slow way of `call`: some of the given are terms.
local function mixed(query, node, clause, given)
  local values, items, item_of = query.args, {}, clause.item
  for i = 1, #given do
    local item = item_of and item_of(given[i]) or given[i]
    if type(item) == "string" or getmetatable(item) == Mark then
      node = step(node, item)
    elseif term.kind(item) then
      node = step(node, item.shape)
      values = args.term(values, item)
    else
      misuse.raise("%s takes names and expressions, got %s", clause.name, misuse.show(item))
    end
    items[i] = item
  end
  if not node.tree then node.tree = clause.build(query.shape.tree, items) end
  return (derive(query, node, values))
end

---A call whose items are a list: strings, terms and marks.
---@param query moonpool.Builder
---@param clause moonpool.query.Clause
---@param items any[]
---@return any
function M.items(query, clause, items)
  return mixed(query, step(M.open(query, clause.name), clause), clause, items)
end

---A call with arguments, most often all strings.
---@param query moonpool.Builder
---@param clause moonpool.query.Clause
---@param count integer
---@param a any
---@param b any
---@param c any
---@param d any
---@param e any
---@param f any
---@param ... any
---@return any
function M.call(query, clause, count, a, b, c, d, e, f, ...)
  local node = step(M.open(query, clause.name), clause)
  local at = node
  if count <= 6 and type(a) == "string" then
    at = step(at, a)
    if count == 1 then goto done end
    if type(b) ~= "string" then goto slow end
    at = step(at, b)
    if count == 2 then goto done end
    if type(c) ~= "string" then goto slow end
    at = step(at, c)
    if count == 3 then goto done end
    if type(d) ~= "string" then goto slow end
    at = step(at, d)
    if count == 4 then goto done end
    if type(e) ~= "string" then goto slow end
    at = step(at, e)
    if count == 5 then goto done end
    if type(f) ~= "string" then goto slow end
    at = step(at, f)
    goto done
  end
  ::slow::
  do
    local items = { a, b, c, d, e, f, ... }
    for i = 1, count do
      if items[i] == nil then misuse.raise("argument %d of %s is nil", i, clause.name) end
    end
    return mixed(query, node, clause, items)
  end
  ::done::
  if not at.tree then at.tree = clause.build(query.shape.tree, { a, b, c, d, e, f }) end
  return (derive(query, at, query.args))
end

---A call with one term.
---@param query moonpool.Builder
---@param clause moonpool.query.Clause
---@param given moonpool.sql.Term
---@return any
function M.term(query, clause, given)
  local node = step(step(M.open(query, clause.name), clause), given.shape)
  if not node.tree then node.tree = clause.build(query.shape.tree, { given }) end
  return (derive(query, node, args.term(query.args, given)))
end

---A call with one value, which becomes a parameter.
---@param query moonpool.Builder
---@param clause moonpool.query.Clause
---@param value any
---@return any
function M.value(query, clause, value)
  local node = step(M.open(query, clause.name), clause)
  if not node.tree then node.tree = clause.build(query.shape.tree, {}) end
  return (derive(query, node, args.value(query.args, value)))
end

---A call with words (strings, marks) and a list of values.
---@param query moonpool.Builder
---@param clause moonpool.query.Clause
---@param words any[]
---@param values any[] becomes the chain's; it must not change afterwards
---@param count integer how many values
---@return any
function M.values(query, clause, words, values, count)
  local node = step(M.open(query, clause.name), clause)
  for i = 1, #words do node = step(node, words[i]) end
  if not node.tree then node.tree = clause.build(query.shape.tree, words) end
  return (derive(query, node, args.list(query.args, values, count)))
end

---A call without arguments.
---@param query moonpool.Builder
---@param clause moonpool.query.Clause
---@return any
function M.plain(query, clause)
  local node = step(M.open(query, clause.name), clause)
  if not node.tree then node.tree = clause.build(query.shape.tree, {}) end
  return (derive(query, node, query.args))
end

return M
