--- What a handle says of its nodes and of what it has seen on them: tokens of consistency, breakers.

local abi = require "moonpool.core.abi"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local native = require "moonpool.core.ffi"
local null = require "moonpool.core.null"
local suggest = require "moonpool.core.suggest"

local C = native.C

local M = {}

local names = { "automatic", "closed", "open" }

local function check(worked)
  if worked ~= 0 then return end
  local e = errors.take(native.failure)
  e.where = errors.callers_line()
  error(e, 0)
end

---@param session ffi.cdata*
---@return string
function M.token(session)
  local text = C.mp_session_token(session)
  local token = ffi.string(C.mp_text_data(text, native.length), native.length[0])
  C.mp_text_free(text)
  return token
end

---@param session ffi.cdata*
---@param token string
function M.observe(session, token)
  if type(token) ~= "string" then errors.misuse("after takes the text that token() gave, got a %s", type(token)) end
  check(C.mp_session_observe(session, token, #token, native.no_failure()))
end

---@param document table what `stats` gives
---@return { node: string, write: string, read: string, forced: string|nil }[]
function M.breakers(document)
  local out = {}
  for i, node in ipairs(document.nodes) do
    local one = node.breaker
    local forced = one.forced ~= null and one.forced or nil
    out[i] = { node = node.name, write = one.write, read = one.read, forced = forced }
  end
  return out
end

---@param cluster ffi.cdata*
---@param node string
---@param how string
function M.force(cluster, node, how)
  if type(node) ~= "string" then errors.misuse("breaker takes the name of a node, got a %s", type(node)) end
  if not abi.breaker[how] then
    errors.misuse('breaker takes "open", "closed" or "automatic", got %s%s', tostring(how),
      type(how) == "string" and suggest.hint(how, names) or "")
  end
  check(C.mp_cluster_breaker(cluster, node, abi.breaker[how], native.no_failure()))
end

return M
