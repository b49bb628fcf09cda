--- What sort of statement a text is, told by its first words. Nothing here knows what it means; this is only about
--- what a scratch database must not be asked for.

local M = {}

local function set(sort, words, out)
  for word in words:gmatch "%S+" do out[word] = sort end
  return out
end

local FIRST = {}
set("transaction", "BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE", FIRST)
set("rows", "INSERT UPDATE DELETE MERGE COPY TRUNCATE", FIRST)
set("upkeep", "VACUUM ANALYZE ANALYSE REINDEX CHECKPOINT REFRESH", FIRST)
set("session", "LISTEN UNLISTEN NOTIFY DISCARD PREPARE EXECUTE DEALLOCATE DECLARE FETCH MOVE CLOSE LOAD LOCK", FIRST)
set("session", "SHOW EXPLAIN", FIRST)
set("setting", "SET RESET", FIRST)
set("question", "SELECT VALUES TABLE WITH", FIRST)

local MAKES = set(true, "CREATE ALTER DROP COMMENT", {})
local SERVERS = set(true, "ROLE USER GROUP DATABASE TABLESPACE SYSTEM", {})
local GRANTED = set(true, "DATABASE TABLESPACE PARAMETER", {})

---@alias moonpool.schema.Sort
---| "transaction"  begins or ends one
---| "rows"  writes rows
---| "upkeep"  looks after what is there
---| "session"  is about the session alone
---| "setting"
---| "question"  asks for something, and may call what makes things
---| "server"  changes what belongs to the server and not to the database
---| "subscription"

--- The sort of a statement; nil for what makes things in a database.
---@param statement moonpool.schema.Statement
---@return moonpool.schema.Sort?
function M.sort(statement)
  local first, second, third = unpack(statement.head, 1, 3)
  if first == "PREPARE" and second == "TRANSACTION" then return "transaction" end
  if FIRST[first or ""] then return FIRST[first] end
  if (first == "DROP" or first == "REASSIGN") and second == "OWNED" then return "server" end
  if MAKES[first or ""] then
    local what = second
    if first == "COMMENT" then what, third = third, nil end
    if what == "SUBSCRIPTION" then return "subscription" end
    if SERVERS[what or ""] and third ~= "MAPPING" then return "server" end
  elseif first == "GRANT" or first == "REVOKE" then
    -- Without an object it makes a role the member of another.
    if not statement.on or GRANTED[statement.on] then return "server" end
  end
end

--- What people call it: its first words.
---@param statement moonpool.schema.Statement
---@return string
function M.name(statement)
  local first, second = unpack(statement.head, 1, 2)
  if first == "GRANT" or first == "REVOKE" then
    return ("%s %s"):format(first, statement.on and "ON " .. statement.on or "of a role")
  end
  return second and ("%s %s"):format(first, second) or first or "it"
end

--- Whether it asks for CONCURRENTLY, which no transaction allows.
---@param statement moonpool.schema.Statement
---@return boolean
function M.is_concurrent(statement)
  local first = statement.head[1]
  if first ~= "CREATE" and first ~= "DROP" then return false end
  for _, word in ipairs(statement.head) do
    if word == "CONCURRENTLY" then return true end
  end
  return false
end

return M
