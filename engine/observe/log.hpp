#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moonpool::observe {

enum class Level : std::uint8_t { debug, info, warning, error };

// One thing that happened. Fields hold no parameters of statements and no secrets.
struct Event {
  Level level = Level::info;
  std::string_view name;  // pool.leak, node.role, …
  std::string message;
  std::vector<std::pair<std::string_view, std::string>> fields;
};

using Sink = std::function<void(Event const&)>;

// Where events go. Without a sink of the host's: one line each on stderr by spdlog, from the level in
// MOONPOOL_LOG on (debug, info, warning, error, off; default warning).
// Threads: any; a sink is called from whichever thread met the event, one event at a time.
void log(Event const& event);
// Replaces the sink; an empty one brings the default back.
void set_sink(Sink sink);

}  // namespace moonpool::observe
