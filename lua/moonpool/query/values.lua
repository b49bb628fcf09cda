--- The rows of an insert.
---
--- One row is `values ($1, $2)`. Many rows with the same columns travel as one array for each column
--- (`select * from unnest(…)`): the text is the same for every number of rows, and 65,535 parameters are no
--- limit. Where rows differ in their columns, or hold SQL or composite values, each value is a parameter of its own.

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
local ARRAYS, NULLS = chain.mark "arrays", chain.mark "nulls"

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

-- Words: the columns. Each brings one array; behind a column that holds arrays stands ARRAYS, and behind one that is
-- NULL in every row, which brings nothing, NULLS.
local COLUMNS = {
  name = "values",
  build = function(before, words)
    refuse_second(before)
    local after, names, kinds = statement.copy(before), {}, {}
    for i = 1, #words do
      if type(words[i]) == "string" then names[#names + 1] = words[i] else kinds[#names] = words[i] end
    end
    after.values = { columns = quoted(names), arrays = {}, kinds = kinds }
    for i = 1, #names do
      if kinds[i] ~= NULLS then after.values.arrays[i] = statement.place(after, tree.VALUE) end
    end
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

-- The columns of all rows, sorted, and what each holds: "items", "arrays" or nil where there are NULLs alone; false
-- where the rows cannot travel as arrays.
local function survey(records)
  local names, kinds, seen, uniform, count = {}, {}, {}, true, nil
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
      if item ~= value.null then
        local kind = value.is_array(item) and "arrays" or value.is_item(item) and "items"
        uniform = uniform and kind and (kinds[name] or kind) == kind
        kinds[name] = kind
      end
    end
    if n == 0 then misuse.raise("row %d of values has no columns", i) end
    count = count or n
    uniform = uniform and n == count
  end
  table.sort(names)
  return names, uniform and #names == count and kinds
end

local function as_arrays(query, names, kinds, records)
  local words, values, n = {}, {}, 0
  for _, name in ipairs(names) do
    words[#words + 1] = name
    local kind = kinds[name]
    if kind then
      local list = {}
      for k = 1, #records do list[k] = rawget(records[k], name) end
      n = n + 1
      values[n] = kind == "arrays" and value.column_of_arrays(list, name) or value.column(list)
      if kind == "arrays" then words[#words + 1] = ARRAYS end
    else
      words[#words + 1] = NULLS
    end
  end
  return (chain.values(query, COLUMNS, words, values, n))
end

-- Rows of NULLs alone say nothing of how many they are.
local function brings_something(names, kinds)
  for _, name in ipairs(names) do
    if kinds[name] then return true end
  end
  return false
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
  local names, kinds = survey(given)
  if #given > 1 and kinds and options.batch ~= "values" and brings_something(names, kinds) then
    return as_arrays(query, names, kinds, given)
  end
  if options.batch == "unnest" and not kinds then
    misuse.raise "these rows cannot travel as arrays: they differ in their columns, or hold SQL or composite values"
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
local function write_lists(out, at, base)
  local values, first = at.values, true
  out:put "unnest("
  for i, column in ipairs(values.columns) do
    local kind = values.kinds[i]
    if kind ~= NULLS then
      out:put(first and "" or ", ")
      first = false
      if not kind then out:put "coalesce(" end
      out:item(values.arrays[i], base)
      out:put(kind == ARRAYS and "::text[]" or ", array[(null::" .. at.target.table .. ")." .. column .. "])")
    end
  end
  out:put ")"
end

-- `prefix` and the columns whose kind is among these, between commas.
local function listed(values, prefix, ...)
  local list = {}
  for i, column in ipairs(values.columns) do
    local kind = values.kinds[i] or false
    for k = 1, select("#", ...) do
      if kind == select(k, ...) then list[#list + 1] = prefix .. column end
    end
  end
  return table.concat(list, ", ")
end

-- Where a column holds arrays, its items come as texts and become the column's type as a field of the table's row
-- type would; array_cat with nothing refuses columns that are none, such as documents.
local function write_arrays(out, at, base)
  local values, cells = at.values, {}
  if next(values.kinds) == nil then
    out:put " select * from "
    return write_lists(out, at, base)
  end
  for i, column in ipairs(values.columns) do
    local kind = values.kinds[i]
    cells[i] = kind == NULLS and "null" or kind == ARRAYS and "array_cat(r." .. column .. ", null)" or "u." .. column
  end
  out:put(" select " .. table.concat(cells, ", ") .. " from ")
  write_lists(out, at, base)
  out:put(" as u(" .. listed(values, "", false, ARRAYS) .. ")")
  local arrays, table_name = listed(values, "u.", ARRAYS), at.target.table
  if arrays ~= "" then
    out:put((", lateral json_populate_record(row((null::%s).*)::%s, ")
      :format(table_name, table_name) .. "row_to_json((select x from (select " .. arrays .. ") as x))) as r")
  end
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
