#include "arguments.hpp"

#include "exit_codes.hpp"
#include "support/catch.hpp"

namespace moonpool::repl {
namespace {

using Action = Arguments::Action;
using Words = std::vector<std::string>;

Value options_of(Words words) { return Value(read_arguments(std::move(words)).options); }

}  // namespace

TEST_CASE("no words are the shell") {
  auto const wish = read_arguments({});
  REQUIRE(wish.action == Action::shell);
  REQUIRE(wish.env_file);
  REQUIRE_FALSE(wish.json);
  REQUIRE(read_arguments({"--dsn", "host=x"}).dsn == "host=x");
  REQUIRE_FALSE(read_arguments({"--no-env-file"}).env_file);
  REQUIRE(read_arguments({"--color=never"}).color == ColorMode::never);
}

TEST_CASE("-c may be given several times") {
  auto const wish = read_arguments({"-c", "select 1", "--command", "\\d", "--json"});
  REQUIRE(wish.action == Action::command);
  REQUIRE(wish.commands == Words{"select 1", "\\d"});
  REQUIRE(wish.json);
}

TEST_CASE("what stands behind a script is the script's") {
  for (auto const& words : {Words{"run", "a.lua", "--json", "-c", "x", "--", "-h"},
                            Words{"a.lua", "--json", "-c", "x", "--", "-h"},
                            Words{"./a", "--json", "-c", "x", "--", "-h"}}) {
    auto const wish = read_arguments(words);
    REQUIRE(wish.action == Action::run);
    REQUIRE(wish.words == Words{"--json", "-c", "x", "--", "-h"});
    REQUIRE_FALSE(wish.json);
  }
  auto const wish = read_arguments({"--dsn", "host=x", "run", "--json", "migrate", "up"});
  REQUIRE(wish.file == "migrate");
  REQUIRE(wish.words == Words{"up"});
  REQUIRE(wish.dsn == "host=x");
  REQUIRE(wish.json);
}

TEST_CASE("subcommands hand a table of options to Lua") {
  auto const wish =
      read_arguments({"migrate", "up", "--dir", "m", "--out-of-order", "--allow", "drop_table",
                      "--allow", "drop_column", "--dsn", "host=x", "--json"});
  REQUIRE(wish.action == Action::subcommand);
  REQUIRE(wish.name == "migrate");
  REQUIRE(wish.dsn == "host=x");
  REQUIRE(wish.json);
  Value const options(wish.options);
  REQUIRE(options["command"].as<std::string>() == "migrate");
  REQUIRE(options["action"].as<std::string>() == "up");
  REQUIRE(options["dir"].as<std::string>() == "m");
  REQUIRE(options["out_of_order"].as<bool>());
  REQUIRE(options["allow"] == Value(Value::List{"drop_table", "drop_column"}));
  REQUIRE(options["to"].is_nil());
  REQUIRE(options["args"].size() == 0);
  REQUIRE(options_of({"migrate", "new", "add users"})["args"] == Value(Value::List{"add users"}));
  REQUIRE(options_of({"migrate", "up", "--dry-run"})["dry_run"].as<bool>());
}

TEST_CASE("what is unknown is refused with exit code 2") {
  for (auto const& words :
       {Words{"migrat"}, Words{"--jsn"}, Words{"migrate", "upp"},
        Words{"migrate", "up", "--too", "1"}, Words{"migrate"}, Words{"run"},
        Words{"run", "--jsn", "a.lua"}, Words{"status", "extra"}, Words{"--color", "pink"},
        Words{"--dsn"}, Words{"version", "extra"}, Words{"-c", "x", "a.lua"},
        Words{"--jsn", "dev", "status"}, Words{"-x"}}) {
    auto const wish = read_arguments(words);
    REQUIRE(wish.action == Action::done);
    REQUIRE(wish.exit_code == kUsage);
  }
}

TEST_CASE("help and version are no failures") {
  REQUIRE(read_arguments({"--help"}).exit_code == kOk);
  REQUIRE(read_arguments({"migrate", "up", "--help"}).action == Action::done);
  REQUIRE(read_arguments({"--version"}).action == Action::version);
  REQUIRE(read_arguments({"version", "--json"}).json);
}

}  // namespace moonpool::repl
