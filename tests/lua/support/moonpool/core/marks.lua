local M = {}
local Array, Json = {}, {}
function M.array(t) return setmetatable(t, Array) end
function M.json(v) return setmetatable({ value = v }, Json) end
function M.is_marked(t) local mt = getmetatable(t) return mt == Array or mt == Json end
function M.kind(t) local mt = getmetatable(t) return mt == Array and "array" or mt == Json and "json" or nil end
return M
