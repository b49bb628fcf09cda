#include "base/caret.hpp"

#include <algorithm>
#include <cstddef>

namespace moonpool {
namespace {

constexpr std::size_t kWidth = 72;

bool starts_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_character));
}

std::size_t byte_of(std::string_view text, std::size_t character) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (starts_character(text[i]) && character-- == 0) return i;
  }
  return text.size();
}

}  // namespace

std::string caret_lines(std::string_view sql, int position) {
  auto const at = byte_of(sql, static_cast<std::size_t>(std::max(position, 1) - 1));
  auto const number = 1 + std::ranges::count(sql.substr(0, at), '\n');
  auto begin = sql.rfind('\n', at == 0 ? 0 : at - 1);
  begin = begin == std::string_view::npos || at == 0 ? 0 : begin + 1;
  auto end = sql.find('\n', at);
  if (end == std::string_view::npos) end = sql.size();
  auto line = sql.substr(begin, end - begin);
  auto column = characters(line.substr(0, at - begin));

  std::string before;
  if (column > kWidth / 2) {
    auto const cut = column - kWidth / 2;
    line.remove_prefix(byte_of(line, cut));
    column = column - cut + 3;
    before = "...";
  }
  std::string_view after;
  if (characters(line) > kWidth) {
    line = line.substr(0, byte_of(line, kWidth));
    after = "...";
  }
  std::string const head = "LINE " + std::to_string(number) + ": ";
  std::string text = head + before;
  for (char byte : line) text += byte == '\t' || byte == '\r' ? ' ' : byte;
  text.append(after).append("\n").append(head.size() + column, ' ').append("^");
  return text;
}

}  // namespace moonpool
