#include "wire/check.hpp"

#include <string>

#include "base/error.hpp"
#include "support/catch.hpp"

namespace moonpool::wire {
namespace {

Statement plain(std::string sql, std::vector<Param> params = {}) {
  Statement statement;
  statement.sql = std::move(sql);
  statement.params = std::move(params);
  return statement;
}

std::string refusal(Statement const& statement) {
  try {
    check_statement(statement);
    return "";
  } catch (Error const& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(error.outcome() == Outcome::not_sent);
    return error.message();
  }
}

TEST_CASE("plain statements pass") {
  for (auto const* sql : {"", "select 1", "select 'copy x from stdin'", "copy t to '/tmp/f'",
                          "copy t from program 'x'", "select copy, stdin from t",
                          "/* copy */ select stdin", "copy t from '/stdin'"}) {
    INFO(sql);
    CHECK(refusal(plain(sql)).empty());
  }
  CHECK(refusal(plain("select $1, $2", {{"text äöü", 0}, {std::nullopt, 25}})).empty());
}

TEST_CASE("NUL and broken UTF-8 are named with their place") {
  using namespace std::string_literals;
  CHECK(refusal(plain("select\0 1"s)) ==
        "the statement holds a NUL byte at byte 7; PostgreSQL's text cannot hold it");
  CHECK_THAT(refusal(plain("select '\xFF'")),
             moonpool::test::contains("the statement is not valid UTF-8 at byte 9"));
  CHECK_THAT(refusal(plain("select $1, $2", {{"good", 0}, {"a\0b"s, 0}})),
             moonpool::test::contains("parameter 2 holds a NUL byte at byte 2"));
  CHECK_THAT(refusal(plain("select $1", {{"\xC0\x80", 0}})),
             moonpool::test::contains("parameter 1 is not valid UTF-8 at byte 1"));
}

TEST_CASE("65,535 parameters pass, one more does not") {
  std::vector<Param> many(65'535, Param{"1", 0});
  CHECK(refusal(plain("select 1", many)).empty());
  many.push_back({"1", 0});
  CHECK_THAT(refusal(plain("select 1", many)), moonpool::test::contains("this one has 65536"));
}

TEST_CASE("COPY through the connection is refused, wherever comments stand") {
  for (auto const* sql :
       {"copy t from stdin", "COPY t TO STDOUT", " -- x\n copy (select 1) to stdout",
        "/* a */ copy /* b */ t from /* c */ stdin (format csv)", "copy t from stdin;"}) {
    INFO(sql);
    CHECK_THAT(refusal(plain(sql)), moonpool::test::contains("COPY"));
  }
}

}  // namespace
}  // namespace moonpool::wire
