--- The rows of an insert.
---
--- One row is `values ($1, $2)`. Many rows with the same plain columns travel as one array for each column
--- (`select * from unnest(…)`): the text is the same for every number of rows, and 65,535 parameters are no
--- limit. Where rows differ in their columns, or hold SQL or arrays, each value is a parameter of its own.

local assign = require "moonpool.query.assign"
local chain = require "moonpool.query.chain"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local sequence = require "moonpool.core.sequence"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"
local tree = require "moonpool.sql.tree"
local value = require "moonpool.sql.value"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

local MOST = 65535
local DEFAULT, ROWS = chain.mark "default", chain.mark "rows"

local function refuse_second(before)
  if before.values then misuse.raise "this insert has its rows already; give them all in one call" end
end

local function quoted(names)
  local list = {}
  for i = 1, #names do list[i] = identifier.single(names[i], "a column to insert") end
  return list
end

-- Words: the columns, in the order in which the values come. Columns are written in the order of their names.
local ROW = {
  name = "values",
  build = function(before, words)
    refuse_second(before)
    local after, at, sorted, cells = statement.copy(before), {}, {}, {}
    for i = 1, #words do
      sorted[i] = words[i]
      at[words[i]] = statement.place(after, tree.VALUE)
    end
    table.sort(sorted)
    for i = 1, #sorted do cells[i] = at[sorted[i]] end
    after.values = { columns = quoted(sorted), rows = { cells } }
    return after
  end,
}

-- Words: the columns. Each brings one array.
local COLUMNS = {
  name = "values",
  build = function(before, words)
    refuse_second(before)
    local after = statement.copy(before)
    after.values = { columns = quoted(words), arrays = {} }
    for i = 1, #words do after.values.arrays[i] = statement.place(after, tree.VALUE) end
    return after
  end,
}

-- Items: the columns, ROWS, then cell after cell a term or DEFAULT.
local CELLS = {
  name = "values",
  build = function(before, items)
    refuse_second(before)
    local after, names, i = statement.copy(before), {}, 1
    while items[i] ~= ROWS do
      names[i] = items[i]
      i = i + 1
    end
    local rows, width = {}, #names
    for k = i + 1, #items do
      local number = math.floor((k - i - 1) / width) + 1
      rows[number] = rows[number] or {}
      local item = items[k]
      table.insert(rows[number], item == DEFAULT and { text = "default" } or statement.place(after, item.shape.tree))
    end
    after.values = { columns = quoted(names), rows = rows }
    return after
  end,
}

local DEFAULTS = {
  name = "default_values",
  build = function(before)
    refuse_second(before)
    local after = statement.copy(before)
    after.values = { columns = {}, defaults = true }
    return after
  end,
}

-- Items: the query, then the columns.
local FROM = {
  name = "from_select",
  build = function(before, items)
    refuse_second(before)
    local after, names = statement.copy(before), {}
    for i = 2, #items do names[i - 1] = items[i] end
    after.values = { columns = quoted(names), query = statement.place(after, items[1].shape.tree) }
    return after
  end,
}

local function cell(record, name, number)
  local item = rawget(record, name)
  if item == nil then return DEFAULT end
  return assign.term(item, ("%s of row %d"):format(misuse.show(name), number))
end

