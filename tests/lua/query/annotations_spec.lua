-- Editors learn what a function takes from its annotations, so they must agree with the function. A method, and a
-- function of a module that people call, names each of its parameters and says what it returns; a function that
-- only the house calls says nothing that is wrong.

local directory = require "moonpool.migrate.directory"
local walk = require "moonpool.core.walk"

local folders = { "lua/moonpool/core", "lua/moonpool/core/types", "lua/moonpool/sql", "lua/moonpool/query" }

local function lines_of(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = line end
  return list
end

-- Modules whose functions are for people, as `moonpool.…`, `moonpool.cond.…`, `moonpool.scopes.…`, `db:…`.
local public = {
  ["marks.lua"] = true, ["json.lua"] = true, ["error.lua"] = true, ["decimal.lua"] = true, ["moment.lua"] = true,
  ["range.lua"] = true, ["composite.lua"] = true, ["cond.lua"] = true, ["cond_text.lua"] = true, ["cond_json.lua"] = true,
  ["scopes.lua"] = true, ["expression.lua"] = true, ["init.lua"] = true, ["tmp"] = true,
}

-- The comment lines right above line `at`.
local function comment_above(lines, at)
  local list = {}
  while at > 1 and lines[at - 1]:find "^%-%-%-" do
    at = at - 1
    table.insert(list, 1, lines[at])
  end
  return list
end

local function parameters(text)
  local list = {}
  for name in text:gmatch "[%w_.]+" do list[#list + 1] = name end
  return list
end

-- Whether the function that begins at line `at` returns a value of its own, not of a function inside it.
local function gives(lines, at)
  if lines[at]:find "%f[%w]end$" then return lines[at]:find "%f[%w]return%f[%W]" ~= nil end
  local i = at + 1
  local inner
  while lines[i] and not lines[i]:find "^end" do
    local indent = #lines[i]:match "^ *"
    if inner then
      if indent <= inner and lines[i]:find "^ *end" then inner = nil end
    elseif lines[i]:find "^ *return%s+%S" or lines[i]:find "then return%s+%S" then
      local what = lines[i]:match "return%s+(%S+)"
      if what ~= "end" then return true end
    elseif lines[i]:find "function[ %(]" and not lines[i]:find "%f[%w]end%f[%W]" then
      inner = indent
    end
    i = i + 1
  end
  return false
end

local function complaints_of(path)
  local lines, list = lines_of(path), {}
  local for_people = public[path:match "[%w_]+%.lua$" or "tmp"]
  local function complain(at, message, ...) list[#list + 1] = ("%s:%d: "):format(path, at) .. message:format(...) end
  for at, line in ipairs(lines) do
    local owner, separator, name, args = line:match "^function ([%w_]+[%w_.]*)([.:])([%w_]+)%((.-)%)"
    if owner and not name:find "^__" then
      local comment, known, returns, typed = comment_above(lines, at), {}, false, false
      for _, text in ipairs(comment) do
        local param = text:match "^%-%-%-@param ([%w_.]+)"
        if param and param ~= "self" then known[#known + 1] = param end
        returns = returns or text:find "^%-%-%-@return " ~= nil
        typed = typed or text:find "^%-%-%-@type fun" ~= nil or text:find "^%-%-%-@private" ~= nil
      end
      local inside = not for_people and not owner:find "^%u%l"
      if not typed and not (inside and #known == 0) then
        if #comment == 0 then complain(at, "%s%s%s has no annotations", owner, separator, name) end
        local wanted = {}
        for _, arg in ipairs(parameters(args)) do
          if arg ~= "_" then wanted[#wanted + 1] = arg end
        end
        if table.concat(known, ", ") ~= table.concat(wanted, ", ") then
          complain(at, "%s takes (%s), its annotations say (%s)", name, table.concat(wanted, ", "), table.concat(known, ", "))
        end
        if not inside and gives(lines, at) ~= returns then
          complain(at, returns and "%s is said to return something" or "what %s returns is not said", name)
        end
      end
    end
    -- Words that are made by a function: `C.eq = comparison(…)`.
    local word = line:match "^[A-Z][%w]*%.([%l_]+) = [%l_%.]+%(" or path:find "cond" and line:match "^C%.([%l_]+) ="
    if word and not lines[at]:find "shape%.root" and not line:find "require" then
      local typed = false
      for _, text in ipairs(comment_above(lines, at)) do typed = typed or text:find "^%-%-%-@type " ~= nil end
      if line:find "^C%." and not typed then complain(at, "%s has no ---@type", word) end
    end
  end
  return list
end

-- The types that annotations name and nobody declares. `files` gives path after path.
local function undeclared(files)
  local declared, named, list = {}, {}, {}
  for path in files do
    for at, line in ipairs(lines_of(path)) do
      local name = line:match "^%-%-%-@class ([%w_.]+)" or line:match "^%-%-%-@alias ([%w_.]+)"
      if name then declared[name] = true end
      if line:find "^%-%-%-@" then
        for used in line:gmatch "%f[%w_.]moonpool%.[%w_.]*[%w_]" do named[used] = named[used] or ("%s:%d"):format(path, at) end
      end
    end
  end
  for name, place in walk.pairs(named) do
    if not declared[name] then list[#list + 1] = place .. ": there is no ---@class " .. name end
  end
  table.sort(list)
  return list
end

describe("annotations", function()
  it("name types that are declared", function()
    assert.equal("", table.concat(undeclared(io.popen("find lua/moonpool -name '*.lua'"):lines()), "\n"))
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write "---@class moonpool.There\n---@param a moonpool.There|moonpool.query.Nowhere[]\n"
    file:close()
    local once = path
    local found = undeclared(function()
      local next_path = once
      once = nil
      return next_path
    end)
    os.remove(path)
    assert.same({ path .. ":2: there is no ---@class moonpool.query.Nowhere" }, found)
  end)

  it("agree with what they stand above", function()
    local all, files = {}, 0
    for _, folder in ipairs(folders) do
      for _, name in ipairs(assert(directory.list(folder))) do
        if name:find "%.lua$" then
          files = files + 1
          for _, complaint in ipairs(complaints_of(folder .. "/" .. name)) do all[#all + 1] = complaint end
        end
      end
    end
    assert.is_true(files > 60)
    assert.equal("", table.concat(all, "\n"))
  end)

  it("are missed where they are missing", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write [[
---Adds.
---@param a number
function M.add(a, b)
  return a + b
end
function M.bare() end
---@return integer
function M.nothing()
  local f = function() return 1 end
  f()
end
]]
    file:close()
    local found = complaints_of(path)
    os.remove(path)
    assert.equal(4, #found, table.concat(found, "\n"))
    assert.matches("add takes %(a, b%), its annotations say %(a%)", found[1])
    assert.matches("what add returns is not said", found[2])
    assert.matches("bare has no annotations", found[3])
    assert.matches("nothing is said to return something", found[4])
  end)
end)
