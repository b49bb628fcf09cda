#include "observe/log.hpp"

#include <string>

#include "support/catch.hpp"

namespace moonpool::observe {
namespace {

TEST_CASE("a line as text quotes what would fall apart, and stays one line") {
  Event const event{Level::warning,
                    "pool.leak",
                    "held for\nlong",
                    {{"node", "replica-1"}, {"holder", "a \"b\"\n=c"}, {"empty", ""}}};
  CHECK(format_text(event) ==
        "pool.leak: held for long node=replica-1 holder=\"a \\\"b\\\" =c\" empty=\"\"");
}

TEST_CASE("a line as JSON is an object's members, with numbers where they are numbers") {
  Event const event{Level::info,
                    "statement",
                    "select \"a\"\t\\",
                    {{"ms", "1.5"}, {"rows", "3"}, {"correlation_id", "17"}, {"node", "x\xff"}}};
  CHECK(format_json(event) ==
        R"("event":"statement","message":"select \"a\"\u0009\\","ms":1.5,"rows":3,)"
        R"("correlation_id":"17","node":"x\ufffd")");
}

TEST_CASE("a number that is none stays text") {
  CHECK(format_json({Level::info, "x", "", {{"ms", "soon"}, {"rows", ""}}}) ==
        R"("event":"x","message":"","ms":"soon","rows":"")");
}

TEST_CASE("levels have names") {
  for (auto level :
       {Level::trace, Level::debug, Level::info, Level::warning, Level::error, Level::off}) {
    CHECK(level_of(to_string(level)) == level);
  }
  CHECK(level_of("warn") == Level::warning);
  CHECK_FALSE(level_of("loud").has_value());
  CHECK_FALSE(level_of("").has_value());
}

}  // namespace
}  // namespace moonpool::observe
