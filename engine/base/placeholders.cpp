#include "base/placeholders.hpp"

#include <algorithm>
#include <charconv>

#include "base/caret.hpp"
#include "base/error.hpp"
#include "base/sql_scanner.hpp"

namespace moonpool {
namespace {

constexpr std::size_t kMostParameters = 65535;

std::string_view spelling(PlaceholderStyle style) {
  switch (style) {
    case PlaceholderStyle::positional:
      return "?";
    case PlaceholderStyle::named:
      return ":name";
    case PlaceholderStyle::native:
      return "$1";
    case PlaceholderStyle::none:
      break;
  }
  return "";
}

[[noreturn]] void refuse(std::string_view sql, Token const& token, std::string message) {
  auto const byte = static_cast<std::size_t>(token.text.data() - sql.data());
  auto const characters = std::ranges::count_if(
      sql.substr(0, byte), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  throw Error(ErrorKind::usage, message + '\n' + caret_lines(sql, static_cast<int>(characters) + 1))
      .in_query(std::string(sql));
}

std::string_view what_is_open(TokenKind kind) {
  switch (kind) {
    case TokenKind::comment:
      return "this comment is never closed";
    case TokenKind::quoted_name:
      return "this quoted name is never closed";
    default:
      return "this string is never closed";
  }
}

class Numbering {
 public:
  explicit Numbering(std::string_view sql) : sql_(sql) { out_.text.reserve(sql.size() + 16); }

  Placeholders run() {
    SqlScanner scanner(sql_);
    for (auto token = scanner.next(); token.kind != TokenKind::end; token = scanner.next()) {
      if (!token.complete) refuse(sql_, token, std::string(what_is_open(token.kind)));
      write(token);
    }
    return std::move(out_);
  }

 private:
  void write(Token const& token) {
    switch (token.kind) {
      case TokenKind::question:
        use(PlaceholderStyle::positional, token);
        write_number(++out_.count, token);
        break;
      case TokenKind::name_parameter:
        use(PlaceholderStyle::named, token);
        write_number(number_of(token.text.substr(1)), token);
        break;
      case TokenKind::parameter:
        use(PlaceholderStyle::native, token);
        out_.count = std::max(out_.count, native_number(token));
        out_.text.append(token.text);
        break;
      case TokenKind::double_question:
        out_.text += '?';
        break;
      case TokenKind::word:
      case TokenKind::number:
        // `?1` must not become parameter 11.
        if (after_number_) out_.text += ' ';
        out_.text.append(token.text);
        break;
      default:
        out_.text.append(token.text);
    }
    after_number_ = token.kind == TokenKind::question || token.kind == TokenKind::name_parameter;
  }

  void use(PlaceholderStyle style, Token const& token) {
    if (out_.style == PlaceholderStyle::none) out_.style = style;
    if (out_.style == style) return;
    bool const question =
        style == PlaceholderStyle::positional || out_.style == PlaceholderStyle::positional;
    refuse(sql_, token,
           "this statement mixes " + std::string(spelling(out_.style)) + " and " +
               std::string(spelling(style)) + " parameters: use one spelling" +
               (question ? " (the operator ? is written ?"
                           "?)"
                         : ""));
  }

  void write_number(std::size_t number, Token const& token) {
    if (number > kMostParameters) refuse(sql_, token, too_many());
    out_.text.append("$").append(std::to_string(number));
  }

  std::size_t number_of(std::string_view name) {
    auto const found = std::ranges::find(out_.names, name);
    if (found != out_.names.end()) return static_cast<std::size_t>(found - out_.names.begin()) + 1;
    out_.names.emplace_back(name);
    return out_.count = out_.names.size();
  }

  std::size_t native_number(Token const& token) const {
    std::size_t number = 0;
    auto const digits = token.text.substr(1);
    auto const result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (result.ec != std::errc() || number > kMostParameters) refuse(sql_, token, too_many());
    if (number == 0) refuse(sql_, token, "parameters are numbered from $1");
    return number;
  }

  static std::string too_many() { return "a statement takes at most 65535 parameters"; }

  std::string_view sql_;
  Placeholders out_;
  bool after_number_ = false;
};

}  // namespace

Placeholders number_placeholders(std::string_view sql) { return Numbering(sql).run(); }

}  // namespace moonpool
