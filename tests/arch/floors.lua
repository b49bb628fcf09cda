-- Floors: reads `#include "x/…"` and `require "moonpool.x…"`, and lets nothing look sideways or upward.
local house = require "arch.house"

local M = {}

---@class arch.Storey
---@field name string   the folder
---@field floor integer

local function engine_storey(path)
  local folder = path:match "^engine/([^/]+)/"
  if folder then
    return { name = folder, floor = house.engine[folder] }
  end
end

local function lua_storey(module_or_path)
  local folder = module_or_path:match "^moonpool[./]([^./]+)[./]"
  if folder and folder ~= "init" then
    return { name = folder, floor = house.lua[folder] }
  end
  return { name = "the face", floor = house.lua_face }
end

local function judge(report, path, number, from, to, text)
  if not to.floor then
    report:add(path, number, ("%s names a folder that has no floor"):format(text),
      "give the folder a floor in tests/arch/house.lua, CMakeLists.txt and docs/architecture.md, or mend the name")
  elseif from.name ~= to.name and to.floor == from.floor then
    report:add(path, number,
      ("%s on floor %d uses its neighbour %s (%s)"):format(from.name, from.floor, to.name, text),
      "move what both need to a lower floor, or have a higher floor hand it in")
  elseif to.floor > from.floor then
    report:add(path, number,
      ("%s on floor %d looks up to %s on floor %d (%s)"):format(from.name, from.floor, to.name, to.floor, text),
      "move what is needed down, or have the higher floor pass it in as a value, a reference or a function")
  end
end

local function included_storey(include)
  if include:match "^moonpool/" then
    return { name = "api", floor = house.engine.api }
  end
  local folder = include:match "^([^/]+)/"
  return folder and { name = folder, floor = house.engine[folder] }
end

local function check_engine(report, path, lines)
  local from = engine_storey(path)
  if not from.floor then
    report:add(path, 1, ("engine/%s has no floor"):format(from.name),
      "give it one in tests/arch/house.lua, CMakeLists.txt and docs/architecture.md")
    return
  end
  for number, line in ipairs(lines) do
    local include = line:match '^%s*#%s*include%s*"([^"]+)"' or line:match "^%s*#%s*include%s*<(moonpool/[^>]+)>"
    if include then
      local to = included_storey(include)
      if to then
        judge(report, path, number, from, to, ('#include "%s"'):format(include))
      else
        report:add(path, number, ('#include "%s" does not say which floor it is on'):format(include),
          ('write it from engine/: #include "%s/%s"'):format(from.name, include))
      end
    end
  end
end

local function check_lua(report, path, lines)
  local from = lua_storey((path:gsub("^lua/", "")))
  if not from.floor then
    report:add(path, 1, ("lua/moonpool/%s has no floor"):format(from.name),
      "give it one in tests/arch/house.lua and docs/architecture.md")
    return
  end
  for number, line in ipairs(lines) do
    local code = line:gsub("^%s*%-%-.*", "")
    for module in code:gmatch "require%s*%(?%s*[\"']([^\"']+)[\"']" do
      if module:match "^moonpool$" or module:match "^moonpool%." then
        judge(report, path, number, from, lua_storey(module .. "."), ('require "%s"'):format(module))
      end
    end
  end
end

function M.check(report, path, lines)
  if path:match "^engine/[^/]+/.*%.[hc]p?p?$" then
    check_engine(report, path, lines)
  elseif path:match "^lua/.*%.lua$" then
    check_lua(report, path, lines)
  end
end

return M
