#include "dev/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "dev/descriptor.hpp"
#include "dev/process_table.hpp"
#include "support/catch.hpp"
#include "unit/dev/eventually.hpp"
#include "unit/dev/scratch.hpp"

using namespace moonpool;
using namespace moonpool::dev;
using moonpool::test::contains;
using moonpool::test::eventually;
using moonpool::test::read_file;
using moonpool::test::Scratch;
using moonpool::test::Variable;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

SpawnRequest shell(std::string const& script) {
  SpawnRequest request;
  request.program = "/bin/sh";
  request.arguments = {"-c", script};
  return request;
}

Finished run_shell(std::string const& script, std::string const& input = {}) {
  return run(shell(script), input, Deadline::in(seconds(20)));
}

}  // namespace

TEST_CASE("output, both streams, and exit codes") {
  auto const finished = run_shell("echo out; echo err >&2; exit 3");
  CHECK(finished.output == "out\nerr\n");
  CHECK(finished.exit_code == 3);
  CHECK(run_shell("kill -9 $$").exit_code == 137);
}

TEST_CASE("input arrives whole, and output does, whatever their size") {
  std::string const text(300'000, 'x');
  CHECK(run_shell("cat", text).output == text);
  CHECK(run_shell("cat; echo end").output == "end\n");
  CHECK(run_shell("exit 0", text).exit_code == 0);  // nobody reads it
}

TEST_CASE("what cannot be run is named") {
  SpawnRequest request;
  request.program = "/nonexistent/program";
  CHECK_THROWS_WITH(run(request, {}, Deadline::in(seconds(5))),
                    contains("/nonexistent/program") && contains("No such file"));
  request = shell("true");
  request.log = "/nonexistent/folder/log";
  CHECK_THROWS_WITH(spawn(request), contains("opening its log file"));
  CHECK_THROWS_WITH(run_checked(shell("echo the reason; exit 4"), Deadline::in(seconds(5))),
                    contains("exit code 4") && contains("the reason"));
}

TEST_CASE("at the deadline the program and its children are killed") {
  Scratch const scratch;
  auto const file = (scratch.path() / "pid").string();
  auto const began = Clock::now();
  CHECK_THROWS_WITH(run(shell("echo started; sleep 100 & echo $! >" + file + "; wait"), {},
                        Deadline::in(milliseconds(300))),
                    contains("did not end in time") && contains("started"));
  CHECK(Clock::now() - began < seconds(5));
  auto const grandchild = std::stoi(read_file(file));
  CHECK(eventually([&] { return !is_alive(grandchild); }));
}

TEST_CASE("nothing of this process leaks in but what is meant to") {
  Variable const pg("PGHOST", "elsewhere");
  Variable const locale("LC_MESSAGES", "xx");
  Descriptor const open(::open("/dev/null", O_RDONLY));  // not close-on-exec
  ::fcntl(open.get(), F_DUPFD, 500);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before {};
  ::sigaction(SIGUSR2, &ignore, &before);
  auto const seen =
      run_shell("env; ls /proc/$$/fd; pwd; umask; grep SigIgn /proc/$$/status").output;
  ::sigaction(SIGUSR2, &before, nullptr);
  ::close(500);
  CHECK_THAT(seen, !contains("PGHOST"));
  CHECK_THAT(seen, !contains("LC_MESSAGES"));
  CHECK_THAT(seen, contains("LC_ALL=C"));
  CHECK_THAT(seen, contains("0\n1\n2\n/\n0077\n"));
  // Signals 32 and 33 are the C library's own; it lets nobody set them back.
  auto const ignored = seen.find("SigIgn:\t");
  REQUIRE(ignored != std::string::npos);
  CHECK((std::stoull(seen.substr(ignored + 8, 16), nullptr, 16) & 0x7fffffffULL) == 0);
}

TEST_CASE("this process may have closed its standard streams") {
  // In a copy of this process, since Catch needs them.
  auto const child = ::fork();
  if (child == 0) {
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
    try {
      auto const finished =
          run(shell("cat; echo out; echo err >&2"), "in ", Deadline::in(seconds(10)));
      ::_exit(finished.output == "in out\nerr\n" ? 0 : 1);
    } catch (...) {
      ::_exit(2);
    }
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a log is appended to") {
  Scratch const scratch;
  auto const log = scratch.write("log", "before\n");
  auto request = shell("echo out; echo err >&2");
  request.log = log;
  reap(spawn(request), Deadline::in(seconds(5)));
  CHECK(read_file(log) == "before\nout\nerr\n");
}

TEST_CASE("a host that reaps all its children itself is no trouble") {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before {};
  ::sigaction(SIGCHLD, &ignore, &before);
  auto const finished = run_shell("echo fine");
  ::sigaction(SIGCHLD, &before, nullptr);
  CHECK(finished.output == "fine\n");
}

TEST_CASE("a session of its own") {
  Scratch const scratch;
  auto request = shell("ps -o sid= -p $$ 2>/dev/null || cut -d' ' -f6 /proc/$$/stat");
  request.session = true;
  request.log = scratch.write("log", "");
  auto const pid = spawn(request);
  reap(pid, Deadline::in(seconds(5)));
  CHECK(std::stoi(read_file(request.log)) == pid);
}

TEST_CASE("root's programs run as another user") {
  if (::geteuid() != 0) {
    CHECK(server_account().is_self());
    return;
  }
  auto const account = server_account();
  CHECK(account.uid != 0);
  auto request = shell("id -u; id -g; id -G");
  request.account = &account;
  auto const gid = std::to_string(account.gid);
  CHECK(run(request, {}, Deadline::in(seconds(5))).output ==
        std::to_string(account.uid) + "\n" + gid + "\n" + gid + "\n");
}

TEST_CASE("announced before it runs") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  Descriptor const ours(ends[0]);
  Descriptor theirs(ends[1]);
  auto request = shell("exit 0");
  request.announce = theirs.get();
  auto const pid = spawn(request);
  theirs.close();
  std::array<char, 32> space{};
  auto const got = ::read(ours.get(), space.data(), space.size());
  CHECK(std::string(space.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))) ==
        std::to_string(pid) + "\n");
  CHECK(::read(ours.get(), space.data(), space.size()) == 0);  // the program does not hold it
  reap(pid, Deadline::in(seconds(5)));

  // Nobody listening any more is no reason to fail.
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  ::close(ends[0]);
  Descriptor const lonely(ends[1]);
  request = shell("exit 0");
  request.announce = lonely.get();
  CHECK_NOTHROW(reap(spawn(request), Deadline::in(seconds(5))));
}
