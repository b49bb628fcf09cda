#include "observe/log.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace moonpool::observe {
namespace {

struct Target {
  std::mutex mutex;
  Sink sink;  // guarded by mutex
};

Target& target() {
  static Target one;
  return one;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// A logger of our own, unregistered: the host may use spdlog too.
spdlog::logger& stderr_logger() {
  static auto const logger = [] {
    auto made = std::make_shared<spdlog::logger>(
        "moonpool", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
    char const* const wanted = std::getenv("MOONPOOL_LOG");
    made->set_level(wanted != nullptr && *wanted != '\0' ? spdlog::level::from_str(wanted)
                                                         : spdlog::level::warn);
    return made;
  }();
  return *logger;
}

std::string quoted(std::string const& value) {
  if (!value.empty() && value.find_first_of(" \"=\n\t") == std::string::npos) return value;
  std::string out = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + '"';
}

void to_stderr(Event const& event) {
  auto& logger = stderr_logger();
  auto const level = spdlog_level(event.level);
  if (!logger.should_log(level)) return;
  std::string line(event.name);
  line += ": " + event.message;
  std::ranges::replace(line, '\n', ' ');
  for (auto const& [key, value] : event.fields)
    line.append(" ").append(key).append("=") += quoted(value);
  logger.log(level, spdlog::string_view_t(line));
}

}  // namespace

void log(Event const& event) {
  auto& to = target();
  std::lock_guard const lock(to.mutex);
  if (to.sink) {
    to.sink(event);
  } else {
    to_stderr(event);
  }
}

void set_sink(Sink sink) {
  auto& to = target();
  std::lock_guard const lock(to.mutex);
  to.sink = std::move(sink);
}

}  // namespace moonpool::observe
