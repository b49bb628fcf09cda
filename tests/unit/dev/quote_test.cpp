#include "dev/quote.hpp"

#include "dev/spawn.hpp"
#include "support/catch.hpp"

using namespace moonpool;
using namespace moonpool::dev;

TEST_CASE("words for a shell are quoted only where they must be") {
  CHECK(quote_for_shell("host=/tmp/x") == "'host=/tmp/x'");
  CHECK(quote_for_shell("/tmp/a-b_c.d:e,f@g%h+i") == "/tmp/a-b_c.d:e,f@g%h+i");
  CHECK(quote_for_shell("") == "''");
  CHECK(quote_for_shell("it's") == "'it'\\''s'");
}

TEST_CASE("a shell reads back what was quoted for it") {
  for (std::string const text :
       {"plain", "", " two words ", "'", "''", "a'b\"c", "$HOME `id` $(id) \\ \\\\", "*?[a]~#&;|<>",
        "line\nbreak", "tab\there", "caf\xc3\xa9"}) {
    SpawnRequest request;
    request.program = "/bin/sh";
    request.arguments = {"-c", "printf %s " + quote_for_shell(text)};
    CHECK(run(request, {}, Deadline::in(std::chrono::seconds(10))).output == text);
  }
}

TEST_CASE("connection string values") {
  CHECK(quote_for_conninfo("/tmp/x/s") == "/tmp/x/s");
  CHECK(quote_for_conninfo("") == "''");
  CHECK(quote_for_conninfo("my db") == "'my db'");
  CHECK(quote_for_conninfo("it's a \\") == "'it\\'s a \\\\'");
  CHECK(quote_for_conninfo("a=b") == "'a=b'");
}

TEST_CASE("settings and identifiers") {
  CHECK(quote_for_settings("16MB") == "'16MB'");
  CHECK(quote_for_settings("o'clock") == "'o''clock'");
  CHECK(quote_identifier("work_mem") == "\"work_mem\"");
  CHECK(quote_identifier("a\"b") == "\"a\"\"b\"");
}
