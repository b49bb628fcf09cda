#include "base/sql_scanner.hpp"

#include <algorithm>
#include <array>

namespace moonpool {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_word(char c) { return starts_word(c) || is_digit(c) || c == '$'; }
bool ends_line(char c) { return c == '\n' || c == '\r'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Words inside an expression that an operand follows: a colon behind them begins a parameter.
bool wants_operand(std::string_view word) {
  static constexpr std::array<std::string_view, 14> kWords = {
      "and",   "between", "case", "distinct", "else", "escape", "from",
      "ilike", "like",    "not",  "or",       "then", "to",     "when"};
  return std::ranges::any_of(kWords, [word](std::string_view known) {
    return std::ranges::equal(word, known, [](char a, char b) { return lower(a) == b; });
  });
}

}  // namespace

void SqlScanner::note_symbol(char symbol) {
  operand_before_ = symbol == ')' || symbol == ']';
  bool const bracket = symbol == '[' || symbol == ']';
  if (symbol == '(' || symbol == '[') {
    open_.push_back(bracket);
  } else if (operand_before_ && !open_.empty() && open_.back() == bracket) {
    open_.pop_back();
  }
}

Token SqlScanner::take(TokenKind kind, std::size_t length, bool complete) {
  Token token{kind, sql_.substr(at_, length), complete};
  at_ += token.text.size();
  switch (kind) {
    case TokenKind::space:
    case TokenKind::comment:
      break;
    case TokenKind::symbol:
      note_symbol(token.text.front());
      break;
    case TokenKind::word:
      operand_before_ = !wants_operand(token.text);
      break;
    case TokenKind::cast:
    case TokenKind::double_question:
      operand_before_ = false;
      break;
    default:
      operand_before_ = true;
  }
  return token;
}

std::size_t SqlScanner::quoted_end(std::size_t quote, char mark, bool& complete) const {
  for (std::size_t i = quote + 1; i < sql_.size(); ++i) {
    if (sql_[i] != mark) continue;
    if (at(i + 1) == mark) {
      ++i;
    } else {
      return i + 1;
    }
  }
  complete = false;
  return sql_.size();
}

// An E'' string goes on after white space and -- comments that hold a line end, with its backslashes
// still special; for plain strings the second half is a string like any other.
std::size_t SqlScanner::string_end(std::size_t quote, bool backslashes, bool& complete) const {
  if (!backslashes) return quoted_end(quote, '\'', complete);
  std::size_t i = quote + 1;
  while (i < sql_.size()) {
    if (sql_[i] == '\\') {
      i += 2;
    } else if (sql_[i] != '\'') {
      ++i;
    } else if (at(i + 1) == '\'') {
      i += 2;
    } else {
      std::size_t j = i + 1;
      bool line_ended = false;
      while (j < sql_.size()) {
        if (is_space(sql_[j])) {
          line_ended = line_ended || ends_line(sql_[j]);
          ++j;
        } else if (sql_[j] == '-' && at(j + 1) == '-') {
          while (j < sql_.size() && !ends_line(sql_[j])) ++j;
        } else {
          break;
        }
      }
      if (!line_ended || at(j) != '\'') return i + 1;
      i = j + 1;
    }
  }
  complete = false;
  return sql_.size();
}

std::size_t SqlScanner::comment_end(bool& complete) const {
  std::size_t depth = 0;
  for (std::size_t i = at_; i + 1 < sql_.size(); ++i) {
    if (sql_[i] == '/' && sql_[i + 1] == '*') {
      ++depth;
      ++i;
    } else if (sql_[i] == '*' && sql_[i + 1] == '/') {
      ++i;
      if (--depth == 0) return i + 1;
    }
  }
  complete = false;
  return sql_.size();
}

// 0 when what stands here is no dollar quote.
std::size_t SqlScanner::dollar_string_end(bool& complete) const {
  std::size_t i = at_ + 1;
  if (starts_word(at(i))) {
    while (starts_word(at(i)) || is_digit(at(i))) ++i;
  }
  if (at(i) != '$') return 0;
  auto const tag = sql_.substr(at_, i + 1 - at_);
  auto const close = sql_.find(tag, i + 1);
  if (close != std::string_view::npos) return close + tag.size();
  complete = false;
  return sql_.size();
}

Token SqlScanner::colon() {
  if (at(at_ + 1) == ':') return take(TokenKind::cast, 2);
  if (at(at_ + 1) == '=' || !starts_word(at(at_ + 1))) return take(TokenKind::symbol, 1);
  if (!open_.empty() && open_.back() && operand_before_) return take(TokenKind::symbol, 1);
  std::size_t i = at_ + 1;
  while (starts_word(at(i)) || is_digit(at(i))) ++i;
  return take(TokenKind::name_parameter, i - at_);
}

Token SqlScanner::next() {
  if (at_ >= sql_.size()) return {};
  char const c = sql_[at_];
  bool complete = true;
  if (is_space(c)) {
    std::size_t i = at_ + 1;
    while (i < sql_.size() && is_space(sql_[i])) ++i;
    return take(TokenKind::space, i - at_);
  }
  if (c == '-' && at(at_ + 1) == '-') {
    std::size_t i = at_ + 2;
    while (i < sql_.size() && !ends_line(sql_[i])) ++i;
    return take(TokenKind::comment, i - at_);
  }
  if (c == '/' && at(at_ + 1) == '*') {
    auto const end = comment_end(complete);
    return take(TokenKind::comment, end - at_, complete);
  }
  if (c == '\'') {
    auto const end = string_end(at_, false, complete);
    return take(TokenKind::string, end - at_, complete);
  }
  if (c == '"') {
    auto const end = quoted_end(at_, '"', complete);
    return take(TokenKind::quoted_name, end - at_, complete);
  }
  if (starts_word(c)) {
    char const prefix = lower(c);
    if (at(at_ + 1) == '\'' && (prefix == 'e' || prefix == 'b' || prefix == 'x' || prefix == 'n')) {
      auto const end = string_end(at_ + 1, prefix == 'e', complete);
      return take(TokenKind::string, end - at_, complete);
    }
    if (prefix == 'u' && at(at_ + 1) == '&' && (at(at_ + 2) == '\'' || at(at_ + 2) == '"')) {
      char const mark = at(at_ + 2);
      auto const end = quoted_end(at_ + 2, mark, complete);
      return take(mark == '"' ? TokenKind::quoted_name : TokenKind::string, end - at_, complete);
    }
    std::size_t i = at_ + 1;
    while (i < sql_.size() && continues_word(sql_[i])) ++i;
    return take(TokenKind::word, i - at_);
  }
  if (is_digit(c)) {
    std::size_t i = at_ + 1;
    while (i < sql_.size() && (continues_word(sql_[i]) || sql_[i] == '.')) ++i;
    return take(TokenKind::number, i - at_);
  }
  if (c == '$') {
    if (is_digit(at(at_ + 1))) {
      std::size_t i = at_ + 2;
      while (is_digit(at(i))) ++i;
      return take(TokenKind::parameter, i - at_);
    }
    if (auto const end = dollar_string_end(complete)) {
      return take(TokenKind::string, end - at_, complete);
    }
    return take(TokenKind::symbol, 1);
  }
  if (c == '?') {
    return at(at_ + 1) == '?' ? take(TokenKind::double_question, 2) : take(TokenKind::question, 1);
  }
  if (c == ':') return colon();
  return take(TokenKind::symbol, 1);
}

}  // namespace moonpool
