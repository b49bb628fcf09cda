--- What NOTIFY says: a loop over notes, on a connection of its own that is replaced when it is lost.

local duration = require "moonpool.core.duration"
local errors = require "moonpool.core.error"
local ffi = require "ffi"
local guard = require "moonpool.core.guard"
local native = require "moonpool.core.ffi"
local option = require "moonpool.core.options"
local run = require "moonpool.core.run"

local C = native.C

local M = {}

---@class moonpool.Note
---@field channel string|nil
---@field payload string|nil
---@field pid integer|nil the sender's
---@field gap true|nil the connection was lost and is back; there is no channel then
---@field since string|nil of a gap: notes sent after this time of the server may have been missed

---@class moonpool.Listener
---@field private line ffi.cdata*|nil the engine's listener; nil once it is closed
---@field private timeout number|nil
local Listener = {}
Listener.__index = Listener

local known = { probe = true, timeout = true }

local function channels_of(channels)
  if type(channels) == "string" then channels = { channels } end
  if type(channels) ~= "table" or rawget(channels, 1) == nil then
    errors.misuse("listen takes the name of a channel, or a list of names, got %s",
      type(channels) == "table" and "an empty list" or "a " .. type(channels))
  end
  for i, one in ipairs(channels) do
    if type(one) ~= "string" then errors.misuse("a channel is named by a string, number %d is a %s", i, type(one)) end
  end
  return channels
end

---@async
---@param session ffi.cdata*
---@param channels string|string[]
---@param options { timeout: string|number|nil, probe: string|number|nil }|nil
---@return moonpool.Listener
function M.open(session, channels, options)
  channels, options = channels_of(channels), option.check("listen", options, known)
  local timeout = duration.seconds(options.timeout, "timeout")
  local values = ffi.new("mp_value[?]", #channels)
  for i, one in ipairs(channels) do
    values[i - 1].data, values[i - 1].length = one, #one
  end
  local wishes = ffi.new "mp_listen_options"
  wishes.size = ffi.sizeof "mp_listen_options"
  wishes.timeout, wishes.probe = 0, duration.seconds(options.probe, "probe") or 0
  local handle = run.ended(C.mp_listen(session, values, #channels, wishes))
  local line = ffi.gc(C.mp_op_listener(handle), C.mp_listener_free)
  C.mp_op_free(ffi.gc(handle, nil))
  return setmetatable({ line = line, timeout = timeout }, Listener)
end

local function note_of(found)
  if found.gap == 1 then return { gap = true, since = ffi.string(found.since) } end
  return {
    channel = ffi.string(found.channel), payload = ffi.string(found.payload, found.payload_length), pid = found.pid,
  }
end

local function wait(listener, timeout)
  if not listener.line then return nil end
  local handle = run.ended(C.mp_listener_next(listener.line, timeout))
  local found = C.mp_op_note(handle)
  local note = found ~= nil and note_of(found) or nil
  C.mp_op_free(ffi.gc(handle, nil))
  return note
end

---The next note; nil when `timeout` (else the listener's, else none) has passed without one, or the listener is
---closed. Raises where the connection was lost and could not be replaced in that time; the next call tries again.
---@async
---@param timeout string|number|nil
---@return moonpool.Note|nil
function Listener:next(timeout)
  return wait(self, duration.seconds(timeout, "timeout") or self.timeout or -1)
end

local function next_note(listener)
  return wait(listener, listener.timeout or -1)
end

---Walks over the notes as they come: `for note in db:listen("orders"):each() do`. Ends when the listener is
---closed, or when its `timeout` has passed without a note.
---@async
---@return fun(listener: moonpool.Listener): moonpool.Note|nil
---@return moonpool.Listener
function Listener:each()
  return next_note, self
end

---Lets go of the connection.
function Listener:close()
  local line = self.line
  if not line then return end
  self.line = nil
  C.mp_listener_free(ffi.gc(line, nil))
end

guard.methods(Listener, Listener, "a listener")

return M
