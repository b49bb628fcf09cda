--- What the server says beside its answers while a command works, kept until its place has come.

local M = {}

---@class moonpool.cli.Notices
---@field private list moonpool.Event[]
local Notices = {}
Notices.__index = Notices

---Hears a database from here on.
---@param db moonpool.Handle
---@param but fun(event: moonpool.Event): boolean those that are nobody's business
---@return moonpool.cli.Notices
function M.of(db, but)
  local notices = setmetatable({ list = {} }, Notices)
  db:on("notice", function(event)
    if not but(event) then notices.list[#notices.list + 1] = event end
  end)
  return notices
end

-- Words of the server must not steer a terminal; further lines stand below the first.
local function indented(text)
  return (text:gsub("[%z\1-\8\11-\31\127]", "?"):gsub("\n", "\n    "))
end

---Shows what was heard since the last time, below whatever line was told before.
---@param talk fun(line: string)
function Notices:show(talk)
  local list = self.list
  self.list = {}
  for _, event in ipairs(list) do
    talk("  " .. event.severity .. ":  " .. indented(event.message))
    if event.detail then talk("  DETAIL:  " .. indented(event.detail)) end
    if event.hint then talk("  HINT:  " .. indented(event.hint)) end
  end
end

return M
