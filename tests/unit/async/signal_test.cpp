#include "async/signal.hpp"

#include <sys/resource.h>
#include <atomic>
#include <thread>
#include <vector>

#include "async/drive_blocking.hpp"
#include "base/error.hpp"
#include "support/catch.hpp"

namespace moonpool::async {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a signal that was set before the wait is not lost") {
  Signal signal;
  signal.set();
  CHECK(run_blocking(signal.wait(Deadline::in(10s))) == Wakeup::ready);
  CHECK(run_blocking(signal.wait(Deadline::in(20ms))) == Wakeup::timed_out);
}

TEST_CASE("a signal is set or not, however often") {
  Signal signal;
  CHECK_FALSE(signal.clear());
  signal.set();
  signal.set();
  CHECK(signal.clear());
  CHECK_FALSE(signal.clear());
}

TEST_CASE("a signal that is set when the deadline has passed counts") {
  Signal signal;
  signal.set();
  CHECK(run_blocking(signal.wait(Deadline(TimePoint{}))) == Wakeup::ready);
}

TEST_CASE("a cancelled wait gives up, unless the signal came first") {
  Signal signal;
  Stepper<Wakeup> stepper(signal.wait(Deadline::never()));
  REQUIRE_FALSE(stepper.step());
  REQUIRE(stepper.step(Wakeup::cancelled));
  CHECK(stepper.take() == Wakeup::cancelled);
  Stepper<Wakeup> other(signal.wait(Deadline::never()));
  REQUIRE_FALSE(other.step());
  signal.set();
  REQUIRE(other.step(Wakeup::cancelled));
  CHECK(other.take() == Wakeup::ready);
}

TEST_CASE("a wakeup without a signal goes back to waiting") {
  Signal signal;
  Stepper<Wakeup> stepper(signal.wait(Deadline::never()));
  CHECK_FALSE(stepper.step());
  CHECK_FALSE(stepper.step(Wakeup::ready));
  signal.set();
  CHECK(stepper.step(Wakeup::ready));
}

TEST_CASE("what one thread wrote before set() is seen by the thread that waited") {
  Signal there;
  Signal back;
  int value = 0;
  constexpr int kRounds = 2'000;
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      run_blocking(there.wait(Deadline::in(10s)));
      ++value;
      back.set();
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    ++value;
    there.set();
    REQUIRE(run_blocking(back.wait(Deadline::in(10s))) == Wakeup::ready);
  }
  other.join();
  CHECK(value == 2 * kRounds);
}

TEST_CASE("many threads may set one signal") {
  Signal signal;
  std::atomic<int> left{8};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) signal.set();
      --left;
      signal.set();
    });
  }
  while (left > 0) REQUIRE(run_blocking(signal.wait(Deadline::in(10s))) == Wakeup::ready);
  for (auto& thread : threads) thread.join();
  CHECK(left == 0);
}

// UBSan looks at objects through a pipe, and without descriptors calls every one of them broken.
#ifndef __SANITIZE_ADDRESS__
TEST_CASE("a process out of descriptors is told so") {
  rlimit old{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
  rlimit const none{0, old.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  auto kind = ErrorKind::internal;
  try {
    Signal const signal;
  } catch (Error const& error) {
    kind = error.kind();
  }
  setrlimit(RLIMIT_NOFILE, &old);
  CHECK(kind == ErrorKind::environment);
}
#endif

TEST_CASE("sleep_until sleeps until the moment, or ends when it is cancelled") {
  auto const begin = Clock::now();
  CHECK(run_blocking(sleep_until(Deadline(begin + 30ms))) == Wakeup::timed_out);
  CHECK(Clock::now() >= begin + 30ms);
  Stepper<Wakeup> stepper(sleep_until(Deadline::in(1h)));
  CHECK_FALSE(stepper.step());
  CHECK(stepper.wait().interest == Interest::none);
  CHECK(stepper.step(Wakeup::cancelled));
  CHECK(stepper.take() == Wakeup::cancelled);
}

}  // namespace
}  // namespace moonpool::async
