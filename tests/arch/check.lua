-- The structure of the house, as a test.
local Report = require "arch.report"
local floors = require "arch.floors"
local includes = require "arch.includes"
local lines_rules = require "arch.lines"
local pages = require "arch.pages"
local tree = require "arch.tree"

local M = {}

---Everything that is wrong with the tree below `root`; an empty list when it stands.
---@param root string
---@return string[]
function M.check(root)
  local files = tree.files(root)
  local folders = tree.folders(files)
  local known = {}
  for folder in pairs(folders) do
    known[folder] = true
  end
  for _, path in ipairs(files) do
    known[path] = true
  end
  local function lines_of(path)
    return known[path] and tree.lines(root, path) or nil
  end

  local report = Report.new()
  for _, path in ipairs(files) do
    local lines = tree.lines(root, path)
    floors.check(report, path, lines)
    includes.check(report, path, lines)
    lines_rules.check(report, path, lines)
    pages.check_links(report, path, lines, known, lines_of)
  end
  pages.check_readmes(report, folders, lines_of)
  pages.check_settings(report, files, lines_of)
  return report.found
end

return M
