--- Methods of handles about nodes and what was seen on them: tokens of consistency, breakers. Lent to handles when
--- somebody first calls them.

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

---What a later read must have seen of this handle's writes, as text that may travel: to another request, another
---process. "" before the first write.
---@param self moonpool.Handle
---@return string
function M.token(self)
  local text = C.mp_session_token(self:_session())
  local token = ffi.string(C.mp_text_data(text, native.length), native.length[0])
  C.mp_text_free(text)
  return token
end

---Reads of this handle see at least what a token's handle had written.
---@param self moonpool.Handle
---@param token string what `token` gave
---@return moonpool.Handle self
function M.after(self, token)
  if type(token) ~= "string" then errors.misuse("after takes the text that token() gave, got a %s", type(token)) end
  check(C.mp_session_observe(self:_session(), token, #token, native.no_failure()))
  return self
end

---The breakers of all nodes.
---@param self moonpool.Handle
---@return { node: string, write: string, read: string, forced: "open"|"closed"|nil }[]
function M.breakers(self)
  local out = {}
  for i, node in ipairs(self:stats().nodes) do
    local one = node.breaker
    local forced = one.forced ~= null and one.forced or nil
    out[i] = { node = node.name, write = one.write, read = one.read, forced = forced }
  end
  return out
end

---An operator's word on a node: "open" (nobody is let to it), "closed" (everybody is, whatever happens), until
---"automatic" gives it back to its breakers.
---@param self moonpool.Handle
---@param node string its name
---@param how "open"|"closed"|"automatic"
function M.breaker(self, node, how)
  if type(node) ~= "string" then errors.misuse("breaker takes the name of a node, got a %s", type(node)) end
  if not abi.breaker[how] then
    errors.misuse('breaker takes "open", "closed" or "automatic", got %s%s', errors.show(how),
      type(how) == "string" and suggest.hint(how, names) or "")
  end
  check(C.mp_cluster_breaker(self.root.cluster, node, abi.breaker[how], native.no_failure()))
end

return M
