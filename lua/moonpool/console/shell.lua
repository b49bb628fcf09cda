--- The shell: takes what is typed or piped in, runs it, shows what came of it. The terminal is its caller's
--- (repl/shell.cpp); here is what input means.

local catalog = require "moonpool.console.catalog"
local commands = require "moonpool.console.commands"
local complete = require "moonpool.console.complete"
local evaluate = require "moonpool.console.evaluate"
local failure = require "moonpool.console.failure"
local formats = require "moonpool.console.formats"
local guard = require "moonpool.console.guard"
local history = require "moonpool.console.history"
local json = require "moonpool.core.json"
local native = require "moonpool.core.ffi"
local output = require "moonpool.console.output"
local place = require "moonpool.console.place"
local present = require "moonpool.console.present"
local reader = require "moonpool.console.reader"
local session = require "moonpool.console.session"

local C = native.C

local M = {}

---@class moonpool.console.Options
---@field interactive boolean somebody sits at a terminal
---@field color boolean
---@field talk_color boolean
---@field json boolean results are kept for one document at the end
---@field read_only boolean nothing may change anything; a connection that could is refused
---@field version string
---@field columns integer
---@field lines integer

---@class moonpool.console.Shell
---@field looks moonpool.console.Looks
---@field last moonpool.console.Input|nil
---@field pager boolean
---@field guarded boolean destructive statements are asked about
---@field globals table
---@field first_modules table<string, boolean> what was loaded before the user came
---@field private face moonpool
---@field private held moonpool.console.Session|nil
---@field private dsn string|nil that was connected to by \c
local Shell = {}
Shell.__index = Shell

local function names_loaded()
  local names = {}
  for name in pairs(package.loaded) do names[name] = true end
  return names
end

-- `db` is whatever it is at the moment: the database, the transaction that was begun, or made on first use.
local function offer_globals(shell)
  local meta = debug.getmetatable(_G) or {}
  local before = meta.__index
  meta.__index = function(t, name)
    if name == "db" then return shell:database().db end
    if type(before) == "function" then return before(t, name) end
    return before and before[name]
  end
  debug.setmetatable(_G, meta)
  rawset(_G, "moonpool", shell.face)
end

-- One document on stdout leaves no place for what is printed beside it.
local function keep_prints(shell)
  rawset(_G, "print", function(...)
    local parts = {}
    for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
    shell:out(table.concat(parts, "\t") .. "\n")
  end)
end

---@param face moonpool
---@param options moonpool.console.Options
---@return moonpool.console.Shell
function M.new(face, options)
  local shell = setmetatable({
    face = face, options = options, reader = reader.new(options.interactive), typed = {}, documents = {},
    pager = options.interactive, guarded = options.interactive,
    lines = options.lines, catalog = catalog.new(), globals = _G,
    first_modules = names_loaded(),
    looks = {
      expanded = options.interactive and "auto" or false, format = options.json and "json" or "table", null = "∅",
      color = options.color, columns = options.columns, interactive = options.interactive,
      timing = options.interactive,
    },
  }, Shell)
  offer_globals(shell)
  if options.json then keep_prints(shell) end
  return shell
end

---The session, connected when it is first asked for. Raises where no server answers.
---@return moonpool.console.Session
function Shell:database()
  -- `db:close()` was typed: the next one who asks connects again.
  if self.held and self.held:is_over() then
    if self.held:close() then self:talk "The open transaction was rolled back." end
    self.held = nil
  end
  if not self.held then self.held = session.new(self.face.connect(self.dsn), self.options.read_only) end
  return self.held
end

---@return moonpool.console.Catalog
function Shell:names()
  self.catalog:refresh(self:database())
  return self.catalog
end

---Connects elsewhere; when that fails, everything stays as it was.
---@param argument string a DSN, or a database of the same server
function Shell:reconnect(argument)
  local dsn = place.dsn(argument, self.dsn, os.getenv)
  if not dsn then error("which server's? \\c 'host=… dbname=" .. argument .. "'", 0) end
  local other = session.new(self.face.connect(dsn), self.options.read_only)
  if self.held and self.held:close() then self:talk "The open transaction was rolled back." end
  self.held, self.dsn = other, dsn
  self.catalog:forget()
end

---A sentence on where this is. No password is in it: none is known here.
---@return string
function Shell:where()
  local held = self:database()
  local facts, others = held.facts, -1
  for _ in ipairs(held.db:stats().nodes) do others = others + 1 end
  local with = others > 0 and (", with %d other server%s"):format(others, others == 1 and "" or "s") or ""
  local standby = (facts.standby or facts.read_only) and ", read-only" or ""
  return ("PostgreSQL %s, database %s as %s on %s%s%s"):format(
    facts.version:match "^%S+", facts.database, facts.user, held.node or "?", standby, with)
end

---Connects and gives the banner.
---@return string
function Shell:connect()
  local name = present.paint(self.looks, "Moonpool " .. self.options.version, "head")
  local banner = ("%s · %s\nType Lua or SQL; \\? for help, Ctrl-D leaves.\n"):format(name, self:where())
  self:greet()
  return banner
end

