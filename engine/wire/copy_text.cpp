#include "wire/copy_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "wire/pq.hpp"

namespace moonpool::wire {
namespace {

// What follows the backslash, for bytes that mean something in COPY text; 0 for all others.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> escapes{};
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['\v'] = 'v';
  escapes['\\'] = '\\';
  return escapes;
}();

char escape_of(char byte) { return kEscapes[static_cast<unsigned char>(byte)]; }

int octal(char byte) { return byte >= '0' && byte <= '7' ? byte - '0' : -1; }

int hexadecimal(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

// Digits of a byte's number after a backslash: at most `most`, in this base.
char numbered(std::string_view field, std::size_t& at, std::size_t most, bool hex) {
  int value = 0;
  for (std::size_t n = 0; n < most && at < field.size(); ++n, ++at) {
    int const digit = hex ? hexadecimal(field[at]) : octal(field[at]);
    if (digit < 0) break;
    value = value * (hex ? 16 : 8) + digit;
  }
  return static_cast<char>(value & 0xFF);
}

// `at` is that of the character after the backslash, and is moved past what it stands for.
char unescaped(std::string_view field, std::size_t& at) {
  char const c = field[at];
  if (octal(c) >= 0) return numbered(field, at, 3, false);
  ++at;
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case 'x':
      if (at < field.size() && hexadecimal(field[at]) >= 0) return numbered(field, at, 2, true);
      return 'x';
    default:
      return c;
  }
}

// `scratch` holds the value where it differs from what is written.
std::optional<std::string_view> value_of(std::string_view field, std::string& scratch) {
  if (field == "\\N") return std::nullopt;
  auto from = field.find('\\');
  if (from == std::string_view::npos) return field;
  scratch.assign(field.substr(0, from));
  while (from < field.size()) {
    if (field[from] != '\\' || from + 1 == field.size()) {
      scratch += field[from++];
      continue;
    }
    ++from;
    scratch += unescaped(field, from);
  }
  return scratch;
}

[[noreturn]] void broken(std::string const& what) {
  throw Error(ErrorKind::protocol, "this is not the COPY text of the columns asked for: " + what);
}

void read_row(std::string_view line, Result& rows, int row, std::string& scratch) {
  auto const columns = static_cast<int>(rows.columns());
  int column = 0;
  for (std::size_t from = 0; from <= line.size(); ++column) {
    if (column == columns) broken("a row has more than " + std::to_string(columns) + " values");
    auto const end = std::min(line.find('\t', from), line.size());
    if (!rows.put(row, column, value_of(line.substr(from, end - from), scratch))) {
      throw Error(ErrorKind::environment, "out of memory for the rows of a COPY");
    }
    from = end + 1;
  }
  if (column < columns) {
    broken("a row has " + std::to_string(column) + " values, not " + std::to_string(columns));
  }
}

}  // namespace

void CopyWriter::separate() {
  if (!first_) out_ += '\t';
  first_ = false;
}

void CopyWriter::null() {
  auto const from = out_.size();
  separate();
  out_ += "\\N";
  row_bytes_ += out_.size() - from;
}

bool CopyWriter::text(std::string_view value) {
  if (valid_text_prefix(value) != value.size()) return false;
  auto const before = out_.size();
  separate();
  std::size_t from = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    char const escape = escape_of(value[i]);
    if (escape == 0) continue;
    out_.append(value, from, i - from);
    out_ += '\\';
    out_ += escape;
    from = i + 1;
  }
  out_.append(value, from);
  row_bytes_ += out_.size() - before;
  return true;
}

void CopyWriter::number(double value) {
  std::array<char, 32> digits{};
  auto* const end = digits.data() + digits.size();
  char const* stop = nullptr;
  constexpr double kWritten = 1e21;
  if (!std::isfinite(value)) {
    text(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    return;
  }
  if (value == std::trunc(value) && std::abs(value) < kWritten) {
    stop = std::to_chars(digits.data(), end, value, std::chars_format::fixed).ptr;
  } else {
    stop = std::to_chars(digits.data(), end, value).ptr;
  }
  text(std::string_view(digits.data(), static_cast<std::size_t>(stop - digits.data())));
}

void CopyWriter::end_row() {
  out_ += '\n';
  row_bytes_ = 0;
  first_ = true;
}

void CopyWriter::drop_row() {
  out_.resize(out_.size() - row_bytes_);
  row_bytes_ = 0;
  first_ = true;
}

Result copied_rows(std::string_view text, Result const& like) {
  if (like.columns() == 0) {
    throw Error(ErrorKind::usage, "rows without columns cannot be read from COPY text");
  }
  auto rows = Result::empty_like(like);
  std::string scratch;
  int row = 0;
  for (std::size_t from = 0; from < text.size(); ++row) {
    auto const end = text.find('\n', from);
    if (end == std::string_view::npos) broken("it ends inside a row");
    read_row(text.substr(from, end - from), rows, row, scratch);
    from = end + 1;
  }
  return rows;
}

}  // namespace moonpool::wire
