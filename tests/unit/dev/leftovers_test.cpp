#include "dev/leftovers.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "dev/process_table.hpp"
#include "support/catch.hpp"
#include "unit/dev/eventually.hpp"
#include "unit/dev/scratch.hpp"

using namespace moonpool;
using namespace moonpool::dev;
using moonpool::test::contains;
using moonpool::test::eventually;
using moonpool::test::Scratch;
using std::chrono::milliseconds;
using std::chrono::seconds;
namespace fs = std::filesystem;

TEST_CASE("a lock has one holder, and is free when that one is gone") {
  Scratch const scratch;
  auto const file = scratch.path() / "lock";
  auto held = lock_file(file, Deadline::in(seconds(5)));
  CHECK_THROWS_WITH(lock_file(file, Deadline::in(milliseconds(50))), contains("busy"));
  held.close();
  CHECK_NOTHROW(lock_file(file, Deadline::in(seconds(5))));
  CHECK_THROWS_AS(lock_file(scratch.path() / "none/lock", Deadline::in(seconds(5))), Error);
}

TEST_CASE("a new lock wants a new name") {
  Scratch const scratch;
  auto const first = lock_new(scratch.path() / "a.lock");
  CHECK(first);
  CHECK_FALSE(lock_new(scratch.path() / "a.lock"));
  CHECK_FALSE(lock_new(scratch.path() / "none/a.lock"));
}

TEST_CASE("sweeping takes what nobody holds, and nothing else") {
  Scratch const scratch;
  scratch.write("gone/data/file", "x");
  scratch.write("gone.lock", "");
  scratch.write("alive/data/file", "x");
  scratch.write("nolock/data/file", "x");
  auto const held = lock_new(scratch.path() / "alive.lock");
  sweep(scratch.path());
  CHECK_FALSE(fs::exists(scratch.path() / "gone"));
  CHECK_FALSE(fs::exists(scratch.path() / "gone.lock"));
  CHECK(fs::exists(scratch.path() / "alive/data/file"));
  CHECK(fs::exists(scratch.path() / "alive.lock"));
  CHECK(fs::exists(scratch.path() / "nolock/data/file"));
  CHECK_NOTHROW(sweep(scratch.path() / "none"));
}

TEST_CASE("clearing away ends server processes there, and only those") {
  Scratch const scratch;
  scratch.write("cluster/data/file", "x");
  // `sleep` under the name of a server, and under one of no concern.
  fs::copy_file("/bin/sleep", scratch.path() / "postgres");
  fs::copy_file("/bin/sleep", scratch.path() / "editor");
  auto const start = [&](char const* program, fs::path const& folder) {
    auto const path = (scratch.path() / program).string();
    auto const pid = ::fork();
    if (pid == 0) {
      if (::chdir(folder.c_str()) == 0) ::execl(path.c_str(), path.c_str(), "1000", nullptr);
      ::_exit(1);
    }
    return pid;
  };
  auto const server = start("postgres", scratch.path() / "cluster/data");
  auto const elsewhere = start("postgres", scratch.path());
  auto const editor = start("editor", scratch.path() / "cluster/data");
  auto const in_cluster = [&] { return processes_in(scratch.path() / "cluster"); };
  REQUIRE(eventually([&] { return in_cluster().size() == 1; }));
  CHECK(in_cluster().front().pid == server);
  clear_away(scratch.path() / "cluster");
  CHECK_FALSE(is_alive(server));
  CHECK(is_alive(elsewhere));
  CHECK(is_alive(editor));
  CHECK_FALSE(fs::exists(scratch.path() / "cluster"));
  for (auto const pid : {server, elsewhere, editor}) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}
