--- Finds the engine and checks that it is the one this tree was written for.

local abi = require "moonpool.core.abi"
local ffi = require "ffi"

local M = {}

-- A host may have loaded another copy of these modules into the same state.
if not pcall(ffi.typeof, "mp_value") then ffi.cdef(abi.declarations) end

local function answers(library)
  return pcall(function() return library.mp_abi_version end)
end

-- lua/moonpool/core/ffi.lua of a source tree lies beside build/.
local function beside_the_tree()
  local root = debug.getinfo(1, "S").source:match "^@(.*)lua/moonpool/core/ffi%.lua$"
  return root and (root == "" and "." or root) .. "/build/libmoonpool.so"
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- The places in the order they are asked: in the process already (the executable, a host), where
-- MOONPOOL_LIBRARY says, in the build folder of this source tree, where the system keeps libraries.
local function candidates()
  local said = os.getenv "MOONPOOL_LIBRARY"
  if said and said ~= "" then return { said } end
  local built = beside_the_tree()
  if built and exists(built) then return { built } end
  return { "moonpool", "libmoonpool.so.0" }
end

local function load()
  if answers(ffi.C) then return ffi.C, "this process" end
  local refusals = {}
  for _, name in ipairs(candidates()) do
    local ok, library = pcall(ffi.load, name)
    if ok and answers(library) then return library, name end
    refusals[#refusals + 1] = "  " .. (ok and name .. ": not Moonpool's library" or tostring(library))
  end
  error("Moonpool's engine library was not found:\n" .. table.concat(refusals, "\n")
    .. "\nBuild it with `make`, or say where it is: MOONPOOL_LIBRARY=/path/to/libmoonpool.so", 0)
end

local function check(library, from)
  local version = library.mp_abi_version()
  if version ~= abi.VERSION then
    error(("the engine library (%s) speaks version %d of the ABI, these Lua modules version %d: "
      .. "they come from different builds. Rebuild, or point MOONPOOL_LUA and MOONPOOL_LIBRARY at the same one.")
      :format(from, version, abi.VERSION), 0)
  end
end

---The library: what moonpool.h declares, as fields.
---@type table
M.C, M.loaded_from = load()
check(M.C, M.loaded_from)

-- Out-parameters, reused: every caller reads them before it calls anything else.
local length = ffi.new "size_t[1]"
local failure = ffi.new "mp_error*[1]"
M.length, M.failure = length, failure

---A C string, or nil for NULL.
---@param text ffi.cdata*
---@return string|nil
function M.text(text)
  if text == nil then return nil end
  return ffi.string(text)
end

---Clears and returns the out-parameter for errors.
---@return ffi.cdata*
function M.no_failure()
  failure[0] = nil
  return failure
end

return M
