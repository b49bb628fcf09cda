--- Keyset pagination: the rows after (or before) a row that is known by the values of its order.
---
--- The last entry of the order should be a unique column that is never null, such as the primary key. The
--- others may hold nulls: rows with nulls are found where the order puts them. A predicate that must look
--- for nulls cannot start an index scan at the key, so `{ not_null = true }` says that there are none.

local chain = require "moonpool.query.chain"
local misuse = require "moonpool.sql.misuse"
local order = require "moonpool.query.order"
local statement = require "moonpool.query.statement"
local tree = require "moonpool.sql.tree"
local value = require "moonpool.sql.value"
local walk = require "moonpool.core.walk"

local pairs = walk.pairs -- order-free: the walk itself

local M = {}

local NULL, VALUE, NOT_NULL = chain.mark "null", chain.mark "value", chain.mark "not null"

local function clause(name, forward)
  return {
    name = name,
    -- Words: NULL or VALUE for each entry of the order, then NOT_NULL where that was said.
    build = function(before, words)
      local after = statement.copy(before)
      local keys = { forward = forward, not_null = words[#before.order + 1] == NOT_NULL }
      for i = 1, #before.order do
        keys[i] = words[i] == NULL and {} or statement.place(after, tree.VALUE)
      end
      local list = statement.append(before.keyset, { keys })
      list.backward = not forward
      for _, each in ipairs(list) do if each.forward then list.backward = false end end
      after.keyset = list
      after.backward = list.backward and before.limit ~= nil or nil
      return after
    end,
  }
end

M.AFTER = clause("after", true)
M.BEFORE = clause("before", false)

-- The words and values of a call, one for each entry of the order.
local function collect(list, options)
  local words, values, n = {}, {}, 0
  for i = 1, #list do
    if list[i] == value.null then
      words[i] = NULL
    else
      words[i], n = VALUE, n + 1
      values[n] = list[i]
    end
  end
  if options and options.not_null then words[#words + 1] = NOT_NULL end
  return words, values, n
end

---The rows on one side of a key; its values are given by the names of the order.
---@param query moonpool.Builder
---@param which moonpool.query.Clause
---@param key table<string, any>
---@param options { not_null: boolean? }|nil
function M.from_row(query, which, key, options)
  local at = chain.open(query, which.name).tree
  order.known(at, which.name)
  if at.set then
    misuse.raise('%s after union, intersect or except; name the whole: db:from(query:as "t")', which.name)
  end
  if type(key) ~= "table" or value.sendable(key) then
    misuse.raise("%s needs a value for each column of the order, like { id = 7 }, got %s", which.name, misuse.show(key))
  end
  options = misuse.options(which.name, options, { "not_null" })
  local list, known, wanted = {}, {}, {}
  for i, entry in ipairs(at.order) do
    local full, name = entry.ordering.full, entry.ordering.name
    if not name then
      misuse.raise("%s cannot name entry %d of the order, which is an expression; paginate keeps such keys itself",
        which.name, i)
    end
    wanted[i] = name
    local found = key[full] ~= nil and full or name
    known[found] = true
    if key[found] == nil then
      misuse.raise("%s needs %s, which the order uses; a null there is moonpool.null", which.name, misuse.show(full))
    elseif not value.sendable(key[found]) then
      value.refuse(key[found], misuse.show(full) .. " of " .. which.name)
    end
    list[i] = key[found]
  end
  for name in pairs(key) do -- order-free: it only refuses
    if not known[name] then
      misuse.raise("%s got %s, which the order does not use; it uses %s", which.name,
        misuse.show(name), table.concat(wanted, ", "))
    end
  end
  return chain.values(query, which, collect(list, options))
end

---The same from a list of values, in the order of the order.
---@param query moonpool.Builder
---@param which moonpool.query.Clause
---@param list any[]
---@param options { not_null: boolean? }|nil
function M.from_list(query, which, list, options)
  return chain.values(query, which, collect(list, options))
end

-- What is known of entry i: where it is, where its value is, which way it goes.
local function read(at, keys)
  local entries = {}
  for i, entry in ipairs(at.order) do
    local desc, nulls_first = order.direction(entry, not keys.forward)
    local key = keys[i]
    entries[i] = {
      side = { tree = entry.ordering.inner, at = entry.at },
      value = key.tree and key or nil,
      sign = desc and " < " or " > ",
      -- Rows with a null come after every value: they must be asked for.
      nulls_follow = not nulls_first and i < #at.order and not keys.not_null,
      nulls_first = nulls_first,
    }
  end
  return entries
end

local function add(parts, ...)
  for i = 1, select("#", ...) do parts[#parts + 1] = (select(i, ...)) end
end

-- Whether one comparison of whole rows says it all.
local function uniform(entries)
  for _, entry in ipairs(entries) do
    if not entry.value or entry.nulls_follow or entry.sign ~= entries[1].sign then return false end
  end
  return true
end

local function row(parts, entries, part)
  if #entries == 1 then return add(parts, entries[1][part]) end
  for i, entry in ipairs(entries) do add(parts, i == 1 and "(" or ", ", entry[part]) end
  add(parts, ")")
end

-- Strictly after entry i alone: parts of a test, or nothing where no row can be.
local function beyond(entry)
  if not entry.value then
    if entry.nulls_first then return { entry.side, " is not null" } end
    return nil
  end
  if entry.nulls_follow then
    return { "(", entry.side, entry.sign, entry.value, " or ", entry.side, " is null)" }
  end
  return { entry.side, entry.sign, entry.value }
end

local function nested(parts, entries, i)
  local entry = entries[i]
  local after = beyond(entry)
  if i == #entries then return add(parts, unpack(after or { "false" })) end
  if after then
    add(parts, unpack(after))
    add(parts, " or (")
  end
  add(parts, entry.side)
  if entry.value then add(parts, " = ", entry.value) else add(parts, " is null") end
  add(parts, " and (")
  nested(parts, entries, i + 1)
  add(parts, after and "))" or ")")
end

---The tests of a statement's keys, as places from the statement's beginning.
---@param at moonpool.query.Statement
---@return moonpool.sql.Place[]
function M.tests(at)
  local list = {}
  for i, keys in ipairs(at.keyset) do
    local entries, parts, bind = read(at, keys), {}, "test"
    local first = entries[1]
    if uniform(entries) then
      row(parts, entries, "side")
      add(parts, first.sign)
      row(parts, entries, "value")
    elseif #entries > 1 and first.value and not first.nulls_follow then
      -- The bound in front lets an index begin where the key is.
      add(parts, first.side, first.sign == " < " and " <= " or " >= ", first.value, " and (")
      nested(parts, entries, 1)
      add(parts, ")")
      bind = "all"
    else
      nested(parts, entries, 1)
      bind = "any"
    end
    list[i] = { tree = { n = at.n, bind = bind, parts = parts }, at = 0 }
  end
  return list
end

return M