-- The user's own beginnings: Lua that may define what every session should know.
function Shell:greet()
  local config = os.getenv "XDG_CONFIG_HOME"
  local home = os.getenv "HOME"
  local folder = config and config ~= "" and config or home and home .. "/.config"
  local path = folder and folder .. "/moonpool/init.lua"
  local file = path and io.open(path, "rb")
  if not file then return end
  file:close()
  local chunk, why = loadfile(path)
  local ok, e = pcall(chunk or error, not chunk and why or nil, 0)
  if not ok then self:talk(("warning: %s"):format(tostring(e))) end
end

-- readline counts columns, so colours are marked as taking none.
local function tinted(shell, text, how)
  if not shell.looks.color or text == "" then return text end
  return (present.paint(shell.looks, text, how):gsub("\27%[[%d;]*m", "\1%0\2"))
end

---@return string
function Shell:prompt()
  local held = self.held
  local name = held and held.facts.database .. "@" .. (held.node or "?") or "moonpool"
  local mark = held and held:mark() or ""
  local label = os.getenv "MOONPOOL_ENV" or ""
  if label ~= "" then label = label .. " " end
  if self.reader:is_waiting() then
    return (" "):rep(math.max(#label + #name + #mark - 3, 0)) .. tinted(self, "...> ", "dim")
  end
  return tinted(self, label, label:match "^prod" and "error" or "dim") .. tinted(self, name, "name")
    .. tinted(self, mark, mark == "!" and "error" or "good") .. "> "
end

function Shell:out(text)
  if self.looks.format == "json" and self.options.json then
    self.documents[#self.documents + 1] = ('{"text":%s}'):format(json.encode(text))
    return
  end
  output.write(text, self.pager and self.lines or nil)
end

function Shell:talk(text)
  output.talk(text .. "\n")
end

-- One result in the document that --json prints.
local function document_of(answer)
  local parts = { '"tag":' .. json.encode(answer.tag) }
  if answer.node then parts[#parts + 1] = '"node":' .. json.encode(answer.node) end
  parts[#parts + 1] = ('"seconds":%.6f'):format(answer.seconds)
  if answer.result and #answer.result:columns() > 0 then
    local names = {}
    for i, column in ipairs(answer.result:columns()) do names[i] = json.encode(column.name) end
    parts[#parts + 1] = '"columns":[' .. table.concat(names, ",") .. "]"
    parts[#parts + 1] = '"rows":' .. formats.json_rows(answer.result)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local changing = { ALTER = true, CREATE = true, DROP = true, COMMENT = true, ROLLBACK = true }

-- Whether somebody should be asked first. What stands in a transaction can be taken back.
function Shell:doubts(input)
  if not self.guarded or self:database():mark() ~= "" then return nil end
  return guard.danger(input.text)
end

function Shell:run_sql(input)
  local danger = self.agreed ~= input and self:doubts(input)
  if danger then
    self.asked = input
    return { status = "ask", question = danger .. " Go on? [y/N] " }
  end
  local answer = self:database():run(input.text)
  if answer.warning then self:talk("WARNING:  " .. answer.warning) end
  if changing[answer.tag:match "^%a*"] then self.catalog:forget() end
  if self.options.json then
    self.documents[#self.documents + 1] = document_of(answer)
  elseif answer.result then
    self:out(present.result(self.looks, answer.result, answer))
  else
    self:out(present.tag(self.looks, answer.tag, answer))
  end
  if answer.result then rawset(_G, "_", answer.result) end
end

local function json_of_value(value)
  if present.is_result(value) then return '{"rows":' .. formats.json_rows(value) .. "}" end
  local ok, document = pcall(json.encode, value)
  return '{"value":' .. (ok and document or json.encode(tostring(value))) .. "}"
end

function Shell:show_values(values)
  for i = 1, values.n do
    if self.options.json then
      self.documents[#self.documents + 1] = json_of_value(values[i])
    else
      self:out(present.value(self.looks, values[i], self.held))
    end
  end
end

function Shell:chunk_name()
  return self.looks.interactive and "=(prompt)" or "=(input)"
end

-- Words that are no Lua anybody would miss, while nothing is called so.
local plain_words = { help = "\\?", exit = "\\q", quit = "\\q" }

local function plain_command(text)
  local word, rest = text:match "^%s*(%a+)%s*(.-)%s*;?%s*$"
  local command = word and plain_words[word]
  if not command or rawget(_G, word) ~= nil then return nil end
  if rest == "" then return command end
  return word == "help" and rest:match "^[%w_.:\\]+$" and ".help " .. rest or nil
end

function Shell:run_lua(input)
  local command = plain_command(input.text)
  if command then return commands.run(self, command) end
  local line = self.looks.interactive and 1 or input.line
  local from = C.mp_clock()
  local values, why = evaluate.run(input.text, self:chunk_name(), line)
  local seconds = C.mp_clock() - from
  if not values then
    if self.held then self.held:after_lua_failure() end
    error(why, 0)
  end
  if values.n > 0 then rawset(_G, "_", values[1]) end
  self:show_values(values)
  if self.times_lua then self:talk("Time: " .. present.time(seconds)) end
end

---The value of a Lua expression, for commands that take one.
---@param text string
---@return any
function Shell:value_of(text)
  local values, why = evaluate.run(text, self:chunk_name(), 1)
  if not values then error(why, 0) end
  return values[1]
end

---@param topic string
function Shell:show_help(topic)
  if topic == "" then return commands.run(self, "\\?") end
  self:out(commands.help(self, topic) .. "\n")
end

local runners = {
  sql = Shell.run_sql,
  lua = Shell.run_lua,
  command = function(shell, input) return commands.run(shell, input.text) end,
  help = function(shell, input) return shell:show_help(input.text) end,
}

-- Runs one input; nil to go on, or what the caller of feed must know.
function Shell:run(input)
  if input.kind == "sql" or input.kind == "lua" then self.last = input end
  if input.of then self.last = input.of end
  local ok, outcome = pcall(runners[input.kind], self, input)
  if ok then return outcome end
  rawset(_G, "_err", failure.value(outcome))
  if self.options.json then
    self.documents[#self.documents + 1] = '{"error":' .. json.encode(failure.fields(outcome)) .. "}"
  end
  output.talk(failure.text(outcome, self.options.talk_color, input, self.looks.interactive) .. "\n")
  if self.held and self.held:take_loss() then self:talk "The transaction is gone with its connection." end
  return { status = "failed", exit_code = failure.exit_code(outcome) }
end

-- Runs them in turn. At a prompt the next follows a failed one only where both came in one paste.
function Shell:run_all(inputs)
  for _, input in ipairs(inputs) do
    local outcome = self:run(input)
    if outcome then return outcome end
  end
  return nil
end

---Runs a text as if it had been piped in; stops at the first failure.
---@param text string
---@return table|nil outcome
function Shell:run_text(text)
  local own = reader.new(false)
  return self:run_all(own:push(text)) or self:run_all(own:finish())
end

---Runs a file: Lua by its name, else whatever is in it.
---@param path string
---@return table|nil outcome
function Shell:run_file(path)
  if path:match "%.lua$" then
    local chunk, why = loadfile(path)
    if not chunk then error(why, 0) end
    chunk()
    return nil
  end
  local file, why = io.open(path, "rb")
  if not file then error(why, 0) end
  local text = file:read "*a"
  file:close()
  return self:run_text(text)
end

-- What the terminal is told after a piece of input.
function Shell:settle(outcome)
  local settled = outcome or { status = self.reader:is_waiting() and "more" or "done" }
  if settled.status ~= "more" then
    settled.remember = history.worth(table.concat(self.typed, "\n"))
    self.typed = {}
    if outcome then self.reader:abandon() end
  end
  return settled
end

---@class moonpool.console.Outcome
---@field status "done"|"more"|"failed"|"ask"|"watch"|"quit"
---@field question string|nil
---@field exit_code integer|nil of a failure
---@field interval number|nil of a watch, in seconds
---@field remember string|nil for the history

---Takes a line, or several.
---@param text string
---@param columns integer of the terminal, now
---@param lines integer
---@return moonpool.console.Outcome
function Shell:feed(text, columns, lines)
  self.looks.columns, self.lines = columns, lines
  self.typed[#self.typed + 1] = text
  return self:settle(self:run_all(self.reader:push(text)))
end

---The answer to the question that was asked.
---@param agreed boolean
---@return moonpool.console.Outcome
function Shell:answer(agreed)
  local input = self.asked
  self.asked = nil
  if not agreed then
    self:talk "Nothing was done."
    return { status = "done" }
  end
  self.agreed = input
  local outcome = self:run(input)
  self.agreed = nil
  return outcome or { status = "done" }
end

---No more will come.
function Shell:finish()
  return self:settle(self:run_all(self.reader:finish()))
end

---Forgets an input that is not whole.
function Shell:abandon()
  self.reader:abandon()
  self.typed = {}
end

---The first run of `\watch`.
function Shell:watch()
  self.watched = self.last
  local outcome = self:again()
  if outcome.status == "failed" then error("so there is nothing to watch", 0) end
end

---Runs again what is watched.
function Shell:again()
  self:out(present.paint(self.looks, os.date "%H:%M:%S", "dim") .. "\n")
  local pager = self.pager
  self.pager = false
  local outcome = self:run(self.watched)
  self.pager = pager
  return outcome or { status = "watch" }
end

---What Tab offers.
---@param line string
---@param cursor integer bytes before it
---@return integer start
---@return string[] candidates
function Shell:complete(line, cursor)
  local before = self.reader:waiting_text()
  return complete.complete({
    commands = commands.names(), catalog = self:names(), before = before == "" and "" or before .. "\n",
    globals = self.globals, extra = { "db" },
  }, line:sub(1, cursor))
end

function Shell:print_document()
  if not self.options.json then return end
  io.stdout:write('{"schema_version":1,"results":[', table.concat(self.documents, ",\n"), "]}\n")
end

---The end. An open transaction is rolled back, and that is said.
function Shell:close()
  self:print_document()
  if self.held and self.held:close() then self:talk "The open transaction was rolled back." end
end

return M
