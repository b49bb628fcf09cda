#include "dev/guardian.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "dev/leftovers.hpp"
#include "dev/process_table.hpp"
#include "dev/spawn.hpp"
#include "support/catch.hpp"
#include "unit/dev/eventually.hpp"
#include "unit/dev/scratch.hpp"

using namespace moonpool;
using namespace moonpool::dev;
using moonpool::test::eventually;
using moonpool::test::read_file;
using moonpool::test::Scratch;
using std::chrono::seconds;
namespace fs = std::filesystem;

namespace {

// A process that is at work in `folder`, as its command line tells.
pid_t worker(fs::path const& folder, Guardian const& guardian) {
  SpawnRequest request;
  request.program = "/usr/bin/tail";
  request.arguments = {"-f", (folder / "data/file").string()};
  request.announce = guardian.announce_socket();
  return spawn(request);
}

fs::path busy_folder(Scratch const& scratch) {
  scratch.write("cluster/data/file", "x");
  scratch.write("cluster.lock", "");
  return scratch.path() / "cluster";
}

Deadline soon() { return Deadline::in(seconds(20)); }

}  // namespace

TEST_CASE("a guardian that is told to finish stops the processes and removes the folder") {
  Scratch const scratch;
  auto const folder = busy_folder(scratch);
  Guardian guardian(folder, Guardian::Task::remove, -1);
  auto const first = worker(folder, guardian);
  auto const second = worker(folder, guardian);
  CHECK(is_alive(first));
  CHECK(guardian.finish(soon()));
  CHECK_FALSE(is_alive(first));
  CHECK_FALSE(is_alive(second));
  CHECK_FALSE(fs::exists(folder));
  CHECK_FALSE(fs::exists(scratch.path()));  // the last one out
  reap(first);
  reap(second);
}

TEST_CASE("a guardian does the same when its owner just goes") {
  Scratch const scratch;
  auto const folder = busy_folder(scratch);
  scratch.write("neighbour", "");
  pid_t pid = 0;
  {
    Guardian const guardian(folder, Guardian::Task::remove, -1);
    pid = worker(folder, guardian);
  }
  CHECK(eventually([&] { return !is_alive(pid) && !fs::exists(folder); }));
  CHECK(eventually([&] { return !fs::exists(scratch.path() / "cluster.lock"); }));
  CHECK(fs::exists(scratch.path() / "neighbour"));
  reap(pid);
}

TEST_CASE("a guardian does the same when its owner is killed") {
  Scratch const scratch;
  auto const folder = busy_folder(scratch);
  auto const said = scratch.path() / "said";
  auto const owner = ::fork();
  if (owner == 0) {
    Guardian const guardian(folder, Guardian::Task::remove, -1);
    auto const pid = worker(folder, guardian);
    scratch.write("said.new", std::to_string(pid));
    fs::rename(scratch.path() / "said.new", said);
    for (;;) ::pause();
  }
  REQUIRE(eventually([&] { return fs::exists(said); }));
  auto const pid = std::stoi(read_file(said));
  CHECK(is_alive(pid));
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  CHECK(eventually([&] { return !is_alive(pid) && !fs::exists(folder); }));
}

TEST_CASE("killed while it starts one process after the other, an owner leaves none") {
  for (int round = 0; round < 8; ++round) {
    Scratch const scratch;
    auto const folder = busy_folder(scratch);
    auto const owner = ::fork();
    if (owner == 0) {
      Guardian const guardian(folder, Guardian::Task::remove, -1);
      scratch.write("ready", "");
      for (int count = 0; count < 20; ++count) worker(folder, guardian);
      for (;;) ::pause();
    }
    REQUIRE(eventually([&] { return fs::exists(scratch.path() / "ready"); }));
    std::this_thread::sleep_for(std::chrono::microseconds(round * 4000));
    ::kill(owner, SIGKILL);
    ::waitpid(owner, nullptr, 0);
    REQUIRE(eventually([&] { return !fs::exists(folder); }));
    auto const all = all_processes();
    CHECK(std::none_of(all.begin(), all.end(), [&](Process const& process) {
      return !process.words.empty() && process.words.back() == (folder / "data/file").string();
    }));
  }
}

TEST_CASE("a released guardian touches nothing") {
  Scratch const scratch;
  auto const folder = busy_folder(scratch);
  pid_t pid = 0;
  {
    Guardian guardian(folder, Guardian::Task::remove, -1);
    pid = worker(folder, guardian);
    guardian.release();
  }
  CHECK(is_alive(pid));
  CHECK(fs::exists(folder / "data/file"));
  ::kill(-pid, SIGKILL);
  reap(pid, soon());
}

TEST_CASE("undoing a start stops what was announced and removes what is half made") {
  Scratch const scratch;
  auto const folder = busy_folder(scratch);
  scratch.write("cluster/other.new/file", "x");
  Guardian guardian(folder, Guardian::Task::undo_start, -1);
  auto const pid = worker(folder, guardian);
  CHECK(guardian.finish(soon()));
  CHECK_FALSE(is_alive(pid));
  CHECK(fs::exists(folder / "data/file"));
  CHECK_FALSE(fs::exists(folder / "other.new"));
  reap(pid);
}

TEST_CASE("a guardian never touches a process that works elsewhere") {
  Scratch const scratch;
  auto const folder = busy_folder(scratch);
  Guardian guardian(folder, Guardian::Task::remove, -1);
  // As if its number had been given to another process since: the folder's name is a mere prefix.
  scratch.write("cluster-other/data/file", "x");
  auto const pid = worker(folder.string() + "-other", guardian);
  CHECK(guardian.finish(soon()));
  CHECK(is_alive(pid));
  ::kill(-pid, SIGKILL);
  reap(pid, soon());
}

TEST_CASE("a guardian ignores the terminal's signals") {
  Scratch const scratch;
  auto const folder = busy_folder(scratch);
  Guardian guardian(folder, Guardian::Task::remove, -1);
  auto const pid = worker(folder, guardian);
  pid_t shell = 0;
  for (auto const& process : children_of(::getpid())) {
    for (auto const& word : process.words) {
      if (word == "moonpool-guardian") shell = process.pid;
    }
  }
  REQUIRE(shell != 0);
  CHECK(::getsid(shell) == shell);
  for (int const signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::kill(shell, signal);
  CHECK(guardian.finish(soon()));
  CHECK_FALSE(is_alive(pid));
  reap(pid);
}

TEST_CASE("finish tells when the guardian itself was killed") {
  Scratch const scratch;
  auto const folder = busy_folder(scratch);
  Guardian guardian(folder, Guardian::Task::remove, -1);
  for (auto const& process : children_of(::getpid())) {
    for (auto const& word : process.words) {
      if (word == "moonpool-guardian") ::kill(process.pid, SIGKILL);
    }
  }
  CHECK_FALSE(guardian.finish(soon()));
  CHECK(fs::exists(folder));
}

TEST_CASE("the lock is held until both the owner and the guardian are gone") {
  Scratch const scratch;
  auto const file = scratch.path() / "cluster.lock";
  auto lock = lock_new(file);
  REQUIRE(lock);
  Guardian guardian(scratch.path() / "cluster", Guardian::Task::undo_start, lock.get());
  lock.close();
  CHECK_THROWS(lock_file(file, Deadline::in(std::chrono::milliseconds(50))));
  guardian.finish(soon());
  CHECK_NOTHROW(lock_file(file, soon()));
}
