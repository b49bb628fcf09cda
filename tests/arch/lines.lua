-- What is read line by line: length of files, words of work left undone, the order that text is rendered in.
local house = require "arch.house"

local M = {}

-- Written in pieces, so that this file does not hold them.
local undone = { "TO" .. "DO", "FIX" .. "ME", "X" .. "XX" }

local function is_source(path)
  return path:match "%.[hc]pp$" or path:match "%.[hc]$" or path:match "%.def$" or path:match "%.lua$"
    or path:match "%.cmake$" or path:match "CMakeLists%.txt$" or path:match "%.sql$" or path:match "%.sh$"
    or path:match "^tools/[^.]+$" or path:match "Makefile$"
end

local function check_length(report, path, lines)
  if #lines > house.longest_file then
    report:add(path, house.longest_file + 1, ("%d lines, where %d is the most"):format(#lines, house.longest_file),
      "find the second idea in it and give that a file of its own")
  end
end

local function check_words(report, path, number, line)
  for _, word in ipairs(undone) do
    if line:find("%f[%w_]" .. word .. "%f[^%w_]") then
      report:add(path, number, word .. " marks work left undone",
        "do it now, or leave it out and say so where users can read it")
    end
  end
end

local function renders(path)
  for _, folder in ipairs(house.rendering) do
    if path:sub(1, #folder) == folder and path:match "%.lua$" then
      return true
    end
  end
  return false
end

-- A call of the builtin: not ipairs, not sorted_pairs, not tree.pairs or tree:pairs.
local function walks_a_hash(code)
  for before in code:gmatch "()%f[%w_]pairs%s*[(%s]" do
    if not code:sub(before - 1, before - 1):match "[.:]" then
      return true
    end
  end
  return code:match "in%s+next%s*," ~= nil
end

-- Keys that are gathered into a list which is sorted right after are as good as sorted keys.
local function is_sorted_after(lines, number)
  local gathered = {}
  for ahead = number, math.min(number + house.sorted_within, #lines) do
    for list, again in lines[ahead]:gmatch "([%a_][%w_]*)%[#([%a_][%w_]*) %+ 1%]%s*=" do
      gathered[list] = list == again
    end
    local sorted = lines[ahead]:match "table%.sort%(([%a_][%w_]*)"
    if sorted and gathered[sorted] then
      return true
    end
  end
  return false
end

local function check_order(report, path, number, lines)
  local code, comment = lines[number]:match "^(.-)%-%-(.*)$"
  if not walks_a_hash(code or lines[number]) or is_sorted_after(lines, number) then
    return
  end
  local before = lines[number - 1] or ""
  if not ((comment or ""):match "order%-free:%s*%S" or before:match "^%s*%-%-%s*order%-free:%s*%S") then
    report:add(path, number, "`pairs` gives another order in each run, and this folder renders text",
      "gather the keys into a list and sort it right after; where the order cannot reach the text, "
        .. "end the line with `-- order-free: why`")
  end
end

function M.check(report, path, lines)
  if not is_source(path) then
    return
  end
  check_length(report, path, lines)
  local in_rendering = renders(path)
  for number, line in ipairs(lines) do
    check_words(report, path, number, line)
    if in_rendering then
      check_order(report, path, number, lines)
    end
  end
end

return M
