--- What Tab offers: commands, names of Lua values and their methods, SQL words, tables and columns.

local sql_text = require "moonpool.console.sql_text"

local M = {}

---@class moonpool.console.Scope
---@field commands string[] "d", "dt", …
---@field catalog moonpool.console.Catalog
---@field before string lines of the input above this one
---@field globals table what Lua sees
---@field extra string[] globals that are there without being in it

local sql_words = {}
for word in ([[select from where and or not in exists between like ilike is null order by group having limit offset
  join left right full inner cross lateral on using as distinct union all intersect except insert into values
  returning update set delete create table index view materialized alter add column drop constraint primary key
  foreign references unique check default not with recursive case when then else end cast coalesce count sum
  avg min max now explain analyze begin commit rollback savepoint truncate grant revoke show vacuum desc asc
  nulls first last conflict do nothing interval true false]]):gmatch "%a+" do
  sql_words[#sql_words + 1] = word
end
table.sort(sql_words)

local function starting(names, prefix)
  local found, seen = {}, {}
  for _, name in ipairs(names) do
    if name:sub(1, #prefix) == prefix and not seen[name] then
      found[#found + 1], seen[name] = name, true
    end
  end
  table.sort(found)
  return found
end

local function add_keys(names, value)
  for key in next, value do
    local is_name = type(key) == "string" and key:match "^[%a][%w_]*$" ~= nil
    if is_name then names[#names + 1] = key end
  end
end

-- Keys of a table and of what its metatable hands it, without running anything. An __index that is a function
-- may say in __names what it knows.
local function members(value)
  local names = {}
  for _ = 1, 5 do
    if type(value) ~= "table" then break end
    add_keys(names, value)
    local meta = debug.getmetatable(value)
    if type(meta) ~= "table" then break end
    local more = rawget(meta, "__names")
    if type(more) == "table" then add_keys(names, more) end
    local shape = rawget(meta, "shape")
    if type(shape) == "table" and type(shape.names) == "table" then
      for _, name in ipairs(shape.names) do names[#names + 1] = name end
    end
    value = rawget(meta, "__index")
  end
  return names
end

local function step(value, key)
  for _ = 1, 5 do
    if type(value) ~= "table" then return nil end
    local found = rawget(value, key)
    if found ~= nil then return found end
    local meta = debug.getmetatable(value)
    if type(meta) ~= "table" then return nil end
    local more = rawget(meta, "__names")
    found = type(more) == "table" and rawget(more, key)
    -- What Moonpool's own tables load when it is asked for is asked for.
    if found and rawget(meta, "__lazy") then return value[key] end
    if found then return found end
    value = rawget(meta, "__index")
  end
  return nil
end

-- The value that a path of plain names leads to.
local function resolve(scope, path)
  local value
  for name in path:gmatch "[%a_][%w_]*" do
    if value == nil then
      value = scope.globals[name]
    else
      value = step(value, name)
    end
    if value == nil then return nil end
  end
  if type(value) == "string" then return string end
  return value
end

-- Tables that a statement names, under their own names and their aliases.
local function tables_in(catalog, text)
  local found, after, last = {}, false, nil
  for token in sql_text.tokens(text) do
    local is_name = token.kind == "word" or token.kind == "name"
    local word = is_name and token.text:gsub('"', "") or token.text
    local lower = token.kind == "word" and word:lower() or nil
    if lower == "from" or lower == "join" or lower == "update" or lower == "into" then
      after, last = true, nil
    elseif is_name and after then
      local columns = catalog:columns(word)
      if last and lower ~= "as" and not columns then
        found[word], after = found[last], false
      elseif columns then
        found[word], last = columns, word
      end
    elseif token.text == "," then
      last = nil
    elseif token.kind == "symbol" and token.text ~= "." then
      after = false
    end
  end
  return found
end

local before_tables = { from = true, join = true, into = true, update = true, table = true, only = true }

-- Columns of every table of the user's own, for a statement that names none yet.
local function all_columns(catalog, names)
  for _, relation in ipairs(catalog.relations) do
    if relation.visible and relation.schema ~= "pg_catalog" then
      for _, column in ipairs(relation.columns) do names[#names + 1] = column end
    end
  end
end

-- In the case that the word was begun in.
local function add_sql_words(names, word, known)
  local lower, upper = word:lower(), word:match "^%u" ~= nil
  if lower == "" then return end
  for _, keyword in ipairs(known) do
    if keyword:sub(1, #lower) == lower then
      names[#names + 1] = upper and word .. keyword:sub(#word + 1):upper() or keyword
    end
  end
end

local function complete_sql(scope, text, whole)
  local qualifier, part = text:match "([%w_]+)%.([%w_]*)$"
  local named = tables_in(scope.catalog, whole)
  if qualifier and named[qualifier] then
    return #text - #part, starting(named[qualifier], part)
  end
  local word = text:match "[%w_.\128-\255]*$"
  local names = scope.catalog:tables(word)
  local last = text:sub(1, #text - #word):match "(%a+)%s+$"
  if last and before_tables[last:lower()] then return #text - #word, starting(names, word) end
  for _, columns in pairs(named) do
    for _, column in ipairs(columns) do names[#names + 1] = column end
  end
  if next(named) == nil and word ~= "" then all_columns(scope.catalog, names) end
  add_sql_words(names, word, sql_words)
  return #text - #word, starting(names, word)
end

local keywords = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local",
  "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }

-- Whether the cursor stands inside a string, and what it holds up to there.
local function open_string(text)
  local quote, from
  local i = 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == "\\" and quote then
      i = i + 1
    elseif quote then
      if c == quote then quote = nil end
    elseif c == '"' or c == "'" then
      quote, from = c, i + 1
    elseif text:sub(i, i + 1) == "[[" then
      local _, to = text:find("]]", i, true)
      if not to then return text:sub(i + 2) end
      i = to
    elseif text:sub(i, i + 1) == "--" then
      return nil
    end
    i = i + 1
  end
  return quote and text:sub(from) or nil
end

local function complete_lua(scope, text)
  local inside = open_string(text)
  if inside then
    if sql_text.is_sql(inside .. " x") then return complete_sql(scope, text, inside) end
    local word = inside:match "[%w_.]*$"
    local names = scope.catalog:tables(word)
    for _, columns in pairs(tables_in(scope.catalog, "from " .. (text:match "from[%s(]*[\"']([%w_.]+)" or ""))) do
      for _, column in ipairs(columns) do names[#names + 1] = column end
    end
    return #text - #word, starting(names, word)
  end
  local path, part = text:match "([%a_][%w_.:]*)[.:]([%w_]*)$"
  if path then
    local value = resolve(scope, path)
    return #text - #part, starting(members(value), part)
  end
  local word = text:match "[%a_][%w_]*$" or ""
  local names = { unpack(scope.extra) }
  for name in pairs(scope.globals) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  for _, keyword in ipairs(keywords) do names[#names + 1] = keyword end
  local is_first = text:match "^%s*%a+$" ~= nil
  if is_first then add_sql_words(names, word, sql_text.starters()) end
  return #text - #word, starting(names, word)
end

local function complete_command(scope, text)
  local name, argument = text:match "^%s*[\\.](%a*)%s+(.*)$"
  if not name then
    local mark, part = text:match "^%s*([\\.])(%a*)$"
    local names = {}
    for _, command in ipairs(scope.commands) do
      if command:sub(1, 1) == mark then names[#names + 1] = command:sub(2) end
    end
    return #text - #part, starting(names, part)
  end
  if name == "explain" then return complete_sql(scope, text, argument) end
  local word = argument:match "[%w_.]*$"
  return #text - #word, starting(scope.catalog:tables(word), word)
end

---Names that a value answers to.
---@param value any
---@return string[]
function M.members(value)
  return starting(members(value), "")
end

---The value that a path such as `moonpool.connect` or `db:query` leads to, without running anything but the
---first look-up; nil where it leads nowhere.
---@param globals table
---@param path string
---@return any
function M.resolve(globals, path)
  return resolve({ globals = globals }, path)
end

---What could stand at the end of `line`.
---@param scope moonpool.console.Scope
---@param line string up to the cursor
---@return integer start how many bytes of the line stay
---@return string[] candidates
function M.complete(scope, line)
  if scope.before == "" then
    if line:match "^%s*[\\.]" then return complete_command(scope, line) end
    local asked = line:match "^%s*%?%s*(.*)$"
    if asked then
      local start, names = complete_lua(scope, asked)
      return start + #line - #asked, names
    end
  end
  local whole = scope.before .. line
  if sql_text.is_sql(whole .. " x") then return complete_sql(scope, line, whole) end
  return complete_lua(scope, line)
end

return M
