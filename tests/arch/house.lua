-- The plan of the house: the one place that says which floor a folder is on and who may include what.
local house = {}

-- A file uses its own folder and lower floors; never a neighbour on its own floor, never upward.
house.engine = {
  base = 0,
  policy = 1,
  observe = 1,
  async = 2,
  wire = 3,
  pool = 4,
  dev = 4,
  cluster = 5,
  session = 6,
  api = 7,
  script = 8,
}

house.lua = {
  core = 0,
  sql = 1,
  query = 2,
  schema = 2,
  model = 3,
  migrate = 4,
  codegen = 4,
  console = 5,
  cli = 5,
}

-- Files that lie in lua/moonpool itself, and lua/moonpool.lua, are the face: above every folder.
house.lua_face = 6

-- Third-party headers, by Lua pattern, and the only places that may include them. A place that ends in "/" is a
-- folder, any other is one file.
house.homes = {
  { what = "libpq", headers = { "^libpq%-fe%.h$", "^libpq/", "^postgres_ext%.h$" },
    places = { "engine/wire/", "engine/dev/" } },
  { what = "libpqxx", headers = { "^pqxx/" },
    places = { "engine/wire/", "engine/dev/", "engine/api/include/moonpool/pqxx.hpp" } },
  { what = "spdlog", headers = { "^spdlog/", "^fmt/" }, places = { "engine/observe/" } },
  { what = "prometheus-cpp", headers = { "^prometheus/" }, places = { "engine/observe/metrics.cpp" } },
  { what = "LuaJIT", headers = { "^lua%.h", "^lauxlib%.h$", "^lualib%.h$", "^luajit%.h$", "^luajit%-2%.1/" },
    places = { "engine/script/" } },
  { what = "readline", headers = { "^readline/" }, places = { "repl/" } },
  { what = "CLI11", headers = { "^CLI/" }, places = { "repl/" } },
}

-- Headers of third parties that stay inside .cpp files, whichever floor that is on.
house.inside = {
  { what = "nlohmann-json", headers = { "^nlohmann/" } },
  { what = "libcrypto", headers = { "^openssl/" } },
  { what = "libpg-query", headers = { "^pg_query", "^pg_query/" } },
  { what = "utf8proc", headers = { "^utf8proc%.h$" } },
}

-- An installed header includes the standard library and other installed headers, and nothing else; but for:
house.installed = "engine/api/include/"
house.installed_exceptions = { ["engine/api/include/moonpool/pqxx.hpp"] = { "^pqxx/" } }

-- Where text is rendered: here the order of `pairs` would leak into SQL, and a statement would differ between runs.
house.rendering = { "lua/moonpool/sql/", "lua/moonpool/query/", "lua/moonpool/schema/emitter", "lua/moonpool/schema/render",
  "lua/moonpool/schema/snapshot", "lua/moonpool/schema/dsl/print", "lua/moonpool/codegen/" }

-- So many lines below a `pairs` that gathers keys, the list must be sorted.
house.sorted_within = 8

house.longest_file = 500
house.longest_readme = 25

return house
