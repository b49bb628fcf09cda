#pragma once

#include <cstddef>

namespace moonpool::script {

// One Lua module compiled into the library.
struct EmbeddedModule {
  char const* name;  // "moonpool.core.rows"
  char const* path;  // "lua/moonpool/core/rows.lua": the chunk name that errors show
  unsigned char const* source;
  std::size_t size;
};

// Sorted by path; a module whose name is nullptr ends the list. Static.
EmbeddedModule const* embedded_modules();

}  // namespace moonpool::script
