#include "observe/comment.hpp"

#include <algorithm>

#include "base/sql_scanner.hpp"

namespace moonpool::observe {
namespace {

std::string encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char const c : text) {
    bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      auto const code = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[code >> 4];
      out += kHex[code & 15];
    }
  }
  return out;
}

}  // namespace

std::string comment_of(Marks marks) {
  std::erase_if(marks, [](auto const& mark) { return mark.first.empty() || mark.second.empty(); });
  if (marks.empty()) return {};
  std::ranges::sort(marks);
  std::string out = " /*";
  for (auto const& [key, value] : marks) {
    if (!out.ends_with('*')) out += ',';
    out.append(encoded(key)).append("='").append(encoded(value)).append("'");
  }
  return out + "*/";
}

bool may_bear_comment(std::string_view sql) {
  SqlScanner scanner(sql);
  bool any = false;
  for (auto token = scanner.next(); token.kind != TokenKind::end; token = scanner.next()) {
    if (token.kind == TokenKind::comment || !token.complete) return false;
    any = any || token.kind != TokenKind::space;
  }
  return any;
}

bool is_sampled(std::string_view traceparent) {
  constexpr std::size_t kFlags = 53;
  if (traceparent.size() < kFlags + 2) return false;
  char const last = traceparent[kFlags + 1];
  int const digit = last <= '9' ? last - '0' : last - 'a' + 10;
  return (digit & 1) != 0;
}

}  // namespace moonpool::observe
