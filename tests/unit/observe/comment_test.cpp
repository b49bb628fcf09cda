#include "observe/comment.hpp"

#include <string>

#include "base/sql_scanner.hpp"
#include "support/catch.hpp"

namespace moonpool::observe {
namespace {

TEST_CASE("a comment has its keys in order and nothing in it that could end it") {
  CHECK(comment_of({{"route", "/users/:id"}, {"action", "show"}}) ==
        " /*action='show',route='%2Fusers%2F%3Aid'*/");
  CHECK(comment_of({{"a", "x*/; drop table t; /*"}}) ==
        " /*a='x%2A%2F%3B%20drop%20table%20t%3B%20%2F%2A'*/");
  CHECK(comment_of({{"a", "it's"}, {"b", ""}}) == " /*a='it%27s'*/");
  CHECK(comment_of({}).empty());
  CHECK(comment_of({{"a", ""}}).empty());
}

TEST_CASE("whatever the values, it is one comment") {
  std::string every;
  for (int c = 1; c < 256; ++c) every += static_cast<char>(c);
  auto const comment = comment_of({{every, every}, {"x", "*/"}, {"/*", "/*"}});
  SqlScanner scanner(comment);
  CHECK(scanner.next().kind == TokenKind::space);
  auto const token = scanner.next();
  CHECK(token.kind == TokenKind::comment);
  CHECK(token.complete);
  CHECK(scanner.next().kind == TokenKind::end);
}

TEST_CASE("who bears a comment already, or ends inside of something, gets none") {
  CHECK(may_bear_comment("select 1"));
  CHECK(may_bear_comment("select '--' || '/*';"));
  CHECK_FALSE(may_bear_comment("select 1 -- why"));
  CHECK_FALSE(may_bear_comment("select /* hint */ 1"));
  CHECK_FALSE(may_bear_comment("select 'open"));
  CHECK_FALSE(may_bear_comment("select $$open"));
  CHECK_FALSE(may_bear_comment(""));
}

TEST_CASE("a trace says whether it is recorded") {
  std::string const head = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-";
  CHECK(is_sampled(head + "01"));
  CHECK(is_sampled(head + "0b"));
  CHECK_FALSE(is_sampled(head + "00"));
  CHECK_FALSE(is_sampled(head + "0a"));
  CHECK_FALSE(is_sampled(""));
}

}  // namespace
}  // namespace moonpool::observe
