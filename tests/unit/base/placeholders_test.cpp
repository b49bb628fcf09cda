#include "base/placeholders.hpp"

#include <rapidcheck.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/catch.hpp"

namespace moonpool {
namespace {

using Names = std::vector<std::string>;

std::string refusal(std::string const& sql) {
  try {
    auto const numbered = number_placeholders(sql);
    return "accepted as " + numbered.text;
  } catch (Error const& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(error.outcome() == Outcome::not_sent);
    CHECK(error.query() == sql);
    return error.message();
  }
}

TEST_CASE("a statement without parameters stays as it is") {
  for (auto const* sql : {"", "select 1", "select '?', \"a?\", $$ ? $$ -- ?\n/* :a */",
                          "select x::int, a[1:2]", "select E'\\'?'"}) {
    INFO(sql);
    auto const numbered = number_placeholders(sql);
    CHECK(numbered.style == PlaceholderStyle::none);
    CHECK(numbered.text == sql);
    CHECK(numbered.count == 0);
    CHECK(numbered.names.empty());
  }
}

TEST_CASE("question marks are numbered in their order") {
  auto const numbered = number_placeholders("select * from t where a = ? and b in (?,?)");
  CHECK(numbered.style == PlaceholderStyle::positional);
  CHECK(numbered.text == "select * from t where a = $1 and b in ($2,$3)");
  CHECK(numbered.count == 3);
  CHECK(numbered.names.empty());
}

TEST_CASE("two question marks are PostgreSQL's operator") {
  auto const numbered = number_placeholders("select j ?? 'k', j ??| ?, j @?? '$.a' -- ??");
  CHECK(numbered.text == "select j ? 'k', j ?| $1, j @? '$.a' -- ??");
  CHECK(numbered.count == 1);
  CHECK(number_placeholders("select j ?? 'k'").text == "select j ? 'k'");
  CHECK(number_placeholders("select j ?? 'k'").style == PlaceholderStyle::none);
  CHECK(number_placeholders("select j ?? $1").text == "select j ? $1");
  CHECK(number_placeholders("select j ?? :k").text == "select j ? $1");
}

TEST_CASE("the same name is the same parameter") {
  auto const numbered = number_placeholders("select :b, :a, :b::text, ':b' where x = :größe");
  CHECK(numbered.style == PlaceholderStyle::named);
  CHECK(numbered.text == "select $1, $2, $1::text, ':b' where x = $3");
  CHECK(numbered.count == 3);
  CHECK(numbered.names == Names{"b", "a", "größe"});
}

TEST_CASE("names are told apart by case") {
  CHECK(number_placeholders("select :a, :A").names == Names{"a", "A"});
}

TEST_CASE("native parameters stay, and the highest tells their number") {
  auto const numbered = number_placeholders("select $2, $1, $2");
  CHECK(numbered.style == PlaceholderStyle::native);
  CHECK(numbered.text == "select $2, $1, $2");
  CHECK(numbered.count == 2);
  CHECK(number_placeholders("select $65535").count == 65535);
}

TEST_CASE("a digit behind a rewritten parameter does not join its number") {
  CHECK(number_placeholders("select ?,1").text == "select $1,1");
  CHECK(refusal("select ?1") == "accepted as select $1 1");
  CHECK(refusal("select :a 1") == "accepted as select $1 1");
}

TEST_CASE("spellings do not mix, and the message points at the second") {
  CHECK_THAT(refusal("select ?, :a"), test::contains("mixes ? and :name"));
  CHECK_THAT(refusal("select ?, :a"),
             test::contains("\nLINE 1: select ?, :a\n                  ^"));
  CHECK_THAT(refusal("select :a, $1"), test::contains("mixes :name and $1"));
  CHECK_THAT(refusal("select 'ä', $1, ?"), test::contains("\n                        ^"));
  // Whichever comes first: a lone ? is the operator more often than not.
  CHECK_THAT(refusal("select j ? $1"), test::contains("the operator ? is written ??"));
  CHECK_THAT(refusal("select $1 ? 'k'"), test::contains("the operator ? is written ??"));
  CHECK(refusal("select :a, $1").find("operator") == std::string::npos);
}

TEST_CASE("what is never closed is refused where it begins") {
  CHECK_THAT(refusal("select 'abc ?"),
             test::contains("string is never closed\nLINE 1: select 'abc ?\n               ^"));
  CHECK_THAT(refusal("select $a$ ?"), test::contains("string is never closed"));
  CHECK_THAT(refusal("select E'\\'"), test::contains("string is never closed"));
  CHECK_THAT(refusal("select \"abc"), test::contains("quoted name is never closed"));
  CHECK_THAT(refusal("select 1 /* /* */"), test::contains("comment is never closed"));
}

TEST_CASE("parameters are numbered from 1 to 65535") {
  CHECK_THAT(refusal("select $0"), test::contains("numbered from $1"));
  CHECK_THAT(refusal("select $65536"), test::contains("65535"));
  CHECK_THAT(refusal("select $99999999999999999999999"), test::contains("65535"));
  std::string sql = "select ?";
  for (int i = 1; i < 65535; ++i) sql += ",?";
  CHECK(number_placeholders(sql).count == 65535);
  CHECK_THAT(refusal(sql + ",?"), test::contains("65535"));
}

TEST_CASE("what stands between parameters is kept to the byte") {
  CHECK(rc::check("literals around parameters", [] {
    auto const literal =
        rc::gen::element<std::string>("'?'", "\":a\"", "$$ $1 ? $$", "/* ? */", "-- :a\n",
                                      "E'\\'?'", "x::int", "a[1:2]", "  ", "'it''s'", "U&'\\0061'");
    auto const literals = *rc::gen::container<std::vector<std::string>>(literal);
    std::string sql = "select ";
    std::string expected = sql;
    std::size_t count = 0;
    for (auto const& text : literals) {
      sql += text + " ? ";
      expected += text + " $" + std::to_string(++count) + " ";
    }
    auto const numbered = number_placeholders(sql);
    RC_ASSERT(numbered.text == expected);
    RC_ASSERT(numbered.count == count);
  }));
}

TEST_CASE("any bytes are numbered or refused") {
  CHECK(rc::check("random bytes", [] {
    auto const sql = *rc::gen::container<std::string>(rc::gen::oneOf(
        rc::gen::arbitrary<char>(), rc::gen::elementOf(std::string("?:$1'\"/*-[](); ab"))));
    try {
      auto const numbered = number_placeholders(sql);
      RC_ASSERT(numbered.names.size() ==
                (numbered.style == PlaceholderStyle::named ? numbered.count : 0));
    } catch (Error const& error) {
      RC_ASSERT(error.kind() == ErrorKind::usage);
    }
  }));
}

}  // namespace
}  // namespace moonpool
