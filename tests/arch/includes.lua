-- Third-party headers: each has one home, and installed headers drag in none.
local house = require "arch.house"

local M = {}

local function matches_any(text, patterns)
  for _, pattern in ipairs(patterns) do
    if text:match(pattern) then
      return true
    end
  end
  return false
end

local function lives_in(path, places)
  for _, place in ipairs(places) do
    if path == place or (place:sub(-1) == "/" and path:sub(1, #place) == place) then
      return true
    end
  end
  return false
end

local function check_home(report, path, number, include)
  for _, home in ipairs(house.homes) do
    if matches_any(include, home.headers) and not lives_in(path, home.places) then
      report:add(path, number, ("<%s> of %s is included outside its home"):format(include, home.what),
        "ask for what is needed from " .. table.concat(home.places, " or "))
    end
  end
  for _, guest in ipairs(house.inside) do
    if matches_any(include, guest.headers) and not path:match "%.cpp$" then
      report:add(path, number, ("<%s> of %s is included by a header"):format(include, guest.what),
        "declare a function or a type of ours in the header and include this in the .cpp")
    end
  end
end

local function check_installed(report, path, number, include, quoted)
  local exceptions = house.installed_exceptions[path]
  local is_ours = include:match "^moonpool/"
  local is_standard = not quoted and (include:match "^[%w_]+$" or include:match "^std%w+%.h$")
  if is_ours or is_standard or (exceptions and matches_any(include, exceptions)) then
    return
  end
  report:add(path, number, ("an installed header includes %s, which no host has"):format(include),
    "forward-declare, hide it behind a pointer to an implementation, or move it under " .. house.installed)
end

function M.check(report, path, lines)
  local is_cpp = path:match "%.[hc]pp$" or path:match "%.[hc]$"
  if not is_cpp or not (path:match "^engine/" or path:match "^repl/") then
    return
  end
  local is_installed = path:sub(1, #house.installed) == house.installed
  for number, line in ipairs(lines) do
    local open, include = line:match '^%s*#%s*include%s*([<"])([^>"]+)[>"]'
    if include then
      check_home(report, path, number, include)
      if is_installed then
        check_installed(report, path, number, include, open == '"')
      end
    end
  end
end

return M
