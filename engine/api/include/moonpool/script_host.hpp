// Lua inside your program: LuaJIT with Moonpool's modules, and `db` for the cluster you connected.
//
//   moonpool::ScriptHost lua{cluster};
//   lua.set("threshold", 18);
//   auto adults = lua.run_file("scripts/report.lua");   // what the script returned
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "moonpool/moonpool.hpp"
#include "moonpool/value.hpp"

typedef struct mp_script_host mp_script_host;

extern "C" {
// What ScriptHost is made of. The results replace what `results` held; 0 is failure and gives an error.
MP_API mp_script_host* mp_script_host_new(mp_cluster* cluster, mp_error** error) noexcept;
MP_API int mp_script_host_set(mp_script_host* host, std::string_view name, moonpool::Value const& value,
                              mp_error** error) noexcept;
MP_API int mp_script_host_run_file(mp_script_host* host, std::string const& path,
                                   std::vector<std::string> const& arguments,
                                   std::vector<moonpool::Value>& results, mp_error** error) noexcept;
MP_API int mp_script_host_run_string(mp_script_host* host, std::string_view code,
                                     std::vector<moonpool::Value>& results, mp_error** error) noexcept;
MP_API void mp_script_host_free(mp_script_host* host) noexcept;
}

namespace moonpool {
inline namespace v1 {

// A Lua state of its own. Scripts are trusted: they may do all that LuaJIT can. They see the globals
// `db` (the cluster, as moonpool.connect gives it), `moonpool`, and what set() puts there. Whatever
// fails in a script is thrown as Error: a database error with its kind and fields, anything else with
// the kind `script` and the place in the message. The state can be used afterwards.
// Threads: one at a time. The cluster lives at least as long as the host.
class ScriptHost {
 public:
  explicit ScriptHost(Cluster const& cluster) : ScriptHost(cluster.handle()) {}
  explicit ScriptHost(mp_cluster* cluster) {
    mp_error* error = nullptr;
    host_.reset(mp_script_host_new(cluster, &error));
    if (!host_) detail::raise(error);
  }

  // A global variable of the scripts.
  void set(std::string_view name, Value const& value) {
    mp_error* error = nullptr;
    if (mp_script_host_set(host_.get(), name, value, &error) == 0) detail::raise(error);
  }
  // What the script returned first; nil when it returned nothing.
  Value run_file(std::string const& path, std::vector<std::string> const& arguments = {}) {
    mp_error* error = nullptr;
    std::vector<Value> results;
    if (mp_script_host_run_file(host_.get(), path, arguments, results, &error) == 0) detail::raise(error);
    return results.empty() ? Value() : std::move(results.front());
  }
  Value run_string(std::string_view code) {
    mp_error* error = nullptr;
    std::vector<Value> results;
    if (mp_script_host_run_string(host_.get(), code, results, &error) == 0) detail::raise(error);
    return results.empty() ? Value() : std::move(results.front());
  }

 private:
  struct Free {
    void operator()(mp_script_host* host) const noexcept { mp_script_host_free(host); }
  };
  std::unique_ptr<mp_script_host, Free> host_;
};

}  // namespace v1
}  // namespace moonpool
