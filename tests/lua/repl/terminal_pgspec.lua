local program = require "program"
local terminal = require "terminal"

local state = os.tmpname()
os.remove(state)

local open

local function start(env, ...)
  local all = {
    TERM = "xterm", XDG_STATE_HOME = state, LD_PRELOAD = false, MOONPOOL_LUA = false, MOONPOOL_PAGER = "",
    MOONPOOL_DSN = false, MOONPOOL_ENV = false,
    XDG_CONFIG_HOME = "/nonexistent", INPUTRC = "/dev/null", LC_ALL = "C.UTF-8", NO_COLOR = "1", PROMPT_COMMAND = false,
  }
  for name, value in pairs(env or {}) do all[name] = value end
  open = terminal.start({ program.path(), ... }, all)
  return open
end

-- A shell that is ready, and what its prompt says.
local function shell(env)
  local own = start(env)
  own:expect "Ctrl-D leaves."
  own:expect "@primary> "
  return own
end

describe("the prompt", function()
  after_each(function()
    if open then open:close() end
    open = nil
  end)
  teardown(function() os.execute("rm -rf " .. state) end)

  it("greets in two lines, tells where it is, and leaves on Ctrl-D", function()
    local own = start()
    local banner = own:expect "\n"
    assert.is_truthy(banner:match "^Moonpool %d+%.%d+%.%d+ · PostgreSQL %d+.*database %S+ as %S+ on primary")
    own:expect "Type Lua or SQL; \\? for help, Ctrl-D leaves.\n"
    own:expect "@primary> "
    own:send "\4"
    assert.equal(0, own:wait())
  end)

  it("shows results with their time and node", function()
    local own = shell()
    own:send "select 1 as one\r"
    own:expect "one\n─────\n   1\n(1 row, "
    own:expect " ms, primary)\n"
    own:expect "@primary> "
    own:send "40 + 2\r"
    own:expect "42\n"
  end)

  it("continues unfinished input", function()
    local own = shell()
    own:send "for i = 7, 8 do\r"
    own:expect "...> "
    own:send "print('got', i) end\r"
    own:expect "got\t7\ngot\t8\n"
    own:send "select 'a\r"
    own:expect "...> "
    own:send "b' as x;\r"
    own:expect "a↵b"
  end)

  it("tells the state of the transaction", function()
    local own = shell()
    own:send "begin\r"
    own:expect "@primary*> "
    own:send "select 1/0\r"
    own:expect "division_by_zero"
    own:expect "@primary!> "
    own:send "rollback\r"
    own:expect "ROLLBACK"
    own:expect "@primary> "
  end)

  it("keeps the session when Ctrl-C ends a query", function()
    local own = shell()
    local began = os.time()
    own:send "select pg_sleep(60)\r"
    own:expect "pg_sleep(60)"
    for _ = 1, 200 do
      local ran = program.run { "--json", "-c",
        "select count(*) as n from pg_stat_activity where query like 'select pg_sleep(60)%' and state = 'active'" }
      if ran.out:find '"n":1' then break end
    end
    own:send "\3"
    own:expect "Interrupted."
    assert.is_true(os.time() - began < 55)
    own:expect "@primary> "
    own:send "select 'still here' as x\r"
    own:expect "still here\n"
  end)

  it("keeps the session when Ctrl-C ends a loop", function()
    local own = shell()
    own:send "print('begin' .. 'ning') while true do end\r"
    own:expect "beginning"
    own:send "\3"
    own:expect "Interrupted."
    own:expect "@primary> "
    own:send "'after' .. 'wards'\r"
    own:expect '"afterwards"'
  end)

  it("drops the line on Ctrl-C", function()
    local own = shell()
    own:send "select 'half"
    own:expect "half"
    own:send "\3"
    own:expect "@primary> "
    own:send "'who' .. 'le'\r"
    own:expect '"whole"'
  end)

  it("completes on Tab", function()
    program.run({ "-c", "drop table if exists tab_spec; create table tab_spec (a_long_column int)" })
    local own = shell()
    own:send "select * from tab_sp\t"
    own:expect "tab_spec"
    own:send " where a_lo\t"
    own:expect "a_long_column"
    own:send "\3"
    own:expect "@primary> "
    own:send "db:query_r\t"
    own:expect "query_row"
    own:send "\3"
    own:expect "@primary> "
    own:send "moonpool.conn\t"
    own:expect "connect"
    own:send "\3"
    program.run({ "-c", "drop table tab_spec" })
  end)

  it("recalls an entry of several lines whole, also in the next session", function()
    local own = shell()
    own:send "select 'first' as a,\r"
    own:expect "...> "
    own:send "'second' as b;\r"
    own:expect "(1 row"
    own:expect "@primary> "
    own:send "create user nobody password 'canary'\27\127\21"
    own:send "\4"
    assert.equal(0, own:wait())
    own:close()
    own = shell()
    own:send "\27[A\r"
    own:expect "first │ second"
  end)

  it("keeps the history to its owner, and secrets out of it", function()
    local own = shell()
    own:send "-- the password is canary\r"
    own:expect "@primary> "
    own:send "'remembered'\r"
    own:expect '"remembered"'
    own:expect "@primary> "
    own:send "\4"
    own:wait()
    local path = state .. "/moonpool/history"
    local file = assert(io.open(path))
    local text = file:read "*a"
    file:close()
    assert.is_truthy(text:find("remembered", 1, true))
    assert.is_nil(text:find("canary", 1, true))
    local pipe = io.popen("stat -c %a " .. path)
    assert.equal("600\n", pipe:read "*a")
    pipe:close()
  end)

  it("watches until Ctrl-C", function()
    local own = shell()
    own:send "select 'tick' || 'tock' as x\r"
    own:expect "ticktock"
    own:send "\\watch 0.2\r"
    for _ = 1, 3 do own:expect "ticktock" end
    own:send "\3"
    own:expect "@primary> "
    own:send "1 + 1\r"
    own:expect "2\n"
  end)

  it("shows a table that is too wide as records", function()
    local own = shell()
    own:send "select repeat('x', 80) as a, repeat('y', 80) as b\r"
    own:expect "─[ 1 ]─"
    own:expect "b │ yyy"
  end)

  it("opens the editor and runs what it leaves", function()
    local script = os.tmpname()
    local file = io.open(script, "w")
    file:write "#!/bin/sh\nprintf \"select 'ed' || 'ited' as x;\\n\" > \"$1\"\n"
    file:close()
    os.execute("chmod +x " .. script)
    local own = shell { EDITOR = script, VISUAL = false, MOONPOOL_EDITOR = false }
    own:send "\\e\r"
    own:expect "edited\n"
    os.remove(script)
  end)

  it("asks before a statement that destroys much, and takes no for an answer", function()
    program.run({ "-c", "drop table if exists guard_spec; create table guard_spec as select 1 as a" })
    local own = shell()
    own:send "delete from guard_spec\r"
    own:expect "This deletes every row of guard_spec. Go on? [y/N] "
    own:send "\r"
    own:expect "Nothing was done."
    own:expect "@primary> "
    own:send "select count(*) as left_over from guard_spec\r"
    own:expect "1\n(1 row"
    own:send "drop table guard_spec;\r"
    own:expect "[y/N] "
    own:send "y\r"
    own:expect "DROP TABLE"
  end)

  it("lets nothing change with --read-only", function()
    local own = start({}, "--read-only")
    own:expect ", read-only"
    own:expect "@primary> "
    own:send "create table never (a int);\r"
    own:expect "read_only_sql_transaction"
    own:expect "@primary> "
    own:send "db:exec 'create table never (a int)'\r"
    own:expect "error:"
  end)

  it("names the environment, and runs the user's own beginnings", function()
    os.execute("mkdir -p " .. state .. "/moonpool")
    local file = io.open(state .. "/moonpool/init.lua", "w")
    file:write "function greeting() return 'from init' end\n"
    file:close()
    local own = start { MOONPOOL_ENV = "production", XDG_CONFIG_HOME = state }
    own:expect "production "
    own:expect "@primary> "
    own:send "greeting()\r"
    own:expect '"from init"'
  end)

  it("goes without readline on a dumb terminal", function()
    local own = shell { TERM = "dumb" }
    own:send "1 +\n"
    own:expect "...> "
    own:send "2\n"
    own:expect "3\n"
    own:send "\4"
    assert.equal(0, own:wait())
  end)

  it("says clearly that no server answers, and ends with 3", function()
    local own = start { MOONPOOL_DSN = "host=/nonexistent password=canary" }
    own:expect "/nonexistent"
    assert.is_nil(own.seen:find("canary", 1, true))
    assert.equal(3, own:wait())
  end)

  it("colours a terminal unless NO_COLOR says no", function()
    for _, case in ipairs { { "", true }, { "1", false } } do
      local own = start { NO_COLOR = case[1] }
      own:expect "Ctrl-D leaves."
      own:send "x.y\r"
      while not own.seen:find("nil value", 1, true) do assert.is_true(own:pump(5000)) end
      assert.equal(case[2], own.seen:find("\27[31merror:", 1, true) ~= nil)
      own:expect "  x.y\n  ^\n"
      own:close()
      open = nil
    end
  end)
end)
