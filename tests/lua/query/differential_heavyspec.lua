-- The generated queries of differential_pgspec.lua: others at each run, as many as there is time for. One that
-- fails says its seed: MOONPOOL_SEED=… runs it alone.

local ffi = require "ffi"

ffi.cdef "int setenv(const char* name, const char* value, int overwrite);"

local function unless_said(name, value) ffi.C.setenv(name, value, 0) end

unless_said("MOONPOOL_QUERIES", "20000")
unless_said("MOONPOOL_SECONDS", "240")
unless_said("MOONPOOL_FIRST", tostring(os.time()))

-- busted's words are in the environment of this file and nowhere else.
setfenv(assert(loadfile "tests/lua/query/differential_pgspec.lua"), getfenv(1))()
