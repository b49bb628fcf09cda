--- A fact set as a file: one fact a line, sorted, so that git merges it and a review can read it.
--
-- The first line says what the file is and where it was read; the rest of the lines are the facts. What changes
-- without anybody changing the schema (row counts, whether a view was refreshed) is not written.

local fact_of = require "moonpool.schema.fact"
local json = require "moonpool.schema.json"
local set_of = require "moonpool.schema.set"

local M = {}

local FORMAT = 1
local VOLATILE = { _pages = true, _rows = true, _populated = true, _owner = true }

local function line(fact)
  local attrs = {}
  for key, value in pairs(fact.attrs) do  -- order-free: a map is copied
    if not VOLATILE[key] then attrs[key] = value end
  end
  local out = { '{"id":', json.encode(fact.id) }
  if fact.parent then
    out[#out + 1] = ',"parent":'
    out[#out + 1] = json.encode(fact.parent)
  end
  if next(attrs) then
    out[#out + 1] = ',"attrs":'
    out[#out + 1] = json.encode(attrs)
  end
  if #fact.deps > 0 then
    out[#out + 1] = ',"deps":'
    out[#out + 1] = json.encode(fact.deps)
  end
  out[#out + 1] = "}"
  return table.concat(out)
end

--- The set as text.
---@param set moonpool.schema.FactSet
---@return string
function M.write(set)
  local meta = set.meta
  local lines = { ('{"moonpool_schema":%d,"complete":%s,"encoding":%s,"server_version":%s}'):format(FORMAT,
    meta.complete and "true" or "false", json.encode(meta.encoding or ""), json.encode(meta.server_version or 0)) }
  for fact in set:each() do lines[#lines + 1] = line(fact) end
  return table.concat(lines, "\n") .. "\n"
end

--- Whether the text is a snapshot.
---@param text string
---@return boolean
function M.is_snapshot(text)
  return text:find '^%s*{"moonpool_schema":' ~= nil
end

--- Reads what `write` wrote. Raises with the line that cannot be read.
---@param text string
---@param name? string  of the file, for the message
---@return moonpool.schema.FactSet
function M.read(text, name)
  local set, number = nil, 0
  for row in text:gmatch "[^\r\n]+" do
    number = number + 1
    local ok, value = pcall(json.decode, row)
    if not ok then error(("%s:%d: %s"):format(name or "snapshot", number, value), 0) end
    if not set then
      if value.moonpool_schema ~= FORMAT then
        error(("%s: a snapshot of format %s; this version reads format %d"):format(name or "snapshot",
          tostring(value.moonpool_schema), FORMAT), 0)
      end
      set = set_of.new { complete = value.complete, encoding = value.encoding, server_version = value.server_version }
    else
      if type(value.id) ~= "string" then error(("%s:%d: a fact without an id"):format(name or "snapshot", number),
        0) end
      local fact = fact_of.from_id(value.id, value.parent, value.attrs or {})
      fact.deps = value.deps or {}
      set:add(fact)
    end
  end
  if not set then error((name or "snapshot") .. ": an empty snapshot", 0) end
  return set
end

return M
