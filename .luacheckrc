std = "luajit"
max_line_length = 120
-- A method takes self because it is called with a colon, used or not.
self = false
exclude_files = { "build", "build-*", ".cache" }
files["tests"] = { std = "+busted" }
-- Lua that runs inside the shell or a host is handed these.
files["examples"] = { globals = {}, read_globals = { "db", "moonpool" } }
files["scripts"] = { read_globals = { "moonpool" } }
