--- `for update` and its kin.

local chain = require "moonpool.query.chain"
local identifier = require "moonpool.sql.identifier"
local misuse = require "moonpool.sql.misuse"
local statement = require "moonpool.query.statement"

local M = {}

local NOWAIT, SKIP, WAIT = chain.mark "nowait", chain.mark "skip locked", chain.mark "wait"
local waits = { [NOWAIT] = " nowait", [SKIP] = " skip locked", [WAIT] = "" }

local function clause(name, sql)
  return {
    name = name,
    -- Items: how to wait, then the tables.
    build = function(before, items)
      if before.set or before.group or before.distinct then
        misuse.raise("%s locks rows of tables, and this query gives other rows (union, group_by or distinct)", name)
      end
      local after, text = statement.copy(before), sql
      for i = 2, #items do
        text = text .. (i == 2 and " of " or ", ") .. identifier.single(items[i], "a table of " .. name)
      end
      after.lock = statement.append(before.lock, { { text = text .. waits[items[1]] } })
      after.writes = true
      return after
    end,
  }
end

local kinds = {
  for_update = clause("for_update", " for update"),
  for_no_key_update = clause("for_no_key_update", " for no key update"),
  for_share = clause("for_share", " for share"),
  for_key_share = clause("for_key_share", " for key share"),
}

---@param query moonpool.Builder
---@param kind string
---@param options { of: string|string[]|nil, nowait: boolean?, skip_locked: boolean? }|nil
function M.add(query, kind, options)
  chain.open(query, kind)
  options = misuse.options(kind, options, { "of", "nowait", "skip_locked" })
  if options.nowait and options.skip_locked then misuse.raise("%s is told both nowait and skip_locked", kind) end
  local items = { options.nowait and NOWAIT or options.skip_locked and SKIP or WAIT }
  local of = type(options.of) == "table" and options.of or { options.of }
  for i = 1, #of do items[1 + i] = of[i] end
  return chain.items(query, kinds[kind], items)
end

---@param out moonpool.sql.Writer
---@param at moonpool.query.Statement
function M.render(out, at)
  for _, lock in ipairs(at.lock or {}) do out:put(lock.text) end
end

return M
