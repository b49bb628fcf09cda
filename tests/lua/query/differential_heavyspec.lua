-- The generated queries of differential_pgspec.lua, many more of them.

local ffi = require "ffi"

ffi.cdef "int setenv(const char* name, const char* value, int overwrite);"
ffi.C.setenv("MOONPOOL_QUERIES", os.getenv "MOONPOOL_QUERIES" or "20000", 1)
dofile "tests/lua/query/differential_pgspec.lua"
