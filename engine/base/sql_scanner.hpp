#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace moonpool {

enum class TokenKind : std::uint8_t {
  space,
  comment,      // -- to the end of the line, /* nested */
  word,         // keyword or plain identifier
  quoted_name,  // "…", U&"…"
  string,       // '…' with its prefix (E, B, X, N, U&), $tag$…$tag$
  number,
  parameter,        // $1
  question,         // one ?
  double_question,  // ??
  name_parameter,   // :name
  cast,             // ::
  symbol,           // any other single character
  end,
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  // leans on the scanned text
  bool complete = true;   // false: the literal, name or comment is not closed before the end
};

// PostgreSQL's lexical rules with standard_conforming_strings on, plus the two spellings of
// parameters that users type. Knows nothing of grammar. A colon is a name_parameter only where SQL
// has no meaning of its own for it: not in `::`, `:=`, nor as the colon of an array slice.
class SqlScanner {
 public:
  // `sql` must outlive the scanner and its tokens.
  explicit SqlScanner(std::string_view sql) : sql_(sql) {}

  // The next token; kind `end` with empty text after the last one.
  Token next();

 private:
  Token take(TokenKind kind, std::size_t length, bool complete = true);
  void note_symbol(char symbol);
  Token colon();
  std::size_t string_end(std::size_t quote, bool backslashes, bool& complete) const;
  std::size_t quoted_end(std::size_t quote, char mark, bool& complete) const;
  std::size_t comment_end(bool& complete) const;
  std::size_t dollar_string_end(bool& complete) const;
  char at(std::size_t index) const { return index < sql_.size() ? sql_[index] : '\0'; }

  std::string_view sql_;
  std::size_t at_ = 0;
  // What decides `[a:b]`:
  std::vector<bool> open_;       // one for each ( and [ that is open; true: [
  bool operand_before_ = false;  // does the last token end an operand?
};

}  // namespace moonpool
