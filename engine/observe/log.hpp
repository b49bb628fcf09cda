#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moonpool::observe {

enum class Level : std::uint8_t { trace, debug, info, warning, error, off };

std::string_view to_string(Level level);
// By name; "warn" is a warning. nullopt: there is none of that name.
std::optional<Level> level_of(std::string_view name);

// One line of the log. Fields hold no parameters of statements and no secrets.
struct Event {
  Level level = Level::info;
  std::string_view name;  // pool.leak, node.role, …
  std::string message;
  std::vector<std::pair<std::string_view, std::string>> fields;
};

enum class Format : std::uint8_t { text, json };

struct LogOptions {
  // The least level that is written. nullopt: what MOONPOOL_LOG says, else warning.
  std::optional<Level> level = std::nullopt;
  // text: "time level name: message key=value …"; json: one object a line.
  Format format = Format::text;
};

// What a line looks like, but for the time: text from the name on, or the object's members.
std::string format_text(Event const& event);
std::string format_json(Event const& event);

// Lines on stderr, by spdlog. Threads: any.
class Logger {
 public:
  explicit Logger(LogOptions options);
  ~Logger();
  Level level() const { return level_; }
  // Nothing below the level is written.
  void write(Event const& event);

 private:
  struct Out;
  Level const level_;
  Format const format_;
  std::unique_ptr<Out> out_;
};

// For what belongs to no cluster: a logger with every default.
void log(Event const& event);

}  // namespace moonpool::observe
