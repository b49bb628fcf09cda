#pragma once

#include <lua.hpp>

#include "moonpool/value.hpp"

// What the files of this floor share. Two rules hold in all of them: no C++ exception travels through
// a Lua frame, and a Lua error never skips a destructor. So a function that may raise a Lua error is
// called under lua_pcall, and holds nothing that has a destructor.

namespace moonpool::script {

// Pushes a value. May raise a Lua error (out of memory).
void push_value(lua_State* lua, Value const& value);

// Reads the value at `index` without running Lua code and without raising. Tables whose keys are 1..n
// are lists (the empty one too), other tables are maps with their keys as text, sorted. Throws Error
// of kind script for what no host can hold: functions, coroutines, userdata, cycles.
Value read_value(lua_State* lua, int index);

// A message handler for lua_pcall: hands the error on as it is and keeps the traceback.
int keep_traceback(lua_State* lua);
// The traceback that keep_traceback kept last, which is then forgotten.
std::string take_traceback(lua_State* lua);

// Pops the error value on top and throws it as a moonpool::Error: an error object of the Lua modules
// with its kind and its server fields, anything else as kind `script` with its tostring.
[[noreturn]] void throw_error(lua_State* lua);

// Lets `require` find the modules in `folder`, or the embedded ones where it is empty. May raise.
void install_loader(lua_State* lua, char const* folder);

}  // namespace moonpool::script
