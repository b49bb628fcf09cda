#include "dotenv.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"

namespace moonpool::repl {
namespace {

using Pairs = Variables;

std::string failure_of(std::string_view text) {
  try {
    parse_dotenv(text, ".env");
  } catch (Error const& error) {
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("a .env file is names and values") {
  auto const read = parse_dotenv(
      "# a comment\n"
      "\n"
      "A=1\n"
      "export B = two words # and a comment\n"
      "C='single # \\n $A'\n"
      "D=\"double \\\"x\\\" \\n\\t\\\\ # y\" # z\r\n"
      "E=\n"
      "F=a#b=c\n"
      "_G9=last",
      ".env");
  REQUIRE(read == Pairs{{"A", "1"},
                        {"B", "two words"},
                        {"C", "single # \\n $A"},
                        {"D", "double \"x\" \n\t\\ # y"},
                        {"E", ""},
                        {"F", "a#b=c"},
                        {"_G9", "last"}});
}

TEST_CASE("an empty .env file is fine") {
  REQUIRE(parse_dotenv("", ".env").empty());
  REQUIRE(parse_dotenv("\n \n#\n", ".env").empty());
}

TEST_CASE("a line that is none of this is an error that names it, and shows no value") {
  REQUIRE(failure_of("A=1\nnonsense\n") == ".env:2: there is no = in it");
  REQUIRE_THAT(failure_of("1A=x"), test::contains("no name of a variable"));
  REQUIRE_THAT(failure_of("A B=x"), test::contains("no name of a variable"));
  REQUIRE_THAT(failure_of("A='x"), test::contains("not closed"));
  auto const behind = failure_of("PASSWORD='canary' more");
  REQUIRE_THAT(behind, test::contains("behind the closing quote"));
  REQUIRE_THAT(behind, !test::contains("canary"));
}

}  // namespace moonpool::repl
