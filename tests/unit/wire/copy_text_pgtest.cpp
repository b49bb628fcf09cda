#include <rapidcheck.h>

#include "unit/wire/wire.hpp"
#include "wire/copy.hpp"
#include "wire/copy_text.hpp"

namespace moonpool::wire {
namespace {

Result columns(std::string const& text) {
  auto const connection = open();
  return one(*connection, text + " limit 0");
}

TEST_CASE("COPY text reads back as rows") {
  auto const like = columns("select 1 as n, 'a'::text as t, null::text as z");
  auto const rows = copied_rows("1\ta\\tb\\\\N\\nc\t\\N\n22\t\t\\\\N\n", like);
  REQUIRE(rows.rows() == 2);
  CHECK(std::string(rows.column_name(1)) == "t");
  CHECK(rows.column_type(0) == 23);
  CHECK(rows.value(0, 1) == "a\tb\\N\nc");
  CHECK_FALSE(rows.value(0, 2).has_value());
  CHECK(rows.value(1, 0) == "22");
  CHECK(rows.value(1, 1) == "");
  CHECK(rows.value(1, 2) == "\\N");
  CHECK(copied_rows("", like).rows() == 0);
}

TEST_CASE("every escape that PostgreSQL documents is understood") {
  auto const like = columns("select 'a'::text as t");
  auto const read = [&](std::string const& field) {
    auto const rows = copied_rows(field + "\n", like);
    return std::string(rows.value(0, 0).value_or("NULL"));
  };
  CHECK(read("\\b\\f\\n\\r\\t\\v\\\\") == "\b\f\n\r\t\v\\");
  CHECK(read("\\101\\7\\x41\\xa!\\xzz\\q\\1018") == "A\aA\n!xzzqA8");
  CHECK(read("\\377\\x7f") == "\xFF\x7F");
  CHECK(read("end\\") == "end\\");
}

TEST_CASE("text of other columns is refused") {
  auto const like = columns("select 1 as a, 2 as b");
  for (auto const* text : {"1\n", "1\t2\t3\n", "1\t2\n3", "\n"}) {
    CHECK(error_of([&] { copied_rows(text, like); }).kind() == ErrorKind::protocol);
  }
  CHECK(error_of([&] { copied_rows("\n", columns("select")); }).kind() == ErrorKind::usage);
}

TEST_CASE("whatever is written is what the server stores and gives back") {
  auto const connection = open();
  auto const table = unique("copy_text");
  sql("create table " + table + " (id int, t text)");
  int id = 0;
  std::vector<std::optional<std::string>> all;
  rc::check("any text", [&](std::vector<std::pair<bool, std::string>> const& raw) {
    CopyIn copy(*connection);
    wait(copy.start("copy " + table + " from stdin", soon()));
    CopyWriter writer(copy.buffer());
    long stored = 0;
    for (auto const& [null, text] : raw) {
      auto const value = null ? std::nullopt : std::optional(text);
      writer.number(id);
      if (!value) {
        writer.null();
      } else if (!writer.text(*value)) {
        writer.drop_row();
        continue;
      }
      writer.end_row();
      all.push_back(value);
      ++id;
      ++stored;
    }
    RC_ASSERT(wait(copy.finish(soon())) == stored);
  });
  auto const plain = one(*connection, "select t from " + table + " order by id");
  CopyOut out(*connection);
  wait(out.start("copy (select t from " + table + " order by id) to stdout", soon()));
  std::string text;
  for (;;) {
    auto const chunk = wait(out.next(soon()));
    if (chunk.empty()) break;
    text += chunk;
  }
  auto const rows = copied_rows(text, plain);
  REQUIRE(plain.rows() == all.size());
  REQUIRE(rows.rows() == all.size());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (plain.value(i, 0) != all[i] || rows.value(i, 0) != all[i]) ++wrong;
  }
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace moonpool::wire
