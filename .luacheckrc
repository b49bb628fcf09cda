std = "luajit"
max_line_length = 120
-- A method takes self because it is called with a colon, used or not.
self = false
exclude_files = { "build", "build-*", ".cache" }
-- Statements and what they must become read better whole.
files["tests"] = { std = "+busted", max_line_length = false }
-- Lua that runs inside the shell or a host is handed these.
files["examples"] = { globals = {}, read_globals = { "db", "moonpool" } }
files["examples/host"] = { read_globals = { "db", "enough" } }
files["scripts"] = { read_globals = { "moonpool" } }
