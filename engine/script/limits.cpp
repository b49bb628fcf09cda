#include "script/limits.hpp"

#include <cstdlib>
#include <cstring>

#include "script/lua.hpp"

namespace moonpool::script {
namespace {

char const kLimitsKey = 0;
constexpr int kInstructionsBetweenLooks = 1000;

}  // namespace

void* Limits::allocate(void* self, void* block, std::size_t old_size, std::size_t new_size) {
  auto& limits = *static_cast<Limits*>(self);
  if (new_size == 0) {
    limits.memory_used_ -= old_size;
    std::free(block);
    return nullptr;
  }
  auto const used = limits.memory_used_ - old_size + new_size;
  if (new_size > old_size && limits.running_ && used > limits.memory_limit_) return nullptr;
  auto* const given = std::realloc(block, new_size);
  if (given != nullptr) limits.memory_used_ = used;
  return given;
}

lua_State* Limits::new_state() {
  auto* const lua = memory_limit_ == 0 ? luaL_newstate() : lua_newstate(allocate, this);
  if (lua == nullptr) return nullptr;
  lua_pushlightuserdata(lua, const_cast<char*>(&kLimitsKey));
  lua_pushlightuserdata(lua, this);
  lua_rawset(lua, LUA_REGISTRYINDEX);
  return lua;
}

void Limits::guard(lua_State* lua, std::string library) {
  library_ = std::move(library);
  // Compiled code runs past the hook that looks at the clock.
  if (time_limit_.count() > 0) luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
}

Limits* Limits::of(lua_State* lua) {
  lua_pushlightuserdata(lua, const_cast<char*>(&kLimitsKey));
  lua_rawget(lua, LUA_REGISTRYINDEX);
  auto* const limits = static_cast<Limits*>(lua_touserdata(lua, -1));
  lua_pop(lua, 1);
  return limits;
}

void Limits::begin(lua_State* lua) {
  interrupts_ = 0;
  if (time_limit_.count() > 0) {
    deadline_ = std::chrono::steady_clock::now() + time_limit_;
    lua_sethook(lua, on_hook, LUA_MASKCOUNT, kInstructionsBetweenLooks);
  }
  running_ = true;
}

void Limits::end(lua_State* lua) {
  running_ = false;
  lua_sethook(lua, nullptr, 0, 0);
}

void Limits::interrupt(lua_State* lua) noexcept {
  if (!running_) return;
  ++interrupts_;
  lua_sethook(lua, on_hook, LUA_MASKCOUNT, 1);
}

void Limits::on_hook(lua_State* lua, lua_Debug* where) { of(lua)->judge(lua, where); }

bool Limits::is_library(lua_State* lua, lua_Debug* where) const {
  return lua_getinfo(lua, "S", where) != 0 &&
         std::strncmp(where->source, library_.c_str(), library_.size()) == 0;
}

// The library is left to finish what it does at the first Ctrl-C: it may be rolling back.
void Limits::judge(lua_State* lua, lua_Debug* where) {
  if (time_limit_.count() > 0 && std::chrono::steady_clock::now() >= deadline_) {
    // From here on each instruction fails, so that no pcall lives on.
    lua_sethook(lua, on_hook, LUA_MASKCOUNT, 1);
    luaL_error(lua, "the script ran longer than its time limit of %d ms",
               static_cast<int>(time_limit_.count()));
  }
  if (interrupts_ > 1 || (interrupts_ == 1 && !is_library(lua, where))) {
    interrupts_ = 0;
    lua_sethook(lua, time_limit_.count() > 0 ? on_hook : nullptr,
                time_limit_.count() > 0 ? LUA_MASKCOUNT : 0, kInstructionsBetweenLooks);
    luaL_error(lua, "interrupted");
  }
}

}  // namespace moonpool::script
