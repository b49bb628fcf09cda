#include "dev/foreground.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "unit/dev/eventually.hpp"
#include "unit/dev/scratch.hpp"

using moonpool::dev::Foreground;
using moonpool::test::eventually;
using moonpool::test::read_file;
using moonpool::test::Scratch;
using moonpool::test::Variable;
namespace fs = std::filesystem;

namespace {

int run_shell(std::string const& script) {
  Foreground foreground;
  return foreground.run({"sh", "-c", script}, {});
}

}  // namespace

TEST_CASE("exit codes are the command's") {
  CHECK(run_shell("exit 0") == 0);
  CHECK(run_shell("exit 7") == 7);
  CHECK(run_shell("kill -TERM $$") == 143);
  Foreground foreground;
  CHECK(foreground.run({"/nonexistent/command"}, {}) == 127);
  CHECK(foreground.run({"/tmp"}, {}) == 126);
}

TEST_CASE("the environment is the caller's, changed as asked") {
  Scratch const scratch;
  Variable const kept("MOONPOOL_TEST_KEPT", "1");
  Variable const replaced("MOONPOOL_TEST_REPLACED", "old");
  Variable const removed("MOONPOOL_TEST_REMOVED", "1");
  auto const file = (scratch.path() / "env").string();
  Foreground foreground;
  CHECK(foreground.run({"sh", "-c", "env | grep MOONPOOL_TEST | sort >" + file},
                       {{"MOONPOOL_TEST_REPLACED", "new one"}, {"MOONPOOL_TEST_ADDED", "x"}},
                       {"MOONPOOL_TEST_REMOVED"}) == 0);
  CHECK(read_file(file) ==
        "MOONPOOL_TEST_ADDED=x\nMOONPOOL_TEST_KEPT=1\nMOONPOOL_TEST_REPLACED=new one\n");
}

TEST_CASE("a signal sent to us reaches the command, and we outlive it") {
  Scratch const scratch;
  auto const ready = scratch.path() / "ready";
  auto const cleared = scratch.path() / "cleared";
  for (auto const& [signal, name] :
       {std::pair{SIGTERM, "TERM"}, {SIGINT, "INT"}, {SIGUSR1, "USR1"}}) {
    auto const us = ::fork();
    if (us == 0) {
      Foreground foreground;
      auto const code = foreground.run({"sh", "-c",
                                        std::string("trap 'exit 42' ") + name + "; : >" +
                                            ready.string() + "; while :; do sleep 0.02; done"},
                                       {});
      scratch.write("cleared", "");  // what an owner does after its command
      ::_exit(code);
    }
    REQUIRE(eventually([&] { return fs::exists(ready); }));
    ::kill(us, signal);
    int status = 0;
    REQUIRE(::waitpid(us, &status, 0) == us);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 42);
    CHECK(fs::exists(cleared));
    fs::remove(ready);
    fs::remove(cleared);
  }
}

TEST_CASE("a signal that comes when the command has ended waits for us") {
  Scratch const scratch;
  auto const us = ::fork();
  if (us == 0) {
    ::signal(SIGTERM, SIG_DFL);  // Catch has its own
    {
      Foreground foreground;
      foreground.run({"true"}, {});
      ::kill(::getpid(), SIGTERM);
      scratch.write("cleared", "");
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(us, &status, 0) == us);
  CHECK(fs::exists(scratch.path() / "cleared"));
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("a parent that ignores SIGCHLD does not hide the exit code") {
  auto const us = ::fork();
  if (us == 0) {
    ::signal(SIGCHLD, SIG_IGN);
    ::_exit(run_shell("exit 5"));
  }
  int status = 0;
  REQUIRE(::waitpid(us, &status, 0) == us);
  CHECK(WEXITSTATUS(status) == 5);
}
