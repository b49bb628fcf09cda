#include "dev/process_table.hpp"

#include <signal.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "support/catch.hpp"
#include "unit/dev/eventually.hpp"

using namespace moonpool::dev;
using moonpool::test::eventually;

TEST_CASE("titles of server processes") {
  Process process;
  process.words = {"postgres: moonpool/main/replica1: walreceiver streaming 0/3000"};
  CHECK(process.title() == "walreceiver streaming 0/3000");
  process.words = {"postgres: checkpointer "};
  CHECK(process.title() == "checkpointer ");
  process.words = {"postgres: ada moonpool [local] idle"};
  CHECK(process.title() == "ada moonpool [local] idle");
  process.words = {"/usr/lib/postgresql/15/bin/postgres", "-D", "/data"};
  CHECK(process.title().empty());
  process.words = {};
  CHECK(process.title().empty());
}

TEST_CASE("children, stopped ones and zombies") {
  auto const child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  CHECK(is_alive(child));
  auto const found = [child] {
    auto const children = children_of(::getpid());
    auto const at = std::find_if(children.begin(), children.end(),
                                 [child](Process const& process) { return process.pid == child; });
    return at == children.end() ? Process{} : *at;
  };
  CHECK(found().parent == ::getpid());
  CHECK_FALSE(found().stopped);
  ::kill(child, SIGSTOP);
  CHECK(eventually([&] { return found().stopped; }));
  ::kill(child, SIGKILL);
  CHECK(eventually([&] { return !is_alive(child); }));  // a zombie does not count
  CHECK(::kill(child, 0) == 0);
  ::waitpid(child, nullptr, 0);
  CHECK_FALSE(is_alive(child));
  CHECK_FALSE(is_alive(0));
  CHECK_FALSE(is_alive(-1));
}

TEST_CASE("a postmaster is known by its folder") {
  CHECK_FALSE(is_postmaster_of(::getpid(), "/data"));
  CHECK_FALSE(is_postmaster_of(0, "/data"));
  auto const child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::execl("/bin/sh", "sh", "-c", "sleep 1000; :", "postgres", "-D", "/data/main", nullptr);
    ::_exit(1);
  }
  CHECK(eventually([&] { return is_postmaster_of(child, "/data/main"); }));
  CHECK_FALSE(is_postmaster_of(child, "/data"));
  CHECK_FALSE(is_postmaster_of(child, "/data/main2"));
  ::kill(-child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_CASE("shared memory of the dead is removed, of the living not") {
  auto const exists = [](int id) {
    struct shmid_ds info {};
    return ::shmctl(id, IPC_STAT, &info) == 0;
  };
  auto const ours = ::shmget(IPC_PRIVATE, 64, IPC_CREAT | 0600);
  REQUIRE(ours >= 0);
  remove_shared_memory_of({::getpid()});
  CHECK(exists(ours));
  ::shmctl(ours, IPC_RMID, nullptr);

  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  auto const child = ::fork();
  if (child == 0) {
    auto const id = ::shmget(IPC_PRIVATE, 64, IPC_CREAT | 0600);
    ::_exit(::write(pipe[1], &id, sizeof id) == sizeof id ? 0 : 1);
  }
  int theirs = -1;
  REQUIRE(::read(pipe[0], &theirs, sizeof theirs) == sizeof theirs);
  ::waitpid(child, nullptr, 0);
  REQUIRE(exists(theirs));
  remove_shared_memory_of({});
  CHECK(exists(theirs));
  remove_shared_memory_of({child});
  CHECK_FALSE(exists(theirs));
  ::close(pipe[0]);
  ::close(pipe[1]);
}
