#include "script/state.hpp"

#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "script/limits.hpp"
#include "script/lua.hpp"

namespace moonpool::script {
namespace {

// Work that is done under lua_pcall. run() may be left by a Lua error at any call, so it holds
// nothing with a destructor; what it needs lives in the job, which its caller owns.
struct Job {
  virtual ~Job() = default;
  // Leaves its results on the stack, which is empty when it begins.
  virtual void run(lua_State* lua) = 0;
};

int perform(lua_State* lua) {
  auto* const job = static_cast<Job*>(lua_touserdata(lua, 1));
  lua_settop(lua, 0);
  job->run(lua);
  return lua_gettop(lua);
}

void push_text(lua_State* lua, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
}

void push_argument(lua_State* lua, Argument const& argument, int reference) {
  if (argument.object != nullptr) {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, reference);
  } else if (argument.pointer.address != nullptr) {
    lua_pushlightuserdata(lua, argument.pointer.address);
  } else {
    push_value(lua, argument.value);
  }
}

std::string folder_of_modules(StateOptions const& options) {
  if (!options.lua_folder.empty()) return options.lua_folder;
  char const* named = std::getenv("MOONPOOL_LUA");
  return named != nullptr ? named : "";
}

}  // namespace

struct State::Impl {
  explicit Impl(StateOptions const& options) : limits(options.memory_limit, options.time_limit) {}
  ~Impl() {
    if (lua != nullptr) lua_close(lua);
  }
  Impl(Impl const&) = delete;
  Impl& operator=(Impl const&) = delete;

  // Runs the job; its results are on top of the stack then, from first_result on.
  void protect(Job& job);
  Values values(Job& job);
  Object object(Job& job);
  static int reference_of(Argument const& argument);

  Limits limits;
  lua_State* lua = nullptr;
  int perform_reference = LUA_NOREF;
  int handler_reference = LUA_NOREF;
  std::string traceback;
};

namespace {

struct SetUp final : Job {
  char const* folder = "";
  int perform_reference = LUA_NOREF;
  int handler_reference = LUA_NOREF;

  void run(lua_State* lua) override {
    luaL_openlibs(lua);
    install_loader(lua, folder);
    lua_pushcfunction(lua, perform);
    perform_reference = luaL_ref(lua, LUA_REGISTRYINDEX);
    lua_pushcfunction(lua, keep_traceback);
    handler_reference = luaL_ref(lua, LUA_REGISTRYINDEX);
  }
};

struct SetGlobal final : Job {
  std::string name;
  Argument const* value = nullptr;
  int reference = LUA_NOREF;

  void run(lua_State* lua) override {
    push_text(lua, name);
    push_argument(lua, *value, reference);
    lua_settable(lua, LUA_GLOBALSINDEX);
  }
};

struct GetGlobal final : Job {
  std::string name;

  void run(lua_State* lua) override {
    push_text(lua, name);
    lua_gettable(lua, LUA_GLOBALSINDEX);
  }
};

struct RunFile final : Job {
  std::string const* path = nullptr;
  std::span<std::string const> args;

  void run(lua_State* lua) override {
    lua_createtable(lua, static_cast<int>(args.size()), 1);
    push_text(lua, *path);
    lua_rawseti(lua, -2, 0);
    for (std::size_t i = 0; i < args.size(); ++i) {
      push_text(lua, args[i]);
      lua_rawseti(lua, -2, static_cast<int>(i + 1));
    }
    lua_setglobal(lua, "arg");
    if (luaL_loadfile(lua, *path == "-" ? nullptr : path->c_str()) != 0) lua_error(lua);
    luaL_checkstack(lua, static_cast<int>(args.size()), "too many arguments");
    for (auto const& arg : args) push_text(lua, arg);
    lua_call(lua, static_cast<int>(args.size()), LUA_MULTRET);
  }
};

struct RunString final : Job {
  std::string_view code;
  std::string const* chunk_name = nullptr;

  void run(lua_State* lua) override {
    if (luaL_loadbuffer(lua, code.data(), code.size(), chunk_name->c_str()) != 0) lua_error(lua);
    lua_call(lua, 0, LUA_MULTRET);
  }
};

struct Require final : Job {
  std::string name;

  void run(lua_State* lua) override {
    lua_getglobal(lua, "require");
    push_text(lua, name);
    lua_call(lua, 1, 1);
  }
};

struct CallField final : Job {
  int object = LUA_NOREF;
  std::string name;
  bool with_self = false;
  std::vector<Argument> const* args = nullptr;
  std::vector<int> references;  // of the arguments that are objects

  void run(lua_State* lua) override {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, object);
    lua_getfield(lua, 1, name.c_str());
    if (lua_isnil(lua, -1)) luaL_error(lua, "there is no function '%s' to call", name.c_str());
    lua_insert(lua, 1);
    if (!with_self) lua_settop(lua, 1);
    luaL_checkstack(lua, static_cast<int>(args->size()) + 4, "too many arguments");
    for (std::size_t i = 0; i < args->size(); ++i) push_argument(lua, (*args)[i], references[i]);
    lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
  }
};

// Runs another job and keeps its first result.
struct Keep final : Job {
  Job* job = nullptr;
  int reference = LUA_NOREF;

