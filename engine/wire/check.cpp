#include "wire/check.hpp"

#include <algorithm>

#include "base/split.hpp"
#include "base/sql_scanner.hpp"
#include "base/utf8.hpp"

namespace moonpool::wire {
namespace {

constexpr std::size_t kMostParameters = 65535;
// PostgreSQL refuses messages of 1 GiB; the margin is for what frames the values.
constexpr std::size_t kLargestMessage = (std::size_t{1} << 30) - 65536;

// `parameter` is its number; 0: the statement itself.
void check_text(std::string const& text, std::size_t parameter) {
  auto const good = valid_text_prefix(text);
  if (good == text.size()) return;
  auto const what = parameter == 0 ? "the statement" : "parameter " + std::to_string(parameter);
  bool const nul = text[good] == '\0';
  throw Error(ErrorKind::usage, what + (nul ? " holds a NUL byte" : " is not valid UTF-8") +
                                    " at byte " + std::to_string(good + 1) +
                                    "; PostgreSQL's text cannot hold it")
      .hint("send bytes as bytea");
}

bool equals(std::string_view text, std::string_view word) {
  return std::ranges::equal(
      text, word, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

enum class Copies : std::uint8_t { nothing, in, out };

// Does a COPY go through the client, and which way? The first of the two words decides: what follows
// are options.
Copies copies_through_client(std::string_view sql) {
  // Most statements begin with the letter of another word.
  auto const letter = sql.empty() ? 0 : static_cast<unsigned char>(sql.front()) | 0x20;
  if (letter >= 'a' && letter <= 'z' && letter != 'c') return Copies::nothing;
  SqlScanner scanner(sql);
  bool first = true;
  for (auto token = scanner.next(); token.kind != TokenKind::end; token = scanner.next()) {
    if (token.kind == TokenKind::space || token.kind == TokenKind::comment) continue;
    if (first && !equals(token.text, "copy")) return Copies::nothing;
    first = false;
    if (token.kind != TokenKind::word) continue;
    if (equals(token.text, "stdin")) return Copies::in;
    if (equals(token.text, "stdout")) return Copies::out;
  }
  return Copies::nothing;
}

}  // namespace

void check_statement(Statement const& statement) {
  if (statement.params.size() > kMostParameters) {
    throw Error(ErrorKind::usage, "a statement takes at most 65535 parameters, this one has " +
                                      std::to_string(statement.params.size()))
        .hint("send many values as one array parameter, or use COPY");
  }
  check_text(statement.sql, 0);
  std::size_t size = statement.sql.size();
  for (std::size_t i = 0; i < statement.params.size(); ++i) {
    auto const& text = statement.params[i].text;
    if (!text) continue;
    check_text(*text, i + 1);
    size += text->size();
  }
  if (size > kLargestMessage) {
    throw Error(ErrorKind::usage, "the statement and its parameters are " + std::to_string(size) +
                                      " bytes; PostgreSQL takes less than 1 GiB at once");
  }
  if (copies_through_client(statement.sql) != Copies::nothing) {
    throw Error(ErrorKind::usage, "COPY from STDIN or to STDOUT is not a plain statement")
        .hint("use copy_in and copy_out");
  }
}

void check_copy(std::string const& sql, bool in) {
  check_text(sql, 0);
  bool const fits = copies_through_client(sql) == (in ? Copies::in : Copies::out);
  if (!fits || split_script(sql).size() != 1) {
    throw Error(ErrorKind::usage, in ? "copy_in takes one COPY … FROM STDIN, got: " + sql
                                     : "copy_out takes one COPY … TO STDOUT, got: " + sql);
  }
}

}  // namespace moonpool::wire
