--- Conditions on text: patterns, regular expressions, full-text search.

local condition = require "moonpool.sql.condition"
local expression = require "moonpool.sql.expression"
local misuse = require "moonpool.sql.misuse"
local shape = require "moonpool.sql.shape"
local term = require "moonpool.sql.term"
local tree = require "moonpool.sql.tree"

---@class moonpool.cond
local C = {}

local Condition = condition.Condition

---@alias moonpool.LikeParts { prefix: string?, contains: string?, suffix: string? }

---A text whose `%`, `_` and `\` stand for themselves in a pattern.
---@param text string
---@return string
function C.escape_like(text)
  if type(text) ~= "string" then misuse.raise("c.escape_like needs a string, got %s", misuse.show(text)) end
  return (text:gsub("[\\%%_]", "\\%0"))
end

-- A pattern as written, or from { prefix = …, contains = …, suffix = … }, whose parts are escaped.
local function pattern(name, given)
  if type(given) ~= "table" or term.kind(given) then
    if type(given) == "string" or term.kind(given) then return given end
    misuse.raise("c.%s needs a pattern, got %s", name, misuse.show(given))
  end
  local known = { "prefix", "contains", "suffix" }
  misuse.options("c." .. name, given, known)
  for _, key in ipairs(known) do
    if given[key] ~= nil and type(given[key]) ~= "string" then
      misuse.raise("%s of c.%s must be a string, got %s", key, name, misuse.show(given[key]))
    end
  end
  if next(given) == nil then
    misuse.raise("c.%s was given an empty table; say { prefix = … }, { contains = … } or { suffix = … }", name)
  end
  local text = given.prefix and C.escape_like(given.prefix) or ""
  if given.contains then text = text .. "%" .. C.escape_like(given.contains) end
  return text .. "%" .. (given.suffix and C.escape_like(given.suffix) or "")
end

local function operator(name, sql, read)
  local root = shape.root()
  local function build(left, right) return tree.build("test", condition.side(left), sql, tree.operand(right)) end
  return function(left, given)
    local right = read(name, given)
    return term.make(Condition, root, build, 1, ("c.%s(%s)"):format(name, misuse.show(left)), left, right)
  end
end

---A pattern with `%` and `_`, as written; or a table whose texts are escaped:
---`c.like("name", { prefix = "50%" })` finds what begins with `50%`.
---@type fun(left: string|moonpool.Expression, pattern: string|moonpool.LikeParts): moonpool.Condition
C.like = operator("like", " like ", pattern)
---@type fun(left: string|moonpool.Expression, pattern: string|table): moonpool.Condition
C.not_like = operator("not_like", " not like ", pattern)
---As `like`, upper and lower case alike.
---@type fun(left: string|moonpool.Expression, pattern: string|table): moonpool.Condition
C.ilike = operator("ilike", " ilike ", pattern)
---@type fun(left: string|moonpool.Expression, pattern: string|table): moonpool.Condition
C.not_ilike = operator("not_ilike", " not ilike ", pattern)

local function literally(name, left, part, text)
  if type(text) ~= "string" then misuse.raise("c.%s needs a text, got %s", name, misuse.show(text)) end
  return C.like(left, { [part] = text })
end

---Begins with this very text.
---@param left string|moonpool.Expression
---@param text string
---@return moonpool.Condition
function C.starts_with(left, text) return literally("starts_with", left, "prefix", text) end

---Ends with this very text.
---@param left string|moonpool.Expression
---@param text string
---@return moonpool.Condition
function C.ends_with(left, text) return literally("ends_with", left, "suffix", text) end

---Has this very text somewhere.
---@param left string|moonpool.Expression
---@param text string
---@return moonpool.Condition
function C.contains(left, text) return literally("contains", left, "contains", text) end

local function regex(name, given)
  if type(given) ~= "string" and not term.kind(given) then
    misuse.raise("c.%s needs a regular expression, got %s", name, misuse.show(given))
  end
  return given
end

---Matches a POSIX regular expression.
---@type fun(left: string|moonpool.Expression, pattern: string): moonpool.Condition
C.matches = operator("matches", " ~ ", regex)
---@type fun(left: string|moonpool.Expression, pattern: string): moonpool.Condition
C.not_matches = operator("not_matches", " !~ ", regex)
---@type fun(left: string|moonpool.Expression, pattern: string): moonpool.Condition
C.imatches = operator("imatches", " ~* ", regex)

local kinds = {
  websearch = "websearch_to_tsquery", plain = "plainto_tsquery",
  phrase = "phraseto_tsquery", raw = "to_tsquery",
}

local function check_search(text, options)
  misuse.options("c.search", options, { "config", "kind" })
  local kind, config = options.kind or "websearch", options.config
  if not kinds[kind] then
    misuse.raise("c.search knows websearch, plain, phrase and raw, not %s", misuse.show(kind))
  elseif config ~= nil and type(config) ~= "string" then
    misuse.raise("config of c.search must be a string, got %s", misuse.show(config))
  elseif type(text) ~= "string" and not term.kind(text) then
    misuse.raise("c.search needs a text, got %s", misuse.show(text))
  end
  return kinds[kind], config
end

---Full-text search. The first argument is a tsvector column, or a list of text columns that are searched
---together. Options: `config` ("english"; the server's default without it), `kind`: "websearch" (default;
---never an error, whatever people type), "plain", "phrase", "raw" (the operators of to_tsquery).
---@param left string|string[]|moonpool.Expression
---@param text string
---@param options { config: string?, kind: string? }|nil
---@return moonpool.Expression
function C.search(left, text, options)
  local to_query, config = check_search(text, options or {})
  local list = type(left) == "table" and not term.kind(left)
  local columns, sql, operands = list and left or { left }, {}, {}
  if #columns == 0 then misuse.raise "c.search needs at least one column" end
  local regconfig = config and "?::regconfig, " or ""
  if list and config then operands[1] = config end
  for i = 1, #columns do
    sql[i] = list and "coalesce(?, '')" or "?"
    local column = columns[i]
    operands[#operands + 1] = term.kind(column) and column or expression.column(column)
  end
  local vector = table.concat(sql, " || ' ' || ")
  if list then vector = "to_tsvector(" .. regconfig .. vector .. ")" end
  if config then operands[#operands + 1] = config end
  operands[#operands + 1] = text
  return expression.raw(("%s @@ %s(%s?)"):format(vector, to_query, regconfig), unpack(operands))
end

return C
