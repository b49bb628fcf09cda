--- Conditions and expressions on jsonb and arrays. Keys and paths travel as parameters.

local condition = require "moonpool.sql.condition"
local expression = require "moonpool.sql.expression"
local misuse = require "moonpool.sql.misuse"
local shape = require "moonpool.sql.shape"
local term = require "moonpool.sql.term"
local tree = require "moonpool.sql.tree"
local value = require "moonpool.sql.value"

---@class moonpool.cond
local C = {}

local Condition, Expression = condition.Condition, expression.Expression

local function check_path(name, path)
  if #path == 0 then misuse.raise("c.%s needs the key to look for", name) end
  for i = 1, #path do
    local key = path[i]
    if type(key) ~= "string" and not (type(key) == "number" and key % 1 == 0) then
      misuse.raise("key %d of c.%s must be a string or a whole number, got %s", i, name, misuse.show(key))
    end
  end
end

-- One key uses the operator that expression indexes are usually written with, several use a path.
local function reach(name, one, many)
  local roots = { text = shape.root(), index = shape.root(), path = shape.root() }
  local function build(sql, cast)
    return function(left, key) return tree.build("raw", condition.side(left), sql, key, cast) end
  end
  local builds = { text = build(one, "::text"), index = build(one, "::int"), path = build(many, "::text[]") }
  return function(left, ...)
    local path = { ... }
    for i = 1, select("#", ...) do if path[i] == nil then misuse.raise("key %d of c.%s is nil", i, name) end end
    check_path(name, path)
    local way = #path > 1 and "path" or type(path[1]) == "number" and "index" or "text"
    local key = path[1]
    if way == "path" then
      for i = 1, #path do path[i] = type(path[i]) == "number" and ("%d"):format(path[i]) or path[i] end
      key = value.array(path, "the path of c." .. name)
    end
    return term.make(Expression, roots[way], builds[way], 1, "c." .. name, left, key)
  end
end

---What a jsonb column holds under a key or path, as jsonb: `c.json("profile", "address", "city")`.
---@type fun(left: string|moonpool.Expression, ...: string|integer): moonpool.Expression
C.json = reach("json", " -> ", " #> ")
---The same as text, which compares with strings: `c.eq(c.json_text("profile", "city"), "Kyiv")`.
---@type fun(left: string|moonpool.Expression, ...: string|integer): moonpool.Expression
C.json_text = reach("json_text", " ->> ", " #>> ")

local function operator(name, sql, read, cast)
  local root = shape.root()
  local function build(left, right)
    return tree.build("test", condition.side(left), sql, tree.operand(right), right == tree.VALUE and cast or "")
  end
  return function(left, given)
    if left == nil then misuse.raise("c.%s needs a column on its left, got nil", name) end
    local right = term.kind(given) and given or read(given, name)
    return term.make(Condition, root, build, 1, ("c.%s(%s)"):format(name, misuse.show(left)), left, right)
  end
end

local function document(given, name)
  if given == nil then misuse.raise("c.%s needs a document, got nil", name) end
  return value.json(given)
end

local function text(given, name)
  if type(given) ~= "string" then misuse.raise("c.%s needs a string, got %s", name, misuse.show(given)) end
  return given
end

local function list(given, name)
  if type(given) ~= "table" then misuse.raise("c.%s needs a list, got %s", name, misuse.show(given)) end
  return value.array(given, "the list of c." .. name)
end

---The jsonb document has all of this in it: `c.json_contains("profile", { city = "Kyiv" })`.
---@type fun(left: string|moonpool.Expression, document: any): moonpool.Condition
C.json_contains = operator("json_contains", " @> ", document, "::jsonb")
---The jsonb document is wholly inside this one.
---@type fun(left: string|moonpool.Expression, document: any): moonpool.Condition
C.json_contained_by = operator("json_contained_by", " <@ ", document, "::jsonb")
---The jsonb object has this key (the array this string).
---@type fun(left: string|moonpool.Expression, key: string): moonpool.Condition
C.has_key = operator("has_key", " ? ", text)
---@type fun(left: string|moonpool.Expression, keys: string[]): moonpool.Condition
C.has_any_key = operator("has_any_key", " ?| ", list)
---@type fun(left: string|moonpool.Expression, keys: string[]): moonpool.Condition
C.has_all_keys = operator("has_all_keys", " ?& ", list)
---The jsonpath finds something.
---@type fun(left: string|moonpool.Expression, path: string): moonpool.Condition
C.json_path_exists = operator("json_path_exists", " @? ", text, "::jsonpath")
---The jsonpath predicate holds.
---@type fun(left: string|moonpool.Expression, path: string): moonpool.Condition
C.json_path_matches = operator("json_path_matches", " @@ ", text, "::jsonpath")

---The array has every item of the list.
---@type fun(left: string|moonpool.Expression, list: any[]): moonpool.Condition
C.array_contains = operator("array_contains", " @> ", list)
---Every item of the array is in the list.
---@type fun(left: string|moonpool.Expression, list: any[]): moonpool.Condition
C.array_contained_by = operator("array_contained_by", " <@ ", list)
---The arrays (or ranges) have something in common.
---@type fun(left: string|moonpool.Expression, list: any[]): moonpool.Condition
C.overlaps = operator("overlaps", " && ", list)

local has_root = shape.root()

---The array has this item: `c.array_has("tags", "new")`.
---@param left string|moonpool.Expression
---@param item any
---@return moonpool.Condition
function C.array_has(left, item)
  if item == nil or item == value.null then
    misuse.raise "c.array_has needs an item; NULL is never found in an array"
  end
  return term.make(Condition, has_root, function(array, one)
    local side = type(array) == "string" and condition.side(array) or array
    return tree.build("test", one, " = any(", side, ")")
  end, 1, "c.array_has", left, item)
end

return C
