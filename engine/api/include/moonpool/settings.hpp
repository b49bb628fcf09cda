// What the C++ face is told about how to connect and how to behave. Included by moonpool.hpp.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "moonpool/observe.hpp"

namespace moonpool {
inline namespace v1 {

// Keys of the configuration with their values as text: {{"consistency", "strong"}, {"timeout", "250ms"}}.
using Settings = std::vector<std::pair<std::string, std::string>>;

// What to connect to and how. Empty fields keep their defaults; `more` takes any other key of the
// configuration, as text ("pool.idle_timeout", "5m").
struct Options {
  std::string dsn = {};
  std::string primary = {};
  std::vector<std::string> replicas = {};
  int pool_max = 0;
  std::chrono::milliseconds timeout{0};
  Settings more = {};
  // Takes the lines of the log, from `log_level` on, from the first one until the Cluster object goes; nothing is
  // written to stderr meanwhile. What holds of the function of an Observation holds of it.
  std::function<void(Event const&)> log_to = {};
  Level log_level = Level::info;
};

namespace detail {

inline Handle<mp_config> config_of(Settings const& settings) {
  Handle<mp_config> config(mp_config_new());
  for (auto const& [key, value] : settings) {
    mp_error* error = nullptr;
    if (mp_config_set(config.get(), key.c_str(), value.data(), value.size(), &error) == 0) {
      raise(error);
    }
  }
  return config;
}

inline Handle<mp_config> config_of(Options const& options) {
  Settings settings;
  if (!options.dsn.empty()) settings.emplace_back("dsn", options.dsn);
  if (!options.primary.empty()) settings.emplace_back("primary", options.primary);
  for (auto const& replica : options.replicas) settings.emplace_back("replicas", replica);
  if (options.pool_max > 0) settings.emplace_back("pool.max", std::to_string(options.pool_max));
  if (options.timeout.count() > 0) {
    settings.emplace_back("timeout", std::to_string(options.timeout.count()) + "ms");
  }
  settings.insert(settings.end(), options.more.begin(), options.more.end());
  return config_of(settings);
}

}  // namespace detail
}  // namespace v1
}  // namespace moonpool
