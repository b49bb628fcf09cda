#include "dev/quote.hpp"

namespace moonpool::dev {
namespace {

constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@%+";

bool is_plain(std::string_view text) {
  return !text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos;
}

// `text` between two `mark`s, each character of `special` preceded by `escape`.
std::string wrap(std::string_view text, char mark, std::string_view special, char escape) {
  std::string quoted(1, mark);
  for (char const c : text) {
    if (special.find(c) != std::string_view::npos) quoted += escape;
    quoted += c;
  }
  return quoted += mark;
}

}  // namespace

std::string quote_for_shell(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string quoted = "'";
  for (char const c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted += '\'';
}

std::string quote_for_conninfo(std::string_view text) {
  return is_plain(text) ? std::string(text) : wrap(text, '\'', "'\\", '\\');
}

std::string quote_for_settings(std::string_view text) { return wrap(text, '\'', "'", '\''); }

std::string quote_identifier(std::string_view text) { return wrap(text, '"', "\"", '"'); }

}  // namespace moonpool::dev
