--- What the peers of bench/rows measured (who, what, seconds; a line each) as a table, the best of all rounds, with how
--- many times as long as Moonpool each one took.

local jobs = {
  { "fetch", "200,000 rows fetched, none read", 1e3, "ms" },
  { "scan", "the same, every column read", 1e3, "ms" },
  { "fetch numbers", "200,000 rows of two numbers fetched", 1e3, "ms" },
  { "numbers", "the same, both read", 1e3, "ms" },
  { "tables", "200,000 rows as tables (objects)", 1e3, "ms" },
  { "point", "2,000 selects by key, in sequence", 1e3, "ms" },
  { "point, built", "the same, built", 1e3, "ms" },
  { "insert", "1,000 rows, one insert", 1e3, "ms" },
  { "inserts", "1,000 inserts, one transaction", 1e3, "ms" },
  { "build", "a select of four clauses to text", 1e6, "us" },
}
local peers = { "Moonpool", "libpq by hand", "LuaSQL", "LuaDBI", "node-postgres", "Kysely", "Drizzle", "SQLAlchemy" }

local best = {}
for line in io.lines() do
  local peer, job, seconds = line:match "^(.-)\t(.-)\t(.+)$"
  if peer then
    local key = peer .. "\t" .. job
    best[key] = math.min(best[key] or math.huge, tonumber(seconds))
  end
end

local function cell(peer, job, scale, unit)
  local seconds = best[peer .. "\t" .. job]
  if not seconds then return "" end
  local ours = best["Moonpool\t" .. job]
  local text = ("%.3g"):format(seconds * scale)
  if seconds * scale >= 100 then text = ("%.0f"):format(seconds * scale) end
  if peer == "Moonpool" or not ours then return text .. " " .. unit end
  return ("%s (%.1f ×)"):format(text, seconds / ours)
end

print("| job | " .. table.concat(peers, " | ") .. " |")
print("|---" .. ("|---"):rep(#peers) .. "|")
for _, job in ipairs(jobs) do
  local cells = {}
  for i, peer in ipairs(peers) do cells[i] = cell(peer, job[1], job[3], job[4]) end
  print("| " .. job[2] .. " | " .. table.concat(cells, " | ") .. " |")
end
