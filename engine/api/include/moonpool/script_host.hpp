// script_host.hpp: Lua scripts inside your program. Header-only over script_host.h.
//
//   moonpool::ScriptHost lua{cluster};                // `db` is this cluster, `moonpool` the library
//   lua.set("threshold", 18);
//   auto adults = lua.run_file("scripts/report.lua");
//   for (auto const& row : adults) use(row["name"].as<std::string>());
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "moonpool/error.hpp"
#include "moonpool/moonpool.hpp"
#include "moonpool/script_host.h"
#include "moonpool/value.hpp"

namespace moonpool {
inline namespace v1 {

struct ScriptOptions {
  std::uint64_t memory_limit = 0;  // bytes that a running script may hold; 0: no limit
  std::chrono::milliseconds time_limit{
      0};  // for one run; 0: no limit. With one, nothing is compiled.
};

namespace detail {

struct FreeHost {
  void operator()(mp_host* host) const noexcept { mp_host_free(host); }
  void operator()(mp_host_value* value) const noexcept { mp_host_value_free(value); }
};
using HostValue = std::unique_ptr<mp_host_value, FreeHost>;

inline mp_host_value* make_host_value(Value const& value) {
  switch (value.type()) {
    case Value::Type::boolean:
      return mp_host_boolean(value.as<bool>() ? 1 : 0);
    case Value::Type::integer:
      return mp_host_integer(value.as<std::int64_t>());
    case Value::Type::number:
      return mp_host_number(value.as<double>());
    case Value::Type::text: {
      auto const text = value.as<std::string_view>();
      return mp_host_text(text.data(), text.size());
    }
    case Value::Type::list: {
      HostValue list(mp_host_list());
      for (auto const& item : value.items())
        mp_host_add(list.get(), nullptr, 0, make_host_value(item));
      return list.release();
    }
    case Value::Type::map: {
      HostValue map(mp_host_map());
      for (auto const& field : value.fields()) {
        mp_host_add(map.get(), field.first.data(), field.first.size(),
                    make_host_value(field.second));
      }
      return map.release();
    }
    default:
      return mp_host_nil();
  }
}

inline Value read_host_value(mp_host_value const* value) {
  std::size_t length = 0;
  switch (mp_host_type_of(value)) {
    case MP_HOST_BOOLEAN:
      return mp_host_as_boolean(value) != 0;
    case MP_HOST_INTEGER:
      return mp_host_as_integer(value);
    case MP_HOST_NUMBER:
      return mp_host_as_number(value);
    case MP_HOST_TEXT: {
      char const* const text = mp_host_as_text(value, &length);
      return std::string_view(text, length);
    }
    case MP_HOST_LIST: {
      Value::List list;
      for (std::size_t i = 0; i < mp_host_count(value); ++i) {
        list.push_back(read_host_value(mp_host_item(value, i)));
      }
      return list;
    }
    case MP_HOST_MAP: {
      Value::Map map;
      for (std::size_t i = 0; i < mp_host_count(value); ++i) {
        char const* const key = mp_host_key(value, i, &length);
        map.emplace_back(std::string(key, length), read_host_value(mp_host_item(value, i)));
      }
      return map;
    }
    default:
      return {};
  }
}

}  // namespace detail

// A LuaJIT state with the library in it. What fails in a script is thrown as Error: a database error
// with all its fields, anything else with kind "script"; the host can be used afterwards. Scripts are
// trusted: they may do what the program may.
// Threads: one at a time, but for interrupt().
class ScriptHost {
 public:
  // Without a cluster there is no `db`. Throws Error.
  explicit ScriptHost(ScriptOptions const& options = {}) : ScriptHost(nullptr, options) {}
  explicit ScriptHost(Cluster const& cluster, ScriptOptions const& options = {})
      : ScriptHost(cluster.handle(), options) {}
  // The cluster stays the caller's and may be freed before the host.
  explicit ScriptHost(mp_cluster const* cluster, ScriptOptions const& options = {}) {
    mp_host_options wish{};
    wish.size = sizeof wish;
    wish.memory_limit = options.memory_limit;
    wish.time_limit = std::chrono::duration<double>(options.time_limit).count();
    mp_error* error = nullptr;
    host_.reset(mp_host_new(cluster, &wish, &error));
    if (!host_) detail::raise(error);
  }

  // A global, set and read.
  void set(std::string const& name, Value const& value) {
    detail::HostValue const given(detail::make_host_value(value));
    mp_error* error = nullptr;
    if (mp_host_set(host_.get(), name.c_str(), given.get(), &error) == 0) detail::raise(error);
  }
  Value get(std::string const& name) {
    mp_error* error = nullptr;
    return take(mp_host_get(host_.get(), name.c_str(), &error), error);
  }

  // Runs Lua and gives the first value it returned. Results and rows of queries are lists of maps.
  Value run_file(std::string const& path, Value::List const& args = {}) {
    detail::HostValue const given(detail::make_host_value(args));
    mp_error* error = nullptr;
    return take(mp_host_run_file(host_.get(), path.c_str(), given.get(), &error), error);
  }
  Value run_string(std::string_view code, std::string const& name = "=(script)") {
    mp_error* error = nullptr;
    return take(mp_host_run_string(host_.get(), code.data(), code.size(), name.c_str(), &error),
                error);
  }
  // Calls a global function, "report" or "reports.daily".
  template <class... Args>
  Value call(std::string const& function, Args&&... args) {
    detail::HostValue const given(
        detail::make_host_value(Value::List{Value(std::forward<Args>(args))...}));
    mp_error* error = nullptr;
    return take(mp_host_call(host_.get(), function.c_str(), given.get(), &error), error);
  }

  // Who called whom when the last run failed.
  std::string traceback() const { return mp_host_traceback(host_.get()); }

  // From any thread, or a signal handler: ends the running script with the error "interrupted", as soon
  // as it runs code in the interpreter (compiled loops do not see it).
  void interrupt() noexcept { mp_host_interrupt(host_.get()); }

  mp_host* handle() const { return host_.get(); }

 private:
  // By reference: the error is there only once the other argument has been worked out.
  static Value take(mp_host_value* given, mp_error* const& error) {
    if (given == nullptr) detail::raise(error);
    detail::HostValue const owned(given);
    return detail::read_host_value(given);
  }

  std::unique_ptr<mp_host, detail::FreeHost> host_;
};

}  // namespace v1
}  // namespace moonpool
