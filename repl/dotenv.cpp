#include "dotenv.hpp"

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.hpp"

namespace moonpool::repl {
namespace {

bool is_name(std::string_view name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0) return false;
  for (char const c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  auto const is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

struct Parser {
  std::string const& path;
  std::size_t line = 0;

  [[noreturn]] void refuse(std::string const& why) const {
    throw Error(ErrorKind::config, path + ":" + std::to_string(line) + ": " + why)
        .hint("A line is NAME=value; --no-env-file leaves the file alone.");
  }

  static char escaped(char c) {
    switch (c) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'r':
        return '\r';
      default:
        return c;
    }
  }

  std::string quoted(std::string_view text) const {
    char const quote = text.front();
    std::string value;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == quote) {
        auto const rest = trimmed(text.substr(i + 1));
        if (!rest.empty() && rest.front() != '#') refuse("there is text behind the closing quote");
        return value;
      }
      if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) {
        value += escaped(text[++i]);
      } else {
        value += text[i];
      }
    }
    refuse("a quote is not closed on its line");
  }

  static std::string plain(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '#' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t')) {
        text = text.substr(0, i);
        break;
      }
    }
    return std::string(trimmed(text));
  }

  void add(Variables& variables, std::string_view text) const {
    text = trimmed(text);
    if (text.empty() || text.front() == '#') return;
    if (text.starts_with("export ")) text = trimmed(text.substr(7));
    auto const equals = text.find('=');
    if (equals == std::string_view::npos) refuse("there is no = in it");
    auto const name = trimmed(text.substr(0, equals));
    if (!is_name(name)) refuse("what stands before = is no name of a variable");
    auto const value = trimmed(text.substr(equals + 1));
    bool const has_quotes = !value.empty() && (value.front() == '"' || value.front() == '\'');
    variables.emplace_back(name, has_quotes ? quoted(value) : plain(value));
  }
};

}  // namespace

Variables parse_dotenv(std::string_view text, std::string const& path) {
  Variables variables;
  Parser parser{path};
  while (!text.empty()) {
    ++parser.line;
    auto const end = text.find('\n');
    parser.add(variables, text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return variables;
}

void load_dotenv() {
  std::string const path = ".env";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return;
  std::ifstream file(path, std::ios::binary);
  std::string const text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw Error(ErrorKind::config, "cannot read " + path);
  for (auto const& [name, value] : parse_dotenv(text, path)) {
    ::setenv(name.c_str(), value.c_str(), 0);
  }
}

}  // namespace moonpool::repl
