#include "base/utf8.hpp"

#include <rapidcheck.h>

#include <cstdint>
#include <string>

#include "support/catch.hpp"

namespace moonpool {
namespace {

void append(std::string& out, std::uint32_t point) {
  auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | point >> 6);
    byte(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    byte(0xE0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  } else {
    byte(0xF0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3F));
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  }
}

// Decides by arithmetic where the engine decides by ranges of bytes: decodes, and refuses what would
// be spelt otherwise.
std::size_t decoded_prefix(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    auto const lead = static_cast<unsigned char>(text[i]);
    std::size_t const length = lead < 0x80       ? 1
                               : lead >> 5 == 6  ? 2
                               : lead >> 4 == 14 ? 3
                               : lead >> 3 == 30 ? 4
                                                 : 0;
    if (length == 0 || i + length > text.size()) return i;
    std::uint32_t point = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      auto const next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6 != 2) return i;
      point = point << 6 | (next & 0x3FU);
    }
    std::string again;
    append(again, point);
    bool const surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (point == 0 || surrogate || point > 0x10FFFF || again.size() != length) return i;
    i += length;
  }
  return i;
}

TEST_CASE("the first bad byte is found") {
  using namespace std::string_view_literals;
  struct Case {
    std::string_view text;
    std::size_t good;
  };
  for (auto const& [text, good] : {Case{""sv, 0},
                                   {"plain"sv, 5},
                                   {"a\0b"sv, 1},
                                   {"\0"sv, 0},
                                   {"12345678\0"sv, 8},
                                   {"12345678901234\0 6"sv, 14},
                                   {"gr\xC3\xBC\xC3\x9F"sv, 6},
                                   {"\xE2\x82\xAC"sv, 3},
                                   {"\xF0\x9F\x8C\x99"sv, 4},
                                   {"a\xC3"sv, 1},
                                   {"a\xE2\x82"sv, 1},
                                   {"a\xF0\x9F\x8C"sv, 1},
                                   {"a\x80"sv, 1},
                                   {"a\xC0\x80"sv, 1},
                                   {"a\xC1\xBF"sv, 1},
                                   {"a\xE0\x80\xAF"sv, 1},
                                   {"\xE0\xA0\x80"sv, 3},
                                   {"a\xED\xA0\x80"sv, 1},
                                   {"\xED\x9F\xBF"sv, 3},
                                   {"a\xF0\x8F\xBF\xBF"sv, 1},
                                   {"\xF4\x8F\xBF\xBF"sv, 4},
                                   {"a\xF4\x90\x80\x80"sv, 1},
                                   {"a\xF5\x80\x80\x80"sv, 1},
                                   {"a\xFF"sv, 1},
                                   {"a\xC3("sv, 1},
                                   {"a\xE2(\xA1"sv, 1},
                                   {"\xC0'"sv, 0},
                                   {"\xE0'"sv, 0},
                                   {"12345678\xC0'"sv, 8},
                                   {"1234567\xC3\xA4", 9}}) {
    INFO("of " << text.size() << " bytes: " << text);
    CHECK(valid_text_prefix(text) == good);
    CHECK(decoded_prefix(text) == good);
    CHECK(is_valid_text(text) == (good == text.size()));
  }
}

TEST_CASE("every code point there is, and none of the others") {
  std::size_t wrong = 0;
  for (std::uint32_t point = 0; point < 0x120000; ++point) {
    std::string text;
    append(text, point);
    bool const good = point != 0 && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
    if (is_valid_text(text) != good) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("every pair and triple of bytes is judged as an independent decoder judges it") {
  std::size_t wrong = 0;
  for (std::uint32_t bytes = 0; bytes < 0x1000000; ++bytes) {
    // Of the triples those that begin a sequence; the rest is said by pairs.
    if (bytes >= 0x10000 && bytes >> 16 < 0xC0) continue;
    char const text[3] = {static_cast<char>(bytes >> 16), static_cast<char>(bytes >> 8),
                          static_cast<char>(bytes)};
    std::string_view const view =
        bytes < 0x10000 ? std::string_view(text + 1, 2) : std::string_view(text, 3);
    if (valid_text_prefix(view) != decoded_prefix(view)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("random bytes are judged as an independent decoder judges them") {
  CHECK(rc::check("any bytes", [] {
    auto const text = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    RC_ASSERT(valid_text_prefix(text) == decoded_prefix(text));
  }));
  CHECK(rc::check("text with one byte changed, at every distance from the eight-byte steps", [] {
    auto text = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("abcdefgh\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8C\x99 0123456789")));
    text.insert(0, std::string(*rc::gen::inRange<std::size_t>(0, 24), 'x'));
    if (!text.empty())
      text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
    RC_ASSERT(valid_text_prefix(text) == decoded_prefix(text));
  }));
}

}  // namespace
}  // namespace moonpool
