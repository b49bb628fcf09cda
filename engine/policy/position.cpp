#include "policy/position.hpp"

#include <algorithm>
#include <charconv>

namespace moonpool::policy {
namespace {

template <class Number>
std::optional<Number> whole(std::string_view text, int base) {
  Number number = 0;
  auto const* end = text.data() + text.size();
  auto const result = std::from_chars(text.data(), end, number, base);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

std::string hexadecimal(std::uint32_t number) {
  char text[9] = {};
  auto const result = std::to_chars(text, text + 8, number, 16);
  std::string out(text, result.ptr);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  return out;
}

}  // namespace

std::optional<Lsn> parse_lsn(std::string_view text) {
  auto const slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto const high = whole<std::uint32_t>(text.substr(0, slash), 16);
  auto const low = whole<std::uint32_t>(text.substr(slash + 1), 16);
  if (!high || !low) return std::nullopt;
  return Lsn{*high} << 32 | *low;
}

std::string format_lsn(Lsn lsn) {
  return hexadecimal(static_cast<std::uint32_t>(lsn >> 32)) + "/" +
         hexadecimal(static_cast<std::uint32_t>(lsn));
}

// Safe with other sizes of page and segment, too: no record of a change is as short as a header.
Lsn all_before(Lsn end) {
  constexpr Lsn kPage = 8192;
  constexpr Lsn kPageHeader = 24;
  constexpr Lsn kSmallestSegment = Lsn{1} << 20;
  constexpr Lsn kSegmentHeader = 40;
  if (end % kSmallestSegment == kSegmentHeader) return end - kSegmentHeader;
  return end % kPage == kPageHeader ? end - kPageHeader : end;
}

std::string to_string(Position const& position) {
  if (!position.somewhere()) return "";
  return std::to_string(position.system) + "/" + std::to_string(position.timeline) + "/" +
         format_lsn(position.lsn);
}

std::optional<Position> parse_position(std::string_view text) {
  if (text.empty()) return Position{};
  auto const first = text.find('/');
  if (first == std::string_view::npos) return std::nullopt;
  auto const second = text.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto const system = whole<std::uint64_t>(text.substr(0, first), 10);
  auto const timeline = whole<std::uint32_t>(text.substr(first + 1, second - first - 1), 10);
  auto const lsn = parse_lsn(text.substr(second + 1));
  if (!system || !timeline || !lsn) return std::nullopt;
  return Position{*system, *timeline, *lsn};
}

Position later(Position const& known, Position const& next) {
  bool const same = known.system == next.system && known.timeline == next.timeline;
  return same && known.lsn > next.lsn ? known : next;
}

}  // namespace moonpool::policy
