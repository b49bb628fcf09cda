--- The names PostgreSQL gives what nobody named: table_columns_label, cut to 63 bytes, numbered where taken.

local names = require "moonpool.schema.names"

local M = {}

local LIMIT = 63

-- No cut goes through a character.
local function clip(text, bytes)
  while bytes > 0 and text:byte(bytes + 1) and text:byte(bytes + 1) >= 0x80 and text:byte(bytes + 1) < 0xC0 do
    bytes = bytes - 1
  end
  return text:sub(1, bytes)
end

--- makeObjectName(): the longer of the two names gives way first.
---@param first string
---@param second? string
---@param label? string
---@return string
function M.make(first, second, label)
  local room = LIMIT - (label and #label + 1 or 0)
  local a, b = #first, second and #second or 0
  if second then room = room - 1 end
  while a + b > room do
    if a > b then a = a - 1 else b = b - 1 end
  end
  local out = clip(first, a)
  if second then out = out .. "_" .. clip(second, b) end
  if label then out = out .. "_" .. label end
  return out
end

-- Columns joined; from 64 bytes on PostgreSQL no longer looks.
local function joined(columns)
  local out = ""
  for _, column in ipairs(columns) do
    if #out >= 64 then break end
    out = out == "" and column or out .. "_" .. column
  end
  return #out >= 64 and clip(out, 63) or out
end

--- What a key adds to the name of an index: its column, the function it calls, or "expr".
---@param key string|table
---@return string
function M.key_label(key)
  if type(key) == "string" then return key end
  if key.column then return key.column end
  local call = key.expression:match "^([%w_.]+)%(.*%)$"
  return call and call:match("[%w_]+$"):lower() or "expr"
end

--- The name without regard to what is taken.
---@param table_name string
---@param columns string[]
---@param label string
---@return string
function M.plain(table_name, columns, label)
  local second = joined(columns)
  return M.make(table_name, second ~= "" and second or nil, label)
end

--- The name, numbered until it is free in the wish.
---@param set moonpool.schema.FactSet
---@param host moonpool.schema.Fact
---@param columns string[]
---@param label string
---@return string
function M.choose(set, host, columns, label)
  local function taken(name)
    return set:get(names.id("constraint", host.schema, host.name, name))
      or set:get(names.id("index", host.schema, name))
      or set:get(names.id("sequence", host.schema, name)) or set:get(names.id("table", host.schema, name))
  end
  local name, number = M.plain(host.name, columns, label), 0
  while taken(name) do
    number = number + 1
    name = M.plain(host.name, columns, label .. number)
  end
  return name
end

return M
