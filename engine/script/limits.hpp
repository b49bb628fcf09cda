#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

struct lua_Debug;
struct lua_State;

namespace moonpool::script {

// What may end a running script from outside: Ctrl-C, its time limit, its memory limit. One object for
// each state; it does not move.
class Limits {
 public:
  Limits(std::size_t memory, std::chrono::milliseconds time)
      : memory_limit_(memory), time_limit_(time) {}
  Limits(Limits const&) = delete;
  Limits& operator=(Limits const&) = delete;

  // Gives a new state, or null. It allocates under the memory limit, if there is one.
  lua_State* new_state();

  // Once the libraries are open, which switch the compiler on. `library` is how the chunk names of our
  // own modules begin: the first Ctrl-C waits for these.
  void guard(lua_State* lua, std::string library);

  // Around each run. Between runs nothing is limited, so that the host can read results and errors.
  void begin(lua_State* lua);
  void end(lua_State* lua);

  // Async-signal-safe.
  void interrupt(lua_State* lua) noexcept;

 private:
  static void* allocate(void* self, void* block, std::size_t old_size, std::size_t new_size);
  static void on_hook(lua_State* lua, lua_Debug* where);
  static Limits* of(lua_State* lua);
  void judge(lua_State* lua, lua_Debug* where);
  bool is_library(lua_State* lua, lua_Debug* where) const;

  std::size_t const memory_limit_;
  std::chrono::milliseconds const time_limit_;
  std::string library_;
  std::size_t memory_used_ = 0;
  std::chrono::steady_clock::time_point deadline_;
  std::atomic<bool> running_ = false;
  std::atomic<int> interrupts_ = 0;
};

}  // namespace moonpool::script
