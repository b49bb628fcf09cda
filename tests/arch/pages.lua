-- Pages: each folder of the house has a short README, no link in a page leads nowhere, and what can be configured is
-- in the guide.
local house = require "arch.house"

local M = {}

local function in_house(folder)
  return folder:match "^engine/[^/]+$" or folder:match "^lua/moonpool/[^/]+$"
end

function M.check_readmes(report, folders, lines_of)
  local names = {}
  for folder in pairs(folders) do
    if in_house(folder) then
      names[#names + 1] = folder
    end
  end
  table.sort(names)
  for _, folder in ipairs(names) do
    local readme = folder .. "/README.md"
    local lines = lines_of(readme)
    if not lines then
      report:add(readme, 1, "a folder of the house has no README",
        "say its floor, what it may use, and its files in reading order")
    elseif #lines > house.longest_readme then
      report:add(readme, house.longest_readme + 1,
        ("%d lines, where %d is the most"):format(#lines, house.longest_readme),
        "keep the floor, what it may use and the files in reading order; move the rest to docs/")
    end
  end
end

-- The anchor that a heading gets: lower case, spaces to hyphens, punctuation gone.
local function slug(heading)
  local text = heading:gsub("`", ""):gsub("%[([^%]]*)%]%([^)]*%)", "%1"):lower()
  return (text:gsub("[^%w%s_\128-\255-]", ""):gsub("%s", "-"))
end

-- Calls `see(number, line)` for every line outside a fenced block.
local function each_prose_line(lines, see)
  local fenced = false
  for number, line in ipairs(lines) do
    if line:match "^%s*```" then
      fenced = not fenced
    elseif not fenced then
      see(number, line)
    end
  end
end

local function anchors_of(lines)
  local anchors, seen = {}, {}
  each_prose_line(lines, function(_, line)
    local heading = line:match "^#+%s+(.-)%s*$"
    if heading then
      local name = slug(heading)
      local times = seen[name]
      seen[name] = (times or 0) + 1
      anchors[times and (name .. "-" .. times) or name] = true
    end
    for id in line:gmatch "<a%s+[in][da]m?e?=\"([^\"]+)\"" do
      anchors[id] = true
    end
  end)
  return anchors
end

-- "docs/a/../b.md" as "docs/b.md"; nil when it leads out of the checkout.
local function normal(path)
  local parts = {}
  for part in path:gmatch "[^/]+" do
    if part == ".." then
      if #parts == 0 then
        return nil
      end
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, "/")
end

local function resolve(page, target)
  if target == "" then
    return page
  end
  if target:sub(1, 1) == "/" then
    return normal(target)
  end
  return normal((page:match "^(.*/)[^/]*$" or "") .. target)
end

local function check_link(report, page, number, link, known, lines_of)
  if link:match "^%a[%w+.-]*:" then
    return
  end
  local target, anchor = link:match "^([^#]*)#?(.*)$"
  local path = resolve(page, target)
  if not path or not known[path] then
    report:add(page, number, ("the link to %s leads nowhere"):format(link),
      "mend the path, or take the link out with what it spoke of")
  elseif anchor ~= "" and path:match "%.md$" and not anchors_of(lines_of(path))[anchor] then
    report:add(page, number, ("%s has no heading #%s"):format(path, anchor),
      "mend the anchor: the heading in lower case, spaces as hyphens, no punctuation")
  end
end

---@param known table<string, boolean>  every file and folder
---@param lines_of fun(path: string): string[]?
function M.check_links(report, path, lines, known, lines_of)
  if not path:match "%.md$" then
    return
  end
  each_prose_line(lines, function(number, line)
    local prose = line:gsub("`[^`]*`", "")
    for link in prose:gmatch "%]%(<?([^)%s>]+)>?[^)]*%)" do
      check_link(report, path, number, link, known, lines_of)
    end
  end)
end

M.settings = "engine/api/config.cpp"

-- Names in backticks; `pool.max`, `.min` names pool.min as well.
local function names_in(line, names)
  local group = ""
  for name in line:gmatch "`(%.?[%w_.]+)`" do
    names[name:sub(1, 1) == "." and group .. name or name] = true
    group = name:match "^([%w_]+)%." or group
  end
end

---Every key of the configuration has its place in the guide.
---@param files string[]
---@param lines_of fun(path: string): string[]?
function M.check_settings(report, files, lines_of)
  local told = {}
  for _, path in ipairs(files) do
    if path:match "^docs/guide/.*%.md$" then
      for _, line in ipairs(lines_of(path)) do
        names_in(line, told)
      end
    end
  end
  for number, line in ipairs(lines_of(M.settings) or {}) do
    local key = line:match '^%s*{"([%w_.]+)",'
    if key and not told[key] then
      report:add(M.settings, number, ("no page of the guide speaks of the setting %s"):format(key),
        "say in docs/guide what it is, its default, and the harm of a wrong one")
    end
  end
end

return M
