#include "observe/log.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/utf8.hpp"

namespace moonpool::observe {
namespace {

constexpr std::array<std::string_view, 6> kLevels = {"trace",   "debug", "info",
                                                     "warning", "error", "off"};

// What is a number in the log, so that whoever reads it can count with it.
constexpr std::array<std::string_view, 7> kNumbers = {"ms",     "rows",     "attempt", "statements",
                                                      "held_s", "pause_ms", "timeline"};

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      break;
  }
  return spdlog::level::off;
}

Level level_of_environment() {
  char const* const wanted = std::getenv("MOONPOOL_LOG");
  return level_of(wanted != nullptr ? wanted : "").value_or(Level::warning);
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string on_one_line(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, is_control, ' ');
  return out;
}

std::string quoted(std::string const& value) {
  bool const plain = !value.empty() && std::ranges::none_of(value, [](char c) {
    return is_control(c) || c == ' ' || c == '"' || c == '=';
  });
  if (plain) return value;
  std::string out = "\"";
  for (char const c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += is_control(c) ? ' ' : c;
  }
  return out + '"';
}

void add_json(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (auto rest = text; !rest.empty();) {
    auto const good = valid_text_prefix(rest);
    for (char const c : rest.substr(0, good)) {
      if (c == '"' || c == '\\') {
        out.append("\\") += c;
      } else if (is_control(c)) {
        auto const code = static_cast<unsigned char>(c);
        out.append("\\u00") += kHex[code >> 4];
        out += kHex[code & 15];
      } else {
        out += c;
      }
    }
    rest.remove_prefix(good);
    if (rest.empty()) break;
    out += "\\ufffd";
    rest.remove_prefix(1);
  }
  out += '"';
}

bool is_number(std::string_view key, std::string_view value) {
  return std::ranges::find(kNumbers, key) != kNumbers.end() && !value.empty() &&
         value.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

std::string_view to_string(Level level) { return kLevels[static_cast<std::size_t>(level)]; }

std::optional<Level> level_of(std::string_view name) {
  if (name == "warn") return Level::warning;
  auto const* const found = std::ranges::find(kLevels, name);
  if (found == kLevels.end()) return std::nullopt;
  return static_cast<Level>(found - kLevels.begin());
}

std::string format_text(Event const& event) {
  std::string line(event.name);
  line.append(": ") += on_one_line(event.message);
  for (auto const& [key, value] : event.fields)
    line.append(" ").append(key).append("=") += quoted(value);
  return line;
}

std::string format_json(Event const& event) {
  std::string line = "\"event\":";
  add_json(line, event.name);
  line += ",\"message\":";
  add_json(line, event.message);
  for (auto const& [key, value] : event.fields) {
    line += ',';
    add_json(line, key);
    line += ':';
    if (is_number(key, value)) {
      line += value;
    } else {
      add_json(line, value);
    }
  }
  return line;
}

// A logger of our own, unregistered: the host may use spdlog too.
struct Logger::Out {
  spdlog::logger logger{"moonpool", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()};
};

Logger::Logger(LogOptions options)
    : level_(options.level ? *options.level : level_of_environment()),
      format_(options.format),
      out_(std::make_unique<Out>()) {
  out_->logger.set_pattern(format_ == Format::json
                               ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                               : "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
  out_->logger.set_level(spdlog_level(level_));
}

Logger::~Logger() = default;

void Logger::write(Event const& event) {
  if (event.level < level_) return;
  auto const line = format_ == Format::json ? format_json(event) : format_text(event);
  out_->logger.log(spdlog_level(event.level), spdlog::string_view_t(line));
}

void log(Event const& event) {
  static Logger logger({});
  logger.write(event);
}

}  // namespace moonpool::observe
