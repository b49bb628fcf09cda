// Whatever ends the process that holds a cluster: no server, no folder, no shared memory stays.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <thread>

#include "dev/cluster.hpp"
#include "dev/leftovers.hpp"
#include "support/catch.hpp"
#include "unit/dev/eventually.hpp"
#include "unit/dev/kept.hpp"

using namespace moonpool;
using namespace moonpool::dev;
using moonpool::test::eventually;
using moonpool::test::KeptFolder;
using moonpool::test::read_file;
using moonpool::test::Scratch;
using std::chrono::milliseconds;
using std::chrono::seconds;
namespace fs = std::filesystem;

namespace {

// Segments of the servers' account that nobody is attached to. Other tests that kill servers beside this one have
// some too, for as long as it takes to start them again.
std::set<std::string> abandoned_segments() {
  std::ifstream table("/proc/sysvipc/shm");
  std::set<std::string> ids;
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::string key, id, mode, size, creator, last, attached, uid;
    std::istringstream(line) >> key >> id >> mode >> size >> creator >> last >> attached >> uid;
    if (attached == "0" && uid == std::to_string(server_account().uid)) ids.insert(id);
  }
  return ids;
}

bool no_more_segments_than(std::set<std::string> const& before) {
  return eventually(
      [&] {
        auto const now = abandoned_segments();
        return std::includes(before.begin(), before.end(), now.begin(), now.end());
      },
      seconds(60));
}

// A folder for throw-away clusters, and a process that makes one there and does something to it.
struct Arena {
  Arena() { ::chmod(scratch.path().c_str(), 0755); }

  pid_t in_child(std::function<void(Cluster&)> const& act) const {
    auto const pid = ::fork();
    if (pid != 0) return pid;
    for (int const signal : {SIGTERM, SIGINT, SIGSEGV, SIGABRT}) ::signal(signal, SIG_DFL);
    try {
      ClusterOptions options;
      options.folder = scratch.path();
      auto cluster = Cluster::start(options);
      act(cluster);
      scratch.write("ready.new", cluster.folder().string());
      fs::rename(scratch.path() / "ready.new", scratch.path() / "ready");
      for (;;) ::pause();
    } catch (...) {
      ::_exit(9);
    }
  }

  fs::path wait_until_ready() const {
    REQUIRE(eventually([&] { return fs::exists(scratch.path() / "ready"); }, seconds(60)));
    return read_file(scratch.path() / "ready");
  }

  bool is_clean() const {
    fs::remove(scratch.path() / "ready");
    return processes_in(scratch.path()).empty() && fs::is_empty(scratch.path());
  }

  Scratch scratch;
};

void end(pid_t child, int signal) {
  ::kill(child, signal);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
}

}  // namespace

TEST_CASE("a process that is killed takes its cluster with it") {
  auto const before = abandoned_segments();
  for (int const signal : {SIGKILL, SIGTERM, SIGINT, SIGSEGV, SIGABRT}) {
    Arena const arena;
    auto const child = arena.in_child([](Cluster&) {});
    auto const folder = arena.wait_until_ready();
    CHECK(processes_in(folder).size() > 5);
    end(child, signal);
    CHECK(eventually([&] { return arena.is_clean(); }));
  }
  CHECK(no_more_segments_than(before));
}

TEST_CASE("killed at any moment of the start, it leaves nothing") {
  auto const before = abandoned_segments();
  for (int const after : {0, 3, 10, 40, 100, 180, 260, 340, 420, 500, 600, 700}) {
    INFO("killed after " << after << " ms");
    Arena const arena;
    auto const child = arena.in_child([](Cluster&) {});
    std::this_thread::sleep_for(milliseconds(after));
    end(child, SIGKILL);
    CHECK(eventually([&] { return arena.is_clean(); }));
    // And nothing comes after: a tool that was under way would have by now.
    std::this_thread::sleep_for(milliseconds(100));
    CHECK(arena.is_clean());
  }
  CHECK(no_more_segments_than(before));
}

TEST_CASE("a kept cluster whose start is killed runs nothing, and starts the next time") {
  for (int const after : {30, 150, 300, 450, 600}) {
    INFO("killed after " << after << " ms");
    KeptFolder const kept;
    auto const child = ::fork();
    if (child == 0) {
      try {
        auto const cluster = Cluster::start(kept.options());
      } catch (...) {
      }
      for (;;) ::pause();
    }
    std::this_thread::sleep_for(milliseconds(after));
    end(child, SIGKILL);
    // It may have been complete, and then stays.
    CHECK(eventually([&] {
      auto const found = processes_in(kept.folder());
      if (found.empty()) return true;
      auto attached = Cluster::attach(kept.options());
      return attached && attached->servers().size() == 2 && attached->status().all_running();
    }));
    auto cluster = Cluster::start(kept.options());
    cluster.wait_until_replicated();
    CHECK(cluster.replica().value("SELECT 1") == "1");
  }
}

TEST_CASE("frozen and killed servers are cleared away too") {
  auto const before = abandoned_segments();
  {
    Arena const arena;
    auto const child = arena.in_child([](Cluster& cluster) {
      cluster.primary().freeze();
      cluster.replica().freeze_postmaster();
    });
    arena.wait_until_ready();
    end(child, SIGKILL);
    CHECK(eventually([&] { return arena.is_clean(); }));
  }
  {
    Arena const arena;
    auto const child = arena.in_child([](Cluster& cluster) {
      cluster.primary().kill_hard();
      cluster.replica().kill_hard();
      cluster.replica().start();
    });
    arena.wait_until_ready();
    end(child, SIGKILL);
    CHECK(eventually([&] { return arena.is_clean(); }));
  }
  CHECK(no_more_segments_than(before));
}

TEST_CASE("an exception takes the cluster with it") {
  fs::path folder;
  try {
    auto const cluster = Cluster::start();
    folder = cluster.folder();
    throw std::runtime_error("a test fails");
  } catch (std::runtime_error const&) {
  }
  CHECK(processes_in(folder).empty());
  CHECK_FALSE(fs::exists(folder));
}

TEST_CASE("without its guardian a cluster still clears away, or the next one does") {
  auto const kill_guardians = [] {
    for (auto const& process : children_of(::getpid())) {
      for (auto const& word : process.words) {
        if (word == "moonpool-guardian") ::kill(process.pid, SIGKILL);
      }
    }
  };
  Arena const arena;
  ClusterOptions options;
  options.folder = arena.scratch.path();
  options.replicas = 0;
  {
    auto cluster = Cluster::start(options);
    kill_guardians();
    cluster.stop();
    CHECK(arena.is_clean());
  }
  auto const child = arena.in_child([&](Cluster&) { kill_guardians(); });
  auto const folder = arena.wait_until_ready();
  end(child, SIGKILL);
  CHECK_FALSE(processes_in(folder).empty());  // both are gone: nobody is left to do it
  Cluster::start(options).stop();
  CHECK(arena.is_clean());
}

TEST_CASE("a forked copy of the process leaves the cluster alone") {
  auto cluster = Cluster::start();
  auto const child = ::fork();
  if (child == 0) {
    { auto const copy = std::move(cluster); }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(cluster.primary().value("SELECT 1") == "1");
  CHECK(fs::exists(cluster.folder()));
  // Nor does a copy that lives on keep the cluster from going.
  auto const idle = ::fork();
  if (idle == 0) {
    for (;;) ::pause();
  }
  auto const folder = cluster.folder();
  cluster.stop();
  CHECK_FALSE(fs::exists(folder));
  end(idle, SIGKILL);
}
