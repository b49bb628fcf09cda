--- Commands: what begins with a backslash or a dot. Each is a function of the shell and its argument; an
--- error that it raises is shown like any other.

local complete = require "moonpool.console.complete"
local describe = require "moonpool.console.describe"
local editor = require "moonpool.console.editor"
local explain = require "moonpool.console.explain"
local help = require "moonpool.console.help"
local json = require "moonpool.core.json"
local present = require "moonpool.console.present"
local sql_text = require "moonpool.console.sql_text"
local suggest = require "moonpool.core.suggest"

local M = {}

---@class moonpool.console.Command
---@field name string with its mark: "\\d"
---@field takes string
---@field help string
---@field run fun(shell: moonpool.console.Shell, argument: string): table|nil
local commands, by_name = {}, {}

local function command(name, takes, text, run)
  local row = { name = name, takes = takes, help = text, run = run }
  commands[#commands + 1], by_name[name] = row, row
end

-- on, off, or the other of what it is.
local function switch(argument, now)
  if argument == "" then return not now end
  if argument == "on" then return true end
  if argument == "off" then return false end
  error(("it takes on or off, not %s"):format(argument), 0)
end

local function tell(shell, text)
  if shell.looks.interactive then shell:talk(text) end
end

command("\\?", "", "this list", function(shell)
  local lines = {}
  for _, row in ipairs(commands) do
    local left = row.name .. (row.takes ~= "" and " " .. row.takes or "")
    lines[#lines + 1] = "  " .. left .. (" "):rep(math.max(24 - #left, 1)) .. row.help
  end
  shell:out("Type Lua or SQL. SQL ends with ; or, on one line, with the line.\n"
    .. table.concat(lines, "\n") .. "\n  ?name" .. (" "):rep(19) .. "help on a Lua name: ?db:query\n"
    .. "In Lua: db, moonpool; _ is the last value, _err the last error.\n")
end)

command("\\q", "", "leave (Ctrl-D does too)", function() return { status = "quit" } end)

local function list(name)
  return function(shell, argument)
    shell:out(present.result(shell.looks, describe.lists[name](shell:database(), argument)))
  end
end

command("\\d", "[NAME]", "tables, views, sequences; with a name: its columns and all that hangs on it",
  function(shell, argument)
    if argument == "" then return list "d" (shell, "") end
    local found = describe.relations(shell:database(), argument)
    if #found == 0 then
      local names = shell:names():tables("")
      error(("there is nothing called %s%s"):format(argument, suggest.hint(argument, names)), 0)
    end
    for _, one in ipairs(found) do
      shell:out(one.title .. "\n" .. present.table(shell.looks, one.columns))
      shell:out(#one.lines > 0 and table.concat(one.lines, "\n") .. "\n" or "")
    end
  end)
command("\\dt", "[PATTERN]", "tables", list "dt")
command("\\dv", "[PATTERN]", "views", list "dv")
command("\\dm", "[PATTERN]", "materialized views", list "dm")
command("\\di", "[PATTERN]", "indexes", list "di")
command("\\ds", "[PATTERN]", "sequences", list "ds")
command("\\df", "[PATTERN]", "functions", list "df")
command("\\dn", "[PATTERN]", "schemas", list "dn")
command("\\du", "[PATTERN]", "roles", list "du")
command("\\l", "[PATTERN]", "databases", list "l")
command("\\dT", "[PATTERN]", "types: enums, domains, composites, ranges", list "dT")
command("\\dx", "[PATTERN]", "extensions", list "dx")
command("\\dp", "[PATTERN]", "who may do what with tables, views, sequences", list "dp")

local function source(kind)
  return function(shell, argument)
    if argument == "" then error("of what? Give it a name.", 0) end
    local text = describe.source(shell:database(), kind, argument)
    shell:out(text:gsub("\n*$", "\n"))
  end
end

command("\\sf", "FUNCTION", "the source of a function", source "sf")
command("\\sv", "VIEW", "the query of a view", source "sv")

command("\\x", "[on|off|auto]", "columns below each other; auto: where a table is too wide", function(shell, argument)
  local looks = shell.looks
  if argument == "auto" then
    looks.expanded = "auto"
  else
    looks.expanded = switch(argument, looks.expanded == true)
  end
  local said = looks.expanded == true and "on" or looks.expanded == false and "off" or "auto"
  tell(shell, "Expanded display is " .. said .. ".")
end)

command("\\timing", "[on|off]", "how long things took", function(shell, argument)
  -- At a terminal results tell their time anyway; asked for, everything does.
  shell.times_lua = switch(argument, shell.times_lua or false)
  shell.looks.timing = shell.times_lua
  tell(shell, "Timing is " .. (shell.times_lua and "on" or "off") .. ".")
end)

local formats = { "csv", "json", "markdown", "table" }

command("\\format", "NAME", "results as table, csv, json or markdown", function(shell, argument)
  for _, name in ipairs(formats) do
    if name == argument then
      shell.looks.format = name
      return
    end
  end
  error(("there is no format %s%s; there is %s"):format(argument, suggest.hint(argument, formats),
    table.concat(formats, ", ")), 0)
end)

command("\\null", "TEXT", "what NULL looks like", function(shell, argument) shell.looks.null = argument end)

command("\\pager", "[on|off]", "long output through a pager", function(shell, argument)
  shell.pager = switch(argument, shell.pager)
  tell(shell, "The pager is " .. (shell.pager and "on" or "off") .. ".")
end)

command("\\guard", "[on|off]", "ask before statements that destroy much", function(shell, argument)
  shell.guarded = switch(argument, shell.guarded) and shell.looks.interactive
  tell(shell, "The guard is " .. (shell.guarded and "on" or "off") .. ".")
end)

command("\\g", "", "run what was typed so far, or the last input again", function(shell, argument)
  if argument ~= "" then error("it takes nothing; results go to a file by `moonpool -c … > FILE`", 0) end
  if not shell.last then error("there is nothing to run yet", 0) end
  return shell:run(shell.last)
end)

command("\\gx", "", "the same, columns below each other", function(shell)
  if not shell.last then error("there is nothing to run yet", 0) end
  local expanded = shell.looks.expanded
  shell.looks.expanded = true
  local outcome = shell:run(shell.last)
  shell.looks.expanded = expanded
  return outcome
end)

command("\\p", "", "show what was typed so far, or the last input", function(shell)
  if shell.last then shell:out(shell.last.text .. "\n") end
end)

command("\\r", "", "forget what was typed so far (Ctrl-C does too)", function(shell) tell(shell, "Forgotten.") end)

command("\\watch", "[SECONDS]", "run the last input again and again, until Ctrl-C", function(shell, argument)
  local interval = argument == "" and 2 or tonumber(argument)
  if not interval or interval <= 0 then error("it takes seconds, not " .. argument, 0) end
  if not shell.last then error("there is nothing to run again yet", 0) end
  if not shell.looks.interactive then error("it needs a terminal", 0) end
  shell:watch()
  return { status = "watch", interval = interval }
end)

command("\\i", "FILE", "run a file of SQL or Lua", function(shell, argument)
  if argument == "" then error("which file?", 0) end
  return shell:run_file(argument)
end)

command("\\e", "[FILE]", "edit the last input, or a file, and run it", function(shell, argument)
  local text = editor.edit(argument ~= "" and argument or nil, shell.last and shell.last.text or "")
  if text:match "%S" then return shell:run_text(text) end
end)

command("\\c", "DSN", "connect elsewhere; a bare name is a database of this server", function(shell, argument)
  if argument == "" then error("to which? \\c postgresql://user@host/database", 0) end
  shell:reconnect(argument)
  tell(shell, shell:where() .. ".")
end)

command("\\conninfo", "", "where this is", function(shell)
  shell:database()
  shell:out(shell:where() .. ".\n")
end)

-- The statement of `.explain`: SQL as it stands, or what a Lua expression builds.
local function statement_of(shell, text)
  if sql_text.is_sql(text) then return (text:gsub(";%s*$", "")), {} end
  local value = shell:value_of(text)
  if type(value) == "string" then return value, {} end
  local ok, sql, params = pcall(function() return value:to_sql() end)
  if not ok then error("it takes SQL or a query, not a " .. type(value), 0) end
  return sql, params
end

local function plan_of(handle, sql, params, options)
  local text = "explain (" .. options .. ") " .. sql
  local result = handle:_run { sql = text, params = params, n = params.n or #params }
  local plan = result:text(1, 1)
  return json.decode(plan)
end

command(".explain", "[analyze] QUERY", "the plan of SQL or a Lua query as a tree; analyze runs, undoes it",
  function(shell, argument)
    local analyze = argument:match "^[aA][nN][aA][lL][yY][zZ][eE]%s+(.*)$"
    local sql, params = statement_of(shell, analyze or argument)
    local session = shell:database()
    if not analyze then
      shell:out(table.concat(explain.lines(plan_of(session:handle(), sql, params, "format json")), "\n") .. "\n")
      return
    end
    local tx = session:handle():begin()
    local ok, plan = pcall(plan_of, tx, sql, params, "analyze, buffers, format json")
    tx:rollback()
    if not ok then error(plan, 0) end
    shell:out(table.concat(explain.lines(plan), "\n") .. "\n")
  end)

command(".help", "NAME", "help on a Lua name; also ?name", function(shell, argument)
  return shell:show_help(argument)
end)

command(".reload", "[MODULE]", "forget a module, or all but Moonpool's own: require reads them anew",
  function(shell, argument)
    local gone = {}
    for name in pairs(package.loaded) do
      local is_ours = name == "moonpool" or name:match "^moonpool%."
      local wanted = name == argument or (argument == "" and not is_ours and not shell.first_modules[name])
      if wanted then gone[#gone + 1] = name end
    end
    table.sort(gone)
    for _, name in ipairs(gone) do package.loaded[name] = nil end
    tell(shell, #gone > 0 and "Forgotten: " .. table.concat(gone, ", ") or "There was nothing to forget.")
  end)

---Names of all commands, with their marks.
---@return string[]
function M.names()
  local names = {}
  for i, row in ipairs(commands) do names[i] = row.name end
  return names
end

-- "\dt+ users": its name and what follows. What psql's + and S add is shown anyway, or hidden by a pattern.
local function split(text)
  local name, argument = text:match "^([\\.][%a?]+)%s*(.-)%s*;?%s*$"
  if not name then return text:match "^%S+", "" end
  local plain = name:gsub("S$", "")
  if argument:match "^%+" and by_name[plain] and name:match "^\\[dl]" then
    return plain, argument:match "^%+S?%s*(.*)$"
  end
  return by_name[name] and name or by_name[plain] and plain or name, argument
end

-- What psql has and this shell does otherwise.
local elsewhere = {
  ["\\a"] = "\\format says how results look", ["\\H"] = "\\format says how results look",
  ["\\t"] = "\\format csv leaves out what is not data", ["\\pset"] = "\\x, \\null and \\format do it",
  ["\\copy"] = "in Lua: db:copy_in and db:copy_out", ["\\echo"] = "in Lua: print(…)",
  ["\\o"] = "in Lua: io.open; or the shell's own: moonpool -c '…' > FILE", ["\\!"] = "in Lua: os.execute '…'",
  ["\\set"] = "variables are Lua's: x = 1, and db:query('select ?', x)",
  ["\\gset"] = "in Lua: row = db:query_row '…'",
  ["\\gexec"] = "in Lua: for row in db:query('…'):each() do db:exec(row[1]) end",
  ["\\if"] = "in Lua: if … then … end", ["\\h"] = "SQL's own commands are told of at postgresql.org/docs",
  ["\\s"] = "Ctrl-R searches the history, the arrow keys walk in it", ["\\z"] = "\\dp lists privileges",
  ["\\dg"] = "\\du lists roles", ["\\password"] = "alter role … password '…'",
}

---Runs a command.
---@param shell moonpool.console.Shell
---@param text string
---@return table|nil outcome where the shell must do more than go on
function M.run(shell, text)
  local name, argument = split(text)
  local row = by_name[name]
  if not row then
    local instead = elsewhere[name]
    if instead then error(("there is no command %s; %s"):format(name, instead), 0) end
    local meant = #name > 3 and suggest.hint(name, M.names()) or ""
    error(("there is no command %s%s; \\? lists them"):format(name, meant), 0)
  end
  return row.run(shell, argument)
end

---Help on one command, or on a Lua name.
---@param shell moonpool.console.Shell
---@param topic string
---@return string
function M.help(shell, topic)
  local row = by_name[topic] or by_name["\\" .. topic] or by_name["." .. topic]
  local value = complete.resolve(shell.globals, topic)
  if value ~= nil then return help.of_value(value, complete.members(value)) end
  if row then return row.name .. " " .. row.takes .. "\n  " .. row.help end
  error(("nothing is known of %s; \\? lists the commands"):format(topic), 0)
end

return M
