--- For specs of text: a handle that answers nothing and remembers what it was asked, and ways to read a query.

local query = require "moonpool.query"

local M = {}

---A handle without a database behind it. `asked` holds what it was to run.
---@return table
function M.handle()
  local handle = { asked = {} }
  for _, name in ipairs { "from", "insert_into", "update", "delete_from", "with", "with_recursive" } do
    handle[name] = query[name]
  end
  function handle:_run(wish)
    self.asked[#self.asked + 1] = wish
    error("asked", 0)
  end
  return handle
end

M.db = M.handle()

---The text of a query.
---@param q table
---@return string
function M.text(q)
  return (q:to_sql())
end

---The parameters of a query, as plain values: arrays as plain lists.
---@param q table
---@return any[]
function M.params(q)
  local _, params = q:to_sql()
  local plain = {}
  for i, param in ipairs(params) do
    plain[i] = type(param) == "table" and getmetatable(param) ~= "moonpool.null" and setmetatable(param, nil) or param
  end
  return plain
end

---What is asked of the handle when f runs its query.
---@param db table
---@param f function
---@return table
function M.asked(db, f)
  db.asked = {}
  local ok, e = pcall(f)
  assert(not ok and e == "asked", "the query was not run: " .. tostring(e))
  return db.asked[1]
end

---The message of the misuse that f is answered with.
---@param f function
---@return string message
---@return string where
function M.misuse(f)
  local ok, e = pcall(f)
  assert(not ok, "a misuse was expected")
  assert(type(e) == "table" and e.kind == "usage", "a misuse was expected, got " .. tostring(e))
  return e.message, e.where
end

return M
