#include <cstdio>
#include <cstring>

#include "script/embedded.hpp"
#include "script/lua.hpp"

// Nothing here may hold a destructor while it calls into Lua: each function may raise.

namespace moonpool::script {
namespace {

constexpr std::size_t kLongestName = 200;

EmbeddedModule const* find_embedded(char const* name) {
  for (auto const* module = embedded_modules(); module->name != nullptr; ++module) {
    if (std::strcmp(module->name, name) == 0) return module;
  }
  return nullptr;
}

int load_embedded(lua_State* lua) {
  char const* name = luaL_checkstring(lua, 1);
  auto const* module = find_embedded(name);
  if (module == nullptr) {
    lua_pushfstring(lua, "\n\tno module '%s' inside Moonpool", name);
    return 1;
  }
  lua_pushfstring(lua, "@%s", module->path);
  auto const* source = reinterpret_cast<char const*>(module->source);
  if (luaL_loadbufferx(lua, source, module->size, lua_tostring(lua, -1), "t") != 0) {
    return lua_error(lua);
  }
  return 1;
}

// package.moonpool_source("lua/moonpool/x.lua"): the text of a module inside, for help on it; or nil.
int source_of_embedded(lua_State* lua) {
  char const* path = luaL_checkstring(lua, 1);
  for (auto const* module = embedded_modules(); module->name != nullptr; ++module) {
    if (std::strcmp(module->path, path) != 0) continue;
    lua_pushlstring(lua, reinterpret_cast<char const*>(module->source), module->size);
    return 1;
  }
  return 0;
}

bool is_readable(char const* path) {
  auto* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  std::fclose(file);
  return true;
}

// Modules of ours in the folder that the upvalue names; any other name is for the next searcher.
int load_from_folder(lua_State* lua) {
  char const* name = luaL_checkstring(lua, 1);
  if (std::strlen(name) > kLongestName ||
      (std::strcmp(name, "moonpool") != 0 && std::strncmp(name, "moonpool.", 9) != 0)) {
    lua_pushliteral(lua, "");
    return 1;
  }
  char const* folder = lua_tostring(lua, lua_upvalueindex(1));
  char const* relative = luaL_gsub(lua, name, ".", "/");
  char const* file = lua_pushfstring(lua, "%s/%s.lua", folder, relative);
  char const* init = lua_pushfstring(lua, "%s/%s/init.lua", folder, relative);
  char const* found = is_readable(file) ? file : is_readable(init) ? init : nullptr;
  if (found == nullptr) {
    lua_pushfstring(lua, "\n\tno file '%s' (MOONPOOL_LUA)\n\tno file '%s' (MOONPOOL_LUA)", file,
                    init);
    return 1;
  }
  if (luaL_loadfilex(lua, found, "t") != 0) return lua_error(lua);
  return 1;
}

// Puts the function on top in front of what looks at the disk, behind package.preload.
void insert_searcher(lua_State* lua) {
  int const searcher = lua_gettop(lua);
  lua_getglobal(lua, "package");
  lua_getfield(lua, -1, "loaders");
  for (auto i = static_cast<int>(lua_objlen(lua, -1)); i >= 2; --i) {
    lua_rawgeti(lua, -1, i);
    lua_rawseti(lua, -2, i + 1);
  }
  lua_pushvalue(lua, searcher);
  lua_rawseti(lua, -2, 2);
  lua_settop(lua, searcher - 1);
}

}  // namespace

void install_loader(lua_State* lua, char const* folder) {
  if (folder[0] == '\0') {
    lua_pushcfunction(lua, load_embedded);
  } else {
    lua_pushstring(lua, folder);
    lua_pushcclosure(lua, load_from_folder, 1);
  }
  insert_searcher(lua);
  lua_getglobal(lua, "package");
  lua_pushcfunction(lua, source_of_embedded);
  lua_setfield(lua, -2, "moonpool_source");
  lua_pop(lua, 1);
}

}  // namespace moonpool::script
