#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moonpool/value.hpp"

namespace moonpool::script {

// What a script may do. `trusted` code may do all that LuaJIT can; `sandboxed` code is another
// author's: no files, processes, FFI or bytecode.
enum class Level : std::uint8_t { trusted, sandboxed };

struct StateOptions {
  Level level = Level::trusted;
  // Bytes that a running script may hold, the modules it loads included; 0: as many as there are. A
  // script that wants more gets the Lua error "not enough memory".
  std::size_t memory_limit = 0;
  // How long one run may take; 0: as long as it likes. With a limit nothing is compiled, because
  // compiled code does not look at the clock. The error cannot be caught by the script.
  std::chrono::milliseconds time_limit{0};
  // Folder of the Lua modules (it holds moonpool/); empty: the environment's MOONPOOL_LUA, and without
  // that the modules inside the library.
  std::string lua_folder = {};
};

class Object;

// An address, which Lua sees as light userdata; nil where it is null.
struct Pointer {
  void* address = nullptr;
};

// A value, an object or an address as argument of a call.
struct Argument {
  // NOLINTBEGIN(google-explicit-constructor, bugprone-forwarding-reference-overload): a call reads as it
  // would in Lua, and the constraint leaves copies alone.
  template <class T>
  requires(std::is_constructible_v<Value, T> && !std::is_same_v<std::remove_cvref_t<T>, Argument>)
      Argument(T&& given)
      : value(std::forward<T>(given)) {}
  Argument(Object const& given) : object(&given) {}
  Argument(Pointer given) : pointer(given) {}
  // NOLINTEND(google-explicit-constructor, bugprone-forwarding-reference-overload)

  Value value;
  Pointer pointer;
  Object const* object = nullptr;  // leans on the caller's
};

using Values = std::vector<Value>;

// A LuaJIT state. Whatever runs Lua code throws moonpool::Error when that fails: a database error
// keeps its kind and fields, everything else is of kind `script`. The state can be used afterwards.
// Threads: one at a time; interrupt() from any, and from a signal handler.
class State {
 public:
  // Throws Error of kind environment where no state could be made, usage for options that this build
  // does not know.
  explicit State(StateOptions options = {});
  ~State();
  State(State&&) noexcept;
  State& operator=(State&&) noexcept;

  // Sets and reads a global. get() throws for what a Value cannot be.
  void set(std::string_view name, Argument const& value);
  Value get(std::string_view name);

  // Runs Lua and gives what it returned. A first line that begins with # is skipped. The file sees
  // `arg`, with its own path at 0, and its arguments as `...`.
  Values run_file(std::string const& path, std::span<std::string const> args = {});
  Values run_string(std::string_view code, std::string const& chunk_name = "=(script)");

  // Runs Lua and keeps its first result on the Lua side.
  Object object_from(std::string_view code, std::string const& chunk_name = "=(script)");
  // What require gives.
  Object require(std::string_view module);

  // Where the last error came from, as Lua tells it; empty where it tells nothing.
  std::string const& traceback() const;

  // Ends the script that runs with the error "interrupted", as soon as code of the script's own runs in
  // the interpreter; compiled code does not see it. Called again before that, it also ends the
  // library's. Without a running script it does nothing. Async-signal-safe.
  void interrupt() noexcept;

 private:
  friend class Object;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A Lua value that stays on the Lua side: a module, a handle. Must not outlive its state.
class Object {
 public:
  ~Object();
  Object(Object&& other) noexcept;
  Object& operator=(Object&& other) noexcept;

  // object.name(args…)
  Values call(std::string_view name, std::vector<Argument> const& args = {}) const;
  Object call_for_object(std::string_view name, std::vector<Argument> const& args = {}) const;
  // object:name(args…)
  Values send(std::string_view name, std::vector<Argument> const& args = {}) const;
  Object send_for_object(std::string_view name, std::vector<Argument> const& args = {}) const;

 private:
  friend class State;
  Object(State::Impl* state, int reference) : state_(state), reference_(reference) {}
  static std::vector<int> references(std::vector<Argument> const& args);

  State::Impl* state_;
  int reference_;
};

}  // namespace moonpool::script
