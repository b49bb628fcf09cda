#include "base/split.hpp"

#include <rapidcheck.h>

#include <ctime>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace moonpool {
namespace {

using Texts = std::vector<std::string>;

Texts texts(std::string_view script) {
  Texts out;
  for (auto const& statement : split_script(script)) out.emplace_back(statement.text);
  return out;
}

void stays_whole(std::string const& statement) {
  INFO(statement);
  CHECK(texts(statement + "; select 2;") == Texts{statement, "select 2"});
}

TEST_CASE("a script is cut at its semicolons") {
  CHECK(texts("select 1; select 2;") == Texts{"select 1", "select 2"});
  CHECK(texts("select 1;select 2") == Texts{"select 1", "select 2"});
  CHECK(texts("  select 1 \n ; \n") == Texts{"select 1"});
}

TEST_CASE("what holds nothing is left out") {
  CHECK(texts("").empty());
  CHECK(texts(" ;; ; -- nothing\n; /* no */ ;").empty());
  CHECK(texts("-- head\nselect 1; -- tail\n") == Texts{"select 1"});
}

TEST_CASE("comments in front are not part of a statement, those inside are") {
  CHECK(texts("/* a */ select /* b */ 1 /* c */;") == Texts{"select /* b */ 1"});
}

TEST_CASE("lines are counted to the first character of the statement") {
  auto const found = split_script("-- one\n\nselect 1;\n\n/* x\ny */ select\n 2; select 3");
  REQUIRE(found.size() == 3);
  CHECK(found[0].line == 3);
  CHECK(found[1].line == 6);
  CHECK(found[2].line == 7);
}

TEST_CASE("the last statement may lack its end, and says so") {
  auto open = [](std::string_view script) { return !split_script(script).back().complete; };
  CHECK_FALSE(open("select 1;"));
  CHECK_FALSE(open("select 1; -- end"));
  CHECK(open("select 1"));
  CHECK(open("select 1; select 'a"));
  CHECK(open("select 1; select 'a;"));
  CHECK(open("select $a$ ;"));
  CHECK(open("select (1;"));
  CHECK(open("select 1 /* ;"));
  CHECK(open("create function f() returns int begin atomic select 1;"));
  CHECK(split_script("select 'a;").back().text == "select 'a;");
}

TEST_CASE("semicolons inside literals, names, comments and parentheses do not cut") {
  for (auto const* statement :
       {"select ';'", "select ';'';'", "select E'\\';'", "select \";\"", "select $$;$$",
        "select $a$;$$;$a$", "select 1 /* ; /* ; */ ; */ + 1", "select 1 -- ;\n + 1",
        "select E'a'\n';\\';'",
        "create rule r as on insert to t do also (insert into u values (1); delete from v)"}) {
    stays_whole(statement);
  }
}

TEST_CASE("the body of a function in standard SQL stays whole") {
  for (auto const* statement :
       {"create function f() returns int begin atomic select 1; select 2; end",
        "CREATE OR REPLACE FUNCTION f(begin int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; "
        "END",
        "create procedure p() begin atomic insert into t values (1); insert into t values (2); end",
        "create or replace procedure p() begin atomic select case when a then 1 else 2 end; select "
        "3; end",
        "create function f() returns int begin atomic select case when a then case when b then 1 "
        "end end; end",
        "create function f() returns int language sql return 1",
        "create function f() returns int as $$ begin; end; $$ language plpgsql",
        "create function f() returns int as ' begin; end; ' language plpgsql"}) {
    stays_whole(statement);
  }
}

TEST_CASE("transactions and other uses of BEGIN and END cut as any statement") {
  CHECK(texts("begin; select 1; end;") == Texts{"begin", "select 1", "end"});
  CHECK(texts("create table begin_log (a int); select 1") ==
        Texts{"create table begin_log (a int)", "select 1"});
  CHECK(texts("create trigger t before insert on a execute function f(); select 1") ==
        Texts{"create trigger t before insert on a execute function f()", "select 1"});
  CHECK(texts("select case when a then 1 end; select 2") ==
        Texts{"select case when a then 1 end", "select 2"});
  CHECK(texts("drop function f; begin; commit") == Texts{"drop function f", "begin", "commit"});
  CHECK(texts("do $$ begin null; end $$; select 1") ==
        Texts{"do $$ begin null; end $$", "select 1"});
}

TEST_CASE("a closing parenthesis too many hides nothing") {
  CHECK(texts("select 1); select 2") == Texts{"select 1)", "select 2"});
}

TEST_CASE("pieces lie in the script, in order, and nothing but blanks and comments lies between") {
  CHECK(rc::check("random scripts", [] {
    auto const piece = rc::gen::element<std::string>(
        ";", "select 1", " ", "\n", "'", "\"", "$$", "(", ")", "-- c\n", "/*", "*/",
        "create function f()", " begin ", " end ", " case ", "x", std::string(1, '\0'), "\xFF");
    std::string script;
    for (auto const& text : *rc::gen::container<std::vector<std::string>>(piece)) script += text;
    auto const* at = script.data();
    auto const found = split_script(script);
    for (std::size_t i = 0; i < found.size(); ++i) {
      auto const& [text, line, complete] = found[i];
      RC_ASSERT_FALSE(text.empty());
      RC_ASSERT(text.data() >= at);
      auto const before =
          std::string_view(script).substr(0, static_cast<std::size_t>(text.data() - script.data()));
      RC_ASSERT(line ==
                1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')));
      RC_ASSERT((complete || i + 1 == found.size()));
      at = text.data() + text.size();
      RC_ASSERT(at <= script.data() + script.size());
    }
  }));
}

// A dump is cut in one pass: ten times as much takes ten times as long, not a hundred.
TEST_CASE("a long script is cut in time that grows with its length") {
  auto time_of = [](std::size_t statements) {
    std::string script;
    for (std::size_t i = 0; i < statements; ++i)
      script += "insert into t values (1, 'some text');\n";
    auto const begin = std::clock();  // the processor's time: others may be at work
    REQUIRE(split_script(script).size() == statements);
    return static_cast<double>(std::clock() - begin);
  };
  time_of(1'000);
  double const small = std::min({time_of(4'000), time_of(4'000), time_of(4'000)});
  double const large = std::min(time_of(80'000), time_of(80'000));
  CHECK(large < 80 * small);
}

}  // namespace
}  // namespace moonpool
