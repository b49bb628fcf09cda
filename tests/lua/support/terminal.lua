--- A program on a terminal of its own (a pseudo-terminal), typed at and read from.

local ffi = require "ffi"

ffi.cdef [[
struct tests_winsize { unsigned short rows, columns, x, y; };
int forkpty(int* master, char* name, const void* termios, const struct tests_winsize* size);
int execvp(const char* file, char* const argv[]);
int setenv(const char* name, const char* value, int overwrite);
int unsetenv(const char* name);
long read(int fd, void* buffer, size_t count);
long write(int fd, const void* buffer, size_t count);
int close(int fd);
int kill(int pid, int signal);
int waitpid(int pid, int* status, int options);
void _exit(int code);
struct tests_pollfd { int fd; short events, revents; };
int poll(struct tests_pollfd* fds, unsigned long count, int timeout);
]]

local C = ffi.C
local util = pcall(function() return C.forkpty end) and C or ffi.load "util"

local Terminal = {}
Terminal.__index = Terminal

local M = {}

---Starts a program. Ended by `close`, which kills what still runs.
---@param argv string[]
---@param env table<string, string|false>|nil
---@return table
function M.start(argv, env)
  -- Everything is made before the fork: between it and exec there is no allocating.
  local words = ffi.new("char*[?]", #argv + 1)
  local anchors = {}
  for i, word in ipairs(argv) do
    anchors[i] = ffi.new("char[?]", #word + 1, word)
    words[i - 1] = anchors[i]
  end
  local master, size = ffi.new "int[1]", ffi.new("struct tests_winsize", { 40, 100, 0, 0 })
  local pid = util.forkpty(master, nil, nil, size)
  if pid == 0 then
    for name, value in pairs(env or {}) do
      if value then C.setenv(name, value, 1) else C.unsetenv(name) end
    end
    C.execvp(words[0], words)
    C._exit(127)
  end
  assert(pid > 0, "no pseudo-terminal")
  return setmetatable({ pid = pid, fd = master[0], seen = "" }, Terminal)
end

-- What the screen would show: without the sequences that colour and move.
local function visible(text)
  return (text:gsub("\27%[[%d;?]*%a", ""):gsub("\27[=>]", ""):gsub("\r", ""):gsub("\7", ""))
end

---Types.
---@param text string
function Terminal:send(text)
  C.write(self.fd, text, #text)
end

function Terminal:pump(milliseconds)
  local waiting = ffi.new("struct tests_pollfd[1]", { { self.fd, 1, 0 } })
  if C.poll(waiting, 1, milliseconds) <= 0 then return true end
  local buffer = ffi.new "char[4096]"
  local count = tonumber(C.read(self.fd, buffer, 4096))
  if count <= 0 then return false end
  self.seen = self.seen .. ffi.string(buffer, count)
  return true
end

---Waits until the screen shows a text, and forgets what stood up to there. Gives what stood before it; an error
---with all that was seen when it does not come in time.
---@param what string plain text
---@param seconds number|nil 30
---@return string
function Terminal:expect(what, seconds)
  local deadline = os.time() + (seconds or 30)
  while true do
    local shown = visible(self.seen)
    local from, to = shown:find(what, 1, true)
    if from then
      self.seen = shown:sub(to + 1)
      return shown:sub(1, from - 1)
    end
    local alive = self:pump(100)
    if not alive or os.time() > deadline then
      error(("%q did not appear; the screen shows:\n%s"):format(what, visible(self.seen)), 2)
    end
  end
end

---Waits for the end of the program; its exit code, or 128 and the signal.
---@param seconds number|nil 30
---@return integer
function Terminal:wait(seconds)
  local status, deadline = ffi.new "int[1]", os.time() + (seconds or 30)
  repeat
    self:pump(50)
    local gone = C.waitpid(self.pid, status, 1)
    if gone == self.pid then
      self.pid = nil
      local signal = status[0] % 128
      return signal == 0 and math.floor(status[0] / 256) % 256 or 128 + signal
    end
  until os.time() > deadline
  error("the program does not end; the screen shows:\n" .. visible(self.seen), 2)
end

function Terminal:close()
  if self.pid then
    C.kill(self.pid, 9)
    C.waitpid(self.pid, nil, 0)
    self.pid = nil
  end
  C.close(self.fd)
end

return M
