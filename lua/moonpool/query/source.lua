--- Tables: what stands after `from`, `join`, `using`, `insert into`.

local expression = require "moonpool.sql.expression"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"

local M = {}

---@class moonpool.query.Source
---@field text string|nil a table: quoted, with its alias
---@field tree moonpool.sql.Tree|nil a query or an expression
---@field at integer|nil
---@field as string|nil the alias, quoted
---@field name string|nil how columns of it are qualified, quoted
---@field table string|nil the table without its alias, quoted

---What a user gave as a table, as one word of a call: a string stays, a query with a name becomes a term.
---@param method string
---@param given any
---@param alias string|nil
---@return string|moonpool.sql.Term
function M.word(method, given, alias)
  local kind = term.kind(given)
  if type(given) == "string" then
    if alias == nil then return given end
    if type(alias) ~= "string" then misuse.raise("an alias must be a string, got %s", misuse.show(alias)) end
    return given .. " as " .. alias
  elseif kind == "alias" then
    if alias ~= nil then misuse.raise("%s was given a table that already has a name", method) end
    return given
  elseif kind == "query" then
    if alias == nil then misuse.raise('a query in %s needs a name; say %s(query:as "t")', method, method) end
    return expression.alias(given, alias)
  elseif kind == "expression" then
    return alias ~= nil and expression.alias(given, alias) or given
  end
  misuse.raise("%s needs a table's name, a query or an expression, got %s", method, misuse.show(given))
end

---The source of a word, in a statement that is being filled.
---@param into moonpool.query.Statement
---@param word string|moonpool.sql.Term
---@return moonpool.query.Source
function M.place(into, word)
  if type(word) == "string" then
    local path, alias = identifier.table(word)
    local text = alias and path.text .. " as " .. alias or path.text
    return { text = text, table = path.text, name = alias or path.text }
  end
  local tree = word.shape.tree
  local place = statement.place(into, tree.inner or tree)
  return { tree = place.tree, at = place.at, as = tree.alias, name = tree.alias }
end

---@param out moonpool.sql.Writer
---@param source moonpool.query.Source
---@param base integer
function M.render(out, source, base)
  if source.text then return out:put(source.text) end
  local query = source.tree.bind == "query"
  out:put(query and "(" or "")
  out:tree(source.tree, base + source.at)
  out:put(query and ")" or "")
  if source.as then out:put(" as " .. source.as) end
end

return M
