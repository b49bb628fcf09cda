#include "base/caret.hpp"

#include <rapidcheck.h>

#include <limits>
#include <string>

#include "support/catch.hpp"

namespace moonpool {
namespace {

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

// The character above the caret, by counting characters as a terminal does.
std::string above_caret(std::string const& lines) {
  auto const split = lines.find('\n');
  auto const column = lines.find('^', split) - split - 1;
  auto const line = std::string_view(lines).substr(0, split);
  std::size_t at = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xC0) == 0x80) continue;
    if (at++ == column) {
      auto end = i + 1;
      while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) ++end;
      return std::string(line.substr(i, end - i));
    }
  }
  return "";
}

TEST_CASE("the caret stands below the character") {
  CHECK(caret_lines("select nmae from users", 8) ==
        "LINE 1: select nmae from users\n"
        "               ^");
  CHECK(caret_lines("select 1", 1) ==
        "LINE 1: select 1\n"
        "        ^");
}

TEST_CASE("the line that holds the position is shown") {
  std::string const sql = "select 1,\n  nmae\nfrom users";
  CHECK(caret_lines(sql, 13) ==
        "LINE 2:   nmae\n"
        "          ^");
  CHECK(caret_lines(sql, 18) ==
        "LINE 3: from users\n"
        "        ^");
  CHECK(above_caret(caret_lines(sql, 9)) == ",");
}

TEST_CASE("a position on a line end points behind its line") {
  CHECK(caret_lines("ab\ncd", 3) ==
        "LINE 1: ab\n"
        "          ^");
  CHECK(caret_lines("\n\nx", 1) ==
        "LINE 1: \n"
        "        ^");
  CHECK(caret_lines("\n\nx", 2) ==
        "LINE 2: \n"
        "        ^");
}

TEST_CASE("characters are counted, not bytes") {
  std::string const sql = "select 'größe', nmae";
  CHECK(caret_lines(sql, 17) == "LINE 1: select 'größe', nmae\n                        ^");
  CHECK(above_caret(caret_lines("'🌙🌙', x", 7)) == "x");
}

TEST_CASE("a position past the end points behind the last character") {
  CHECK(caret_lines("select", 7) == "LINE 1: select\n              ^");
  CHECK(caret_lines("select", 1000) == "LINE 1: select\n              ^");
  CHECK(caret_lines("", 1) == "LINE 1: \n        ^");
  CHECK(caret_lines("select\n", std::numeric_limits<int>::max()) == "LINE 2: \n        ^");
}

TEST_CASE("a position before the beginning is the beginning") {
  CHECK(caret_lines("select", 0) == caret_lines("select", 1));
  CHECK(caret_lines("select", std::numeric_limits<int>::min()) == caret_lines("select", 1));
}

TEST_CASE("tabs and carriage returns do not shift the caret") {
  CHECK(caret_lines("\tselect\tx\r\n", 9) == "LINE 1:  select x \n                ^");
}

TEST_CASE("a long line is cut around the caret") {
  std::string const sql = "select " + std::string(500, 'a') + "X" + std::string(500, 'b');
  auto const lines = caret_lines(sql, 508);
  CHECK(above_caret(lines) == "X");
  CHECK(lines.find("...aaaa") != std::string::npos);
  CHECK(lines.find("bbbb...\n") != std::string::npos);
  CHECK(characters(lines.substr(0, lines.find('\n'))) < 100);
  CHECK(above_caret(caret_lines(std::string(500, 'a'), 1)) == "a");
  auto const tail = caret_lines(std::string(500, 'a') + "Z", 501);
  CHECK(above_caret(tail) == "Z");
  CHECK(tail.find("...\n") == std::string::npos);
}

TEST_CASE("whatever the text and the position, the caret finds its character") {
  CHECK(rc::check("random lines", [] {
    auto const piece = rc::gen::element<std::string>("a", " ", "\n", "ü", "€", "🌙", "word", ",");
    auto const pieces = *rc::gen::container<std::vector<std::string>>(piece);
    std::string sql;
    std::vector<std::string> each;
    for (auto const& text : pieces) {
      sql += text;
      if (text == "word") {
        for (char c : text) each.emplace_back(1, c);
      } else {
        each.push_back(text);
      }
    }
    auto const position = *rc::gen::inRange<std::size_t>(0, each.size() + 2);
    auto const lines = caret_lines(sql, static_cast<int>(position) + 1);
    RC_ASSERT(std::count(lines.begin(), lines.end(), '\n') == 1);
    auto const expected = position < each.size() && each[position] != "\n" ? each[position] : "";
    RC_ASSERT(above_caret(lines) == expected);
  }));
}

TEST_CASE("broken UTF-8 and any bytes are shown without a crash") {
  CHECK(rc::check("random bytes", [] {
    auto const sql = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    auto const lines = caret_lines(sql, *rc::gen::arbitrary<int>());
    RC_ASSERT(lines.starts_with("LINE "));
    RC_ASSERT(lines.back() == '^');
  }));
}

}  // namespace
}  // namespace moonpool
