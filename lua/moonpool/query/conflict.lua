--- `on conflict`: what an insert does where the row is there already.

local assign = require "moonpool.query.assign"
local chain = require "moonpool.query.chain"
local condition = require "moonpool.sql.condition"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"
local term = require "moonpool.sql.term"

local M = {}

local WHERE, CONSTRAINT, EXCLUDED = chain.mark "where", chain.mark "constraint", chain.mark "excluded"

-- Items: columns and expressions; WHERE and a condition; CONSTRAINT and a name.
local TARGET = {
  name = "on_conflict",
  build = function(before, items)
    if before.conflict then misuse.raise "on_conflict was said already" end
    local after = statement.copy(before)
    local conflict = { columns = {} }
    local i = 1
    while i <= #items do
      local item = items[i]
      if item == CONSTRAINT then
        conflict.constraint = identifier.single(items[i + 1], "a constraint's name")
        i = i + 1
      elseif item == WHERE then
        conflict.where = statement.place(after, items[i + 1].shape.tree)
        i = i + 1
      elseif type(item) == "string" then
        conflict.columns[#conflict.columns + 1] = { text = identifier.single(item, "a column of on_conflict") }
      else
        conflict.columns[#conflict.columns + 1] = statement.place(after, item.shape.tree)
      end
      i = i + 1
    end
    after.conflict = conflict
    return after
  end,
}

---`on_conflict("email")`, `on_conflict { "email", where = "deleted_at is null" }`,
---`on_conflict { constraint = "users_email_key" }`, `on_conflict()`.
---@param query moonpool.Builder
---@param count integer
---@param first any
---@param ... any
function M.target(query, count, first, ...)
  chain.open(query, "on_conflict")
  if count ~= 1 or type(first) ~= "table" or term.kind(first) then
    return chain.items(query, TARGET, count == 0 and {} or { first, ... })
  end
  local items = {}
  for i = 1, #first do items[i] = first[i] end
  for _, name in ipairs(misuse.names("on_conflict", first)) do
    if name == "constraint" then
      if #first > 0 then misuse.raise "on_conflict takes columns or a constraint, not both" end
      items[#items + 1] = CONSTRAINT
      items[#items + 1] = first.constraint
    elseif name == "where" then
      items[#items + 1] = WHERE
      items[#items + 1] = condition.given("on_conflict", first.where)
    else
      misuse.raise("on_conflict knows where and constraint, not %s", misuse.show(name))
    end
  end
  if #items == 0 then misuse.raise "on_conflict was given an empty table" end
  return chain.items(query, TARGET, items)
end

local function pending(before, method)
  if not before.conflict then misuse.raise("%s answers a conflict; say on_conflict(\"column\") first", method) end
  if before.conflict.action then misuse.raise("%s came after another answer to the conflict", method) end
end

M.DO_NOTHING = {
  name = "do_nothing",
  build = function(before)
    pending(before, "do_nothing")
    local after = statement.copy(before)
    after.conflict = statement.copy(before.conflict)
    after.conflict.action = "nothing"
    return after
  end,
}

-- The inserted columns that the conflict is not about.
local function others(before)
  local about, list = {}, {}
  for _, column in ipairs(before.conflict.columns) do about[column.text or false] = true end
  for _, column in ipairs(before.values and before.values.columns or {}) do
    if not about[column] then list[#list + 1] = { excluded = column } end
  end
  if #list == 0 then misuse.raise "do_update has no column to update; name some: do_update { \"name\" }" end
  return list
end

-- Items: EXCLUDED and a name; or a name and a term.
local DO_UPDATE = {
  name = "do_update",
  build = function(before, items)
    pending(before, "do_update")
    if #before.conflict.columns == 0 and not before.conflict.constraint then
      misuse.raise "do_update needs to know the conflict: on_conflict(\"column\")"
    end
    local after = statement.copy(before)
    local conflict = statement.copy(before.conflict)
    conflict.action, conflict.assign = "update", {}
    local i = 1
    while i <= #items do
      if items[i] == EXCLUDED then
        conflict.assign[#conflict.assign + 1] = { excluded = identifier.single(items[i + 1], "a column of do_update") }
      else
        conflict.assign[#conflict.assign + 1] = assign.place(after, { items[i], items[i + 1] })[1]
      end
      i = i + 2
    end
    if #items == 0 then conflict.assign = others(before) end
    after.conflict = conflict
    return after
  end,
}

---`do_update { "name", visits = moonpool.raw "users.visits + 1" }`: a name alone takes the value that was to be
---inserted. Without a table: every inserted column but those of the conflict.
---@param query moonpool.Builder
---@param given table|nil
function M.update(query, given)
  chain.open(query, "do_update")
  if given == nil then return chain.items(query, DO_UPDATE, {}) end
  if type(given) ~= "table" or getmetatable(given) ~= nil then
    misuse.raise("do_update needs { \"column\" } or { column = value }, got %s", misuse.show(given))
  end
  local items = {}
  for i = 1, #given do
    items[#items + 1] = EXCLUDED
    items[#items + 1] = given[i]
  end
  for _, name in ipairs(misuse.names("do_update", given)) do
    items[#items + 1] = name
    items[#items + 1] = assign.term(given[name], misuse.show(name) .. " of do_update")
  end
  if #items == 0 then misuse.raise "do_update was given an empty table; leave it out to take every column" end
  return chain.items(query, DO_UPDATE, items)
end

---The condition under which the row that is there is updated.
M.UPDATE_WHERE = {
  name = "where",
  build = function(before, items)
    if not before.conflict or before.conflict.action ~= "update" then
      misuse.raise "an insert has no where of its own; it belongs behind do_update { … }"
    end
    local after = statement.copy(before)
    after.conflict = statement.copy(before.conflict)
    local place = statement.place(after, items[1].shape.tree)
    after.conflict.update_where = statement.append(before.conflict.update_where, { place })
    return after
  end,
}

local function write_assignment(out, item, base)
  if item.excluded then return out:put(item.excluded .. " = excluded." .. item.excluded) end
  assign.render(out, { item }, base)
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
---@param base integer
function M.render(out, at, base)
  local conflict = at.conflict
  if not conflict then return end
  if not conflict.action then misuse.raise "on_conflict has no answer yet; say do_nothing() or do_update { … }" end
  out:put " on conflict"
  if conflict.constraint then
    out:put(" on constraint " .. conflict.constraint)
  elseif #conflict.columns > 0 then
    out:put " ("
    out:list(conflict.columns, ", ", base)
    out:put ")"
  end
  if conflict.where then
    out:put " where "
    out:item(conflict.where, base)
  end
  if conflict.action == "nothing" then return out:put " do nothing" end
  out:put " do update set "
  out:list(conflict.assign, ", ", base, write_assignment)
  for i, place in ipairs(conflict.update_where or {}) do
    out:put(i == 1 and " where (" or " and (")
    out:item(place, base)
    out:put ")"
  end
end

return M
