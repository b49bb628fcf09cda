return setmetatable({}, { __tostring = function() return "null" end })