  void run(lua_State* lua) override {
    job->run(lua);
    lua_settop(lua, 1);
    reference = luaL_ref(lua, LUA_REGISTRYINDEX);
  }
};

struct Truncate {
  lua_State* lua;
  int top;
  ~Truncate() { lua_settop(lua, top); }
};

}  // namespace

void State::Impl::protect(Job& job) {
  int const top = lua_gettop(lua);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, handler_reference);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, perform_reference);
  lua_pushlightuserdata(lua, &job);
  traceback.clear();
  limits.begin(lua);
  int const status = lua_pcall(lua, 1, LUA_MULTRET, top + 1);
  limits.end(lua);
  lua_remove(lua, top + 1);
  if (status == 0) return;
  traceback = take_traceback(lua);
  throw_error(lua);
}

Values State::Impl::values(Job& job) {
  Truncate const truncate{lua, lua_gettop(lua)};
  protect(job);
  Values results;
  for (int i = truncate.top + 1; i <= lua_gettop(lua); ++i) results.push_back(read_value(lua, i));
  return results;
}

Object State::Impl::object(Job& job) {
  Truncate const truncate{lua, lua_gettop(lua)};
  Keep keep;
  keep.job = &job;
  protect(keep);
  return Object(this, keep.reference);
}

int State::Impl::reference_of(Argument const& argument) {
  return argument.object != nullptr ? argument.object->reference_ : LUA_NOREF;
}

State::State(StateOptions options) {
  if (options.level != Level::trusted) {
    throw Error(ErrorKind::usage, "this build knows no sandboxed scripts, only trusted ones");
  }
  impl_ = std::make_unique<Impl>(options);
  impl_->lua = impl_->limits.new_state();
  if (impl_->lua == nullptr) {
    throw Error(ErrorKind::environment,
                "LuaJIT could not make a state (out of memory, or a LuaJIT "
                "that takes no memory limit on this machine)");
  }
  auto const folder = folder_of_modules(options);
  SetUp job;
  job.folder = folder.c_str();
  if (lua_cpcall(impl_->lua, perform, static_cast<Job*>(&job)) != 0) throw_error(impl_->lua);
  impl_->limits.guard(impl_->lua, folder.empty() ? "@lua/moonpool/" : "@" + folder + "/moonpool/");
  impl_->perform_reference = job.perform_reference;
  impl_->handler_reference = job.handler_reference;
}

State::~State() = default;
State::State(State&&) noexcept = default;
State& State::operator=(State&&) noexcept = default;

void State::set(std::string_view name, Argument const& value) {
  SetGlobal job;
  job.name = name;
  job.value = &value;
  job.reference = Impl::reference_of(value);
  impl_->values(job);
}

Value State::get(std::string_view name) {
  GetGlobal job;
  job.name = name;
  return std::move(impl_->values(job).at(0));
}

Values State::run_file(std::string const& path, std::span<std::string const> args) {
  RunFile job;
  job.path = &path;
  job.args = args;
  return impl_->values(job);
}

Values State::run_string(std::string_view code, std::string const& chunk_name) {
  RunString job;
  job.code = code;
  job.chunk_name = &chunk_name;
  return impl_->values(job);
}

Object State::object_from(std::string_view code, std::string const& chunk_name) {
  RunString job;
  job.code = code;
  job.chunk_name = &chunk_name;
  return impl_->object(job);
}

Object State::require(std::string_view module) {
  Require job;
  job.name = module;
  return impl_->object(job);
}

std::string const& State::traceback() const { return impl_->traceback; }

void State::interrupt() noexcept { impl_->limits.interrupt(impl_->lua); }

Object::~Object() {
  if (state_ != nullptr) luaL_unref(state_->lua, LUA_REGISTRYINDEX, reference_);
}

Object::Object(Object&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)), reference_(other.reference_) {}

Object& Object::operator=(Object&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(reference_, other.reference_);
  return *this;
}

namespace {

CallField call_job(int object, std::string_view name, bool with_self,
                   std::vector<Argument> const& args, std::vector<int> references) {
  CallField job;
  job.object = object;
  job.name = name;
  job.with_self = with_self;
  job.args = &args;
  job.references = std::move(references);
  return job;
}

}  // namespace

std::vector<int> Object::references(std::vector<Argument> const& args) {
  std::vector<int> all;
  all.reserve(args.size());
  for (auto const& arg : args) all.push_back(State::Impl::reference_of(arg));
  return all;
}

Values Object::call(std::string_view name, std::vector<Argument> const& args) const {
  auto job = call_job(reference_, name, false, args, references(args));
  return state_->values(job);
}

Object Object::call_for_object(std::string_view name, std::vector<Argument> const& args) const {
  auto job = call_job(reference_, name, false, args, references(args));
  return state_->object(job);
}

Values Object::send(std::string_view name, std::vector<Argument> const& args) const {
  auto job = call_job(reference_, name, true, args, references(args));
  return state_->values(job);
}

Object Object::send_for_object(std::string_view name, std::vector<Argument> const& args) const {
  auto job = call_job(reference_, name, true, args, references(args));
  return state_->object(job);
}

}  // namespace moonpool::script
