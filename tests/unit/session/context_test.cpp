#include "session/context.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"

namespace moonpool::session {
namespace {

TEST_CASE("a context names settings, and nothing else") {
  Context context;
  for (auto const* name : {"role", "work_mem", "app.user_id", "a.b.c", "app.x1$"}) {
    CHECK_NOTHROW(context.set(name, "v"));
  }
  for (auto const* name :
       {"", ".", "a.", ".a", "a..b", "1a", "a b", "a'b", "a;b", "a\"b", "a-b", "a.1"}) {
    INFO(name);
    CHECK_THROWS_AS(context.set(name, "v"), Error);
  }
  CHECK_THROWS_AS(context.set(std::string(64, 'a'), "v"), Error);
}

TEST_CASE("values are parameters, or literals that hold whatever they hold") {
  Context context;
  context.set("role", "o'neil \\ x");
  context.set("app.id", "1");
  context.set("app.id", "2");
  auto const statement = context.statement();
  CHECK(statement.sql ==
        "SELECT pg_catalog.set_config($1, $2, true), pg_catalog.set_config($3, $4, true)");
  REQUIRE(statement.params.size() == 4);
  CHECK(statement.params[3].text == "2");
  CHECK_FALSE(statement.ends_segment);
  CHECK(context.text() ==
        "SELECT pg_catalog.set_config( E'role', E'o''neil \\\\ x', true), pg_catalog.set_config( "
        "E'app.id', "
        "E'2', true)");
}

TEST_CASE("each segment of a request is laid on") {
  Context context;
  context.set("role", "a");
  wire::Request request;
  for (bool const ends : {false, true, true}) {
    wire::Statement statement;
    statement.sql = "x";
    statement.ends_segment = ends;
    request.push_back(statement);
  }
  auto const laid = context.lay_on(request);
  std::string shape;
  for (auto const& statement : laid) shape += statement.sql == "x" ? "x" : "c";
  CHECK(shape == "cxxcx");
}

}  // namespace
}  // namespace moonpool::session
