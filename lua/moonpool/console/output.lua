--- Where a shell writes: results to stdout, through a pager where they are long; talk to stderr.

local M = {}

local function has_less()
  local status = os.execute "command -v less >/dev/null 2>&1"
  return status == 0 or status == true
end

local pager

local function find_pager()
  if pager == nil then
    pager = os.getenv "MOONPOOL_PAGER" or os.getenv "PAGER" or (has_less() and "less -SRXF") or ""
    if pager == "less" then pager = "less -SRXF" end
  end
  return pager
end

---Writes results. Longer than `lines`, they go through the pager; nil: never.
---@param text string
---@param lines integer|nil
function M.write(text, lines)
  local _, breaks = text:gsub("\n", "\n")
  local through = lines and breaks >= lines and find_pager() or ""
  local pipe = through ~= "" and io.popen(through, "w")
  if not pipe then
    io.stdout:write(text)
    return
  end
  io.stdout:flush()
  pipe:write(text)
  pipe:close()
end

---Writes what is no result.
---@param text string
function M.talk(text)
  io.stdout:flush()
  io.stderr:write(text)
end

return M
