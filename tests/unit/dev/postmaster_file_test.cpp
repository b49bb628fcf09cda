#include "dev/postmaster_file.hpp"

#include "support/catch.hpp"
#include "unit/dev/scratch.hpp"

using moonpool::dev::log_tail;
using moonpool::dev::PostmasterFile;
using moonpool::test::Scratch;

TEST_CASE("a postmaster's file while it starts, and when it is ready") {
  std::string const starting =
      "6926\n/tmp/r\n1795235175\n5433\n/tmp/s\n\n 10956036        18\nstarting\n";
  auto const early = PostmasterFile::parse(starting);
  CHECK(early.pid == 6926);
  CHECK(early.port == 5433);
  CHECK_FALSE(early.ready);
  auto const later = PostmasterFile::parse("6926\n/tmp/r\n1\n5433\n/tmp/s\n\n 1 2\nready   \n");
  CHECK(later.ready);
  CHECK_FALSE(PostmasterFile::parse("6926\n/tmp/r\n1\n5433\n/tmp/s\n\n 1 2\nstopping\n").ready);
}

TEST_CASE("files that are half written or not there") {
  CHECK(PostmasterFile::parse("").pid == 0);
  CHECK(PostmasterFile::parse("692").port == 0);
  CHECK(PostmasterFile::parse("garbage\n\n\n").pid == 0);
  Scratch const scratch;
  CHECK(PostmasterFile::read(scratch.path()).pid == 0);
  scratch.write("postmaster.pid", "42\n");
  CHECK(PostmasterFile::read(scratch.path()).pid == 42);
}

TEST_CASE("the tail of a log") {
  Scratch const scratch;
  CHECK(log_tail(scratch.path() / "none").empty());
  std::string text;
  for (int line = 1; line <= 20; ++line) text += "line " + std::to_string(line) + "\n";
  auto const log = scratch.write("log", text);
  CHECK(log_tail(log, 2) == "  line 19\n  line 20");
  CHECK(log_tail(log, 99).starts_with("  line 1\n"));
}
