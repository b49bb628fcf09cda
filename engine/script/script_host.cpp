// The C++ face's ScriptHost (moonpool/script_host.hpp). That header's own classes share names with the
// engine's, so only what crosses the border is declared here again.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/handles.hpp"
#include "script/state.hpp"

using moonpool::Value;
using moonpool::api::guarded;

struct mp_script_host {
  moonpool::script::State state;
};

extern "C" {
MP_API mp_script_host* mp_script_host_new(mp_cluster* cluster, mp_error** error) noexcept;
MP_API int mp_script_host_set(mp_script_host* host, std::string_view name, Value const& value,
                              mp_error** error) noexcept;
MP_API int mp_script_host_run_file(mp_script_host* host, std::string const& path,
                                   std::vector<std::string> const& arguments,
                                   std::vector<Value>& results, mp_error** error) noexcept;
MP_API int mp_script_host_run_string(mp_script_host* host, std::string_view code,
                                     std::vector<Value>& results, mp_error** error) noexcept;
MP_API void mp_script_host_free(mp_script_host* host) noexcept;
}

mp_script_host* mp_script_host_new(mp_cluster* cluster, mp_error** error) noexcept {
  return guarded(error, static_cast<mp_script_host*>(nullptr), [&] {
    auto host = std::make_unique<mp_script_host>();
    // The address travels as text: a Lua number keeps 53 bits of it.
    auto* const shared = mp_cluster_share(cluster);
    host->state.set("__moonpool_cluster", std::to_string(reinterpret_cast<std::uintptr_t>(shared)));
    host->state.run_string(R"(
      local ffi = require "ffi"
      local handle = require "moonpool.core.handle"
      local address = loadstring("return " .. __moonpool_cluster .. "ULL")()
      __moonpool_cluster = nil
      moonpool = require "moonpool"
      db = handle.wrap(ffi.cast("mp_cluster*", ffi.cast("uintptr_t", address)))
    )",
                           "=(moonpool)");
    return host.release();
  });
}

int mp_script_host_set(mp_script_host* host, std::string_view name, Value const& value,
                       mp_error** error) noexcept {
  return guarded(error, 0, [&] {
    host->state.set(name, value);
    return 1;
  });
}

int mp_script_host_run_file(mp_script_host* host, std::string const& path,
                            std::vector<std::string> const& arguments, std::vector<Value>& results,
                            mp_error** error) noexcept {
  return guarded(error, 0, [&] {
    results = host->state.run_file(path, arguments);
    return 1;
  });
}

int mp_script_host_run_string(mp_script_host* host, std::string_view code,
                              std::vector<Value>& results, mp_error** error) noexcept {
  return guarded(error, 0, [&] {
    results = host->state.run_string(code);
    return 1;
  });
}

void mp_script_host_free(mp_script_host* host) noexcept { delete host; }
