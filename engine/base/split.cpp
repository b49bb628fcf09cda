#include "base/split.hpp"

#include <algorithm>

#include "base/sql_scanner.hpp"

namespace moonpool {
namespace {

bool is_word(Token const& token, std::string_view word) {
  return token.kind == TokenKind::word && std::ranges::equal(token.text, word, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b;
         });
}

// Follows one statement. Bodies in standard SQL hold semicolons, so inside CREATE FUNCTION or
// PROCEDURE the words BEGIN, CASE and END are counted.
class Statement {
 public:
  void see(Token const& token) {
    if (token.kind == TokenKind::space || token.kind == TokenKind::comment) return;
    if (words_ < 4 && token.kind == TokenKind::word) note_head(token);
    if (token.text == "(" && token.kind == TokenKind::symbol) ++parentheses_;
    if (token.text == ")" && token.kind == TokenKind::symbol && parentheses_ > 0) --parentheses_;
    if (routine_ && parentheses_ == 0) {
      if (is_word(token, "begin") || (blocks_ > 0 && is_word(token, "case"))) ++blocks_;
      if (blocks_ > 0 && is_word(token, "end")) --blocks_;
    }
    seen_ = true;
  }

  bool ends_here() const { return parentheses_ == 0 && blocks_ == 0; }
  bool seen() const { return seen_; }

 private:
  void note_head(Token const& token) {
    ++words_;
    if (words_ == 1) create_ = is_word(token, "create");
    if (create_ && (is_word(token, "function") || is_word(token, "procedure"))) routine_ = true;
  }

  int words_ = 0;
  int parentheses_ = 0;
  int blocks_ = 0;
  bool create_ = false;
  bool routine_ = false;
  bool seen_ = false;
};

}  // namespace

std::vector<ScriptStatement> split_script(std::string_view script) {
  std::vector<ScriptStatement> out;
  SqlScanner scanner(script);
  Statement statement;
  std::size_t begin = 0;  // first byte of the statement, comments ahead of it not counted
  std::size_t end = 0;
  std::size_t counted = 0;  // line ends before this byte are counted in `line`
  std::size_t line = 1;
  auto add = [&](bool closed) {
    if (!statement.seen()) return;
    line +=
        static_cast<std::size_t>(std::ranges::count(script.substr(counted, begin - counted), '\n'));
    counted = begin;
    out.push_back({script.substr(begin, end - begin), line, closed});
  };
  for (auto token = scanner.next(); token.kind != TokenKind::end; token = scanner.next()) {
    auto const offset = static_cast<std::size_t>(token.text.data() - script.data());
    if (token.kind == TokenKind::symbol && token.text == ";" && statement.ends_here()) {
      add(true);
      statement = Statement();
      continue;
    }
    bool const blank = token.kind == TokenKind::space || token.kind == TokenKind::comment;
    if (!blank) {
      if (!statement.seen()) begin = offset;
      end = offset + token.text.size();
    }
    statement.see(token);
  }
  add(false);
  return out;
}

}  // namespace moonpool
