--- `moonpool.null`: SQL's NULL and JSON's null, where nil cannot stand: inside arrays and documents.

return setmetatable({}, {
  __tostring = function() return "null" end,
  __newindex = function() error("moonpool.null holds nothing", 2) end,
  __metatable = "moonpool.null",
})