-- The columns of all rows, sorted, and whether every row has the same ones with plain values.
local function survey(records)
  local names, seen, uniform, count = {}, {}, true, nil
  for i = 1, #records do
    local record, n = records[i], 0
    if not value.is_record(record) or term.kind(record) then
      misuse.raise("row %d of values must be a table { column = value }, got %s", i, misuse.show(record))
    end
    for name, item in pairs(record) do -- order-free: sorted below
      if type(name) ~= "string" then
        misuse.raise("row %d of values must be a table { column = value }, got the key %s", i, misuse.show(name))
      end
      n = n + 1
      if not seen[name] then
        seen[name] = true
        names[#names + 1] = name
      end
      uniform = uniform and value.is_item(item)
    end
    if n == 0 then misuse.raise("row %d of values has no columns", i) end
    count = count or n
    uniform = uniform and n == count
  end
  table.sort(names)
  return names, uniform and #names == count
end

local function as_arrays(query, names, records)
  local values = {}
  for i, name in ipairs(names) do
    local list = {}
    for k = 1, #records do list[k] = rawget(records[k], name) end
    values[i] = value.column(list)
  end
  return (chain.values(query, COLUMNS, names, values, #names))
end

local function as_cells(query, names, records)
  if #names * #records > MOST then
    misuse.raise("%d rows of %d columns need %d parameters, and PostgreSQL takes %d in one statement; insert them "
      .. "in parts, or with db:copy_in", #records, #names, #names * #records, MOST)
  end
  local items = {}
  for i, name in ipairs(names) do items[i] = name end
  items[#items + 1] = ROWS
  for number = 1, #records do
    for _, name in ipairs(names) do items[#items + 1] = cell(records[number], name, number) end
  end
  return (chain.items(query, CELLS, items))
end

---One record, or a list of them.
---@param query moonpool.Builder
---@param given table
---@param options { batch: "unnest"|"values"|nil }|nil
function M.add(query, given, options)
  chain.open(query, "values")
  if not value.is_record(given) or term.kind(given) then
    misuse.raise("values needs a row { column = value } or a list of rows, got %s", misuse.show(given))
  end
  options = misuse.options("values", options, { "batch" })
  if options.batch ~= nil and options.batch ~= "unnest" and options.batch ~= "values" then
    misuse.raise("batch of values is \"unnest\" or \"values\", got %s", misuse.show(options.batch))
  end
  if rawget(given, 1) == nil then
    local words, values, n = assign.plain(given)
    if words and n == 0 then
      misuse.raise "values came out empty; a row made of defaults alone is default_values()"
    elseif words then
      return (chain.values(query, ROW, words, values, n))
    end
    given = { given }
  elseif not sequence.length(given) then
    misuse.raise "values needs a row { column = value } or a list of rows, and this table is both"
  end
  local hole = sequence.hole(given, sequence.length(given))
  if hole then misuse.raise("row %d of values is nil", hole) end
  local names, uniform = survey(given)
  if #given > 1 and uniform and options.batch ~= "values" then return as_arrays(query, names, given) end
  if options.batch == "unnest" and not uniform then
    misuse.raise "these rows cannot travel as arrays: they differ in their columns, or hold SQL or arrays"
  end
  return as_cells(query, names, given)
end

---A row of defaults.
---@param query moonpool.Builder
function M.defaults(query)
  return (chain.plain(query, DEFAULTS))
end

---The rows of a query, into these columns.
---@param query moonpool.Builder
---@param columns string[]
---@param from moonpool.Select
function M.from_select(query, columns, from)
  chain.open(query, "from_select")
  if type(columns) ~= "table" or term.kind(columns) or #columns == 0 then
    misuse.raise("from_select needs the columns first: from_select({ \"id\", \"name\" }, query), got %s",
      misuse.show(columns))
  elseif term.kind(from) ~= "query" and term.kind(from) ~= "expression" then
    misuse.raise("from_select needs a query, got %s", misuse.show(from))
  end
  local items = { from }
  for i = 1, #columns do items[1 + i] = columns[i] end
  return (chain.items(query, FROM, items))
end

-- The type of each array is that of its column, which the table's row type tells without reading the table.
local function write_arrays(out, at, base)
  local values = at.values
  out:put " select * from unnest("
  for i, column in ipairs(values.columns) do
    out:put(i > 1 and ", coalesce(" or "coalesce(")
    out:item(values.arrays[i], base)
    out:put(", array[(null::" .. at.target.table .. ")." .. column .. "])")
  end
  out:put ")"
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render(out, at, base)
  local values = at.values
  if not values then misuse.raise "this insert has no rows; say :values { column = value }" end
  if not values.defaults then out:put(" (" .. table.concat(values.columns, ", ") .. ")") end
  if at.overriding then out:put(at.overriding) end
  if values.defaults then return out:put " default values" end
  if values.arrays then return write_arrays(out, at, base) end
  if values.query then
    out:put " "
    return out:item(values.query, base)
  end
  out:put " values "
  out:list(values.rows, ", ", base, function(_, row)
    out:put "("
    for i, one in ipairs(row) do
      local query = one.tree and one.tree.bind == "query"
      out:put((i > 1 and ", " or "") .. (query and "(" or ""))
      out:item(one, base)
      out:put(query and ")" or "")
    end
    out:put ")"
  end)
end

return M
