--- Where `\c` leads: a DSN, or a database of the server that this shell is on.

local M = {}

-- The order in which the engine looks for servers that nobody named.
local function named(getenv)
  for _, name in ipairs { "MOONPOOL_DSN", "MOONPOOL_PRIMARY", "DATABASE_URL" } do
    local dsn = getenv(name)
    if dsn and dsn ~= "" then return dsn end
  end
  for _, name in ipairs { "PGHOST", "PGHOSTADDR", "PGSERVICE" } do
    local value = getenv(name)
    if value and value ~= "" then return "" end
  end
  return nil
end

-- A later dbname counts for libpq; in a URL the database is the path.
local function with_database(dsn, name)
  local server, query = dsn:match "^(%a+://[^/?]*)/?[^?]*(.*)$"
  if server then return server .. "/" .. name .. query end
  return (dsn .. " dbname='" .. name .. "'"):gsub("^ ", "")
end

---The DSN that is meant: the argument itself, or this server's with another database.
---@param argument string
---@param current string|nil the DSN that was typed before
---@param getenv fun(name: string): string|nil
---@return string|nil dsn nil where a database is meant and no server was named
function M.dsn(argument, current, getenv)
  if not argument:match "^[%w_$-]+$" then return argument end
  local dsn = current or named(getenv)
  return dsn and with_database(dsn, argument)
end

return M
