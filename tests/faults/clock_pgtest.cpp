// Time that does not pass as it should: a wall clock that is set, a process that is stopped for a while.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "faults/ground.hpp"

namespace {
std::atomic<long> wall_clock_offset{0};
}  // namespace

// Every clock of this process is asked through here: the C++ library's, libpq's, the engine's. Only the
// wall clock can be set. A sanitizer has functions of its own in this place.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t clock,
                                                                    struct timespec* out) noexcept {
  auto const result = static_cast<int>(syscall(SYS_clock_gettime, clock, out));
  if (result == 0 && clock == CLOCK_REALTIME) out->tv_sec += wall_clock_offset;
  return result;
}
extern "C" __attribute__((visibility("default"))) time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}
#endif

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::Engine;
using test::error_of;
using test::failure_of;
using test::Findings;
using test::grace;
using test::once;
using test::side_by_side;
using test::Stopwatch;
using test::wait;
using test::writes;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a wall clock that is set back or forward an hour changes nothing") {
  cluster::ClusterOptions options;
  options.pool.max = 3;
  options.pool.min = 3;
  Engine const engine(options);
  REQUIRE(test::eventually([&] { return writes(*engine.cluster).idle == 3; }));
  auto const opened = writes(*engine.cluster).opened;
  for (long const offset : {-3600L, 3600L}) {
    wall_clock_offset = offset;
    auto const shifted = std::chrono::system_clock::now();
    wall_clock_offset = 0;
    auto const real = std::chrono::system_clock::now();
    // The clock of this process really is another one.
    CHECK(std::chrono::abs(shifted - real) > 59min);
    wall_clock_offset = offset;
    std::this_thread::sleep_for(1200ms);  // the keeper has looked after its connections
    CHECK(ask(*engine.session->with(once(2s)), "select 1 from pg_sleep(0.05)") == "1");
    Stopwatch const watch;
    auto const error =
        error_of([&] { ask(*engine.session->with(once(200ms)), "select pg_sleep(5)"); });
    wall_clock_offset = 0;
    CHECK(error.kind() == ErrorKind::timeout);
    CHECK(watch.milliseconds() >= 200);
    CHECK(watch.milliseconds() < 200 + grace());
    CHECK(test::at_rest(*engine.cluster));
  }
  CHECK(writes(*engine.cluster).opened == opened);
  CHECK(writes(*engine.cluster).closed == 0);
}
#endif

// Stops this whole process, and has it go on after a while.
void stand_still(Duration duration) {
  auto const self = getpid();
  auto const helper = fork();
  if (helper == 0) {
    kill(self, SIGSTOP);
    timespec pause{};
    pause.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    nanosleep(&pause, nullptr);
    kill(self, SIGCONT);
    _exit(0);
  }
  int status = 0;
  waitpid(helper, &status, 0);
}

TEST_CASE("a process that stood still goes on: what is late fails, what rests is looked at first") {
  cluster::ClusterOptions options;
  options.pool.max = 4;
  options.pool.verify_after = 500ms;
  Engine const engine(options);
  Findings findings;
  std::atomic<int> together{0};
  side_by_side(4, findings, [&](int) {
    auto const tx = wait(engine.session->begin({}));
    ask(*tx, "select 1");
    ++together;
    test::eventually([&] { return together == 4; });
    wait(tx->rollback());
  });
  auto const opened = writes(*engine.cluster).opened;
  std::optional<Error> late;
  std::thread caller([&] {
    // It is to pass while the process stands still, and not before.
    auto const own = engine.session->with(once(4s));
    late = failure_of([&] { ask(*own, "select pg_sleep(30)"); });
  });
  REQUIRE(test::eventually([&] {
    return test::sql(
               "select count(*) from pg_stat_activity where state = 'active' and query = "
               "'select pg_sleep(30)' and application_name = '" +
               engine.name + "'") == "1";
  }));
  stand_still(4s);
  Stopwatch const watch;
  caller.join();
  CHECK(watch.milliseconds() < 1'000 + grace());
  REQUIRE(late);
  CHECK(late->kind() == ErrorKind::timeout);
  CHECK(late->outcome() == Outcome::unknown);
  for (int i = 0; i < 10; ++i) CHECK(ask(*engine.session->with(once()), "select 1") == "1");
  CHECK(test::at_rest(*engine.cluster));
  // Nobody stormed the server because time had passed.
  CHECK(writes(*engine.cluster).opened - opened <= 1);
}

}  // namespace
}  // namespace moonpool::session
