#include "async/drive_blocking.hpp"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "async/signal.hpp"
#include "support/catch.hpp"

namespace moonpool::async {
namespace {

using namespace std::chrono_literals;

struct Pipe {
  int ends[2];
  Pipe() { REQUIRE(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0); }
  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }
  int reading() const { return ends[0]; }
  int writing() const { return ends[1]; }
};

Operation<Wakeup> wait_for(Wait wait) { co_return co_await wait; }

double milliseconds_since(TimePoint begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

TEST_CASE("run_blocking gives the value, or throws the error") {
  auto value = []() -> Operation<int> { co_return 4; };
  auto error = []() -> Operation<int> { throw std::runtime_error("no"); };
  CHECK(run_blocking(value()) == 4);
  CHECK_THROWS_WITH(run_blocking(error()), "no");
}

TEST_CASE("a readable and a writable descriptor are ready") {
  Pipe const pipe;
  CHECK(run_blocking(wait_for({pipe.writing(), Interest::write, Deadline::in(5s)})) ==
        Wakeup::ready);
  REQUIRE(write(pipe.writing(), "x", 1) == 1);
  CHECK(run_blocking(wait_for({pipe.reading(), Interest::read, Deadline::in(5s)})) ==
        Wakeup::ready);
  CHECK(run_blocking(wait_for({pipe.reading(), Interest::read_write, Deadline::in(5s)})) ==
        Wakeup::ready);
}

TEST_CASE("the end of a descriptor is ready too, so that the operation meets it") {
  Pipe pipe;
  close(pipe.ends[1]);
  CHECK(run_blocking(wait_for({pipe.reading(), Interest::read, Deadline::in(5s)})) ==
        Wakeup::ready);
  pipe.ends[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK(run_blocking(wait_for({987654, Interest::read, Deadline::in(5s)})) == Wakeup::ready);
}

TEST_CASE("a deadline ends the wait, neither early nor much too late") {
  Pipe const pipe;
  for (auto interest : {Interest::none, Interest::read}) {
    auto const begin = Clock::now();
    CHECK(run_blocking(wait_for({pipe.reading(), interest, Deadline(begin + 60ms)})) ==
          Wakeup::timed_out);
    CHECK(milliseconds_since(begin) >= 60);
    CHECK(milliseconds_since(begin) < 60 + 250);
  }
}

TEST_CASE("a deadline that has passed already does not wait, and does not hide what is ready") {
  Pipe const pipe;
  auto const begin = Clock::now();
  CHECK(run_blocking(wait_for({pipe.reading(), Interest::read, Deadline(begin - 1s)})) ==
        Wakeup::timed_out);
  CHECK(run_blocking(wait_for({-1, Interest::none, Deadline(begin)})) == Wakeup::timed_out);
  CHECK(milliseconds_since(begin) < 50);
  REQUIRE(write(pipe.writing(), "x", 1) == 1);
  CHECK(run_blocking(wait_for({pipe.reading(), Interest::read, Deadline(begin - 1s)})) ==
        Wakeup::ready);
}

TEST_CASE("a wait without a deadline lasts until it is ready") {
  Pipe const pipe;
  std::thread late([&] {
    std::this_thread::sleep_for(30ms);
    [[maybe_unused]] auto const written = write(pipe.writing(), "x", 1);
  });
  CHECK(run_blocking(wait_for({pipe.reading(), Interest::read, Deadline::never()})) ==
        Wakeup::ready);
  late.join();
}

TEST_CASE("signals of the process do not end a wait") {
  struct sigaction old {};
  struct sigaction quiet {};
  quiet.sa_handler = [](int) {};
  REQUIRE(sigaction(SIGALRM, &quiet, &old) == 0);
  itimerval const often{{0, 5'000}, {0, 5'000}};
  itimerval const never{};
  REQUIRE(setitimer(ITIMER_REAL, &often, nullptr) == 0);
  auto const begin = Clock::now();
  auto const wakeup = run_blocking(sleep_until(Deadline(begin + 80ms)));
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &old, nullptr);
  CHECK(wakeup == Wakeup::timed_out);
  CHECK(milliseconds_since(begin) >= 80);
}

TEST_CASE("interrupt() without a scope does nothing") {
  CHECK_FALSE(interrupt());
  { InterruptScope const scope; }
  CHECK_FALSE(interrupt());
}

TEST_CASE("interrupt() ends the wait of the thread that made the scope, once") {
  InterruptScope const scope;
  bool told = false;
  std::thread other([&told] {
    std::this_thread::sleep_for(30ms);
    told = interrupt();
  });
  auto const begin = Clock::now();
  CHECK(run_blocking(sleep_until(Deadline::in(10s))) == Wakeup::cancelled);
  CHECK(milliseconds_since(begin) < 2'000);
  other.join();
  CHECK(told);
  CHECK(run_blocking(sleep_until(Deadline::in(20ms))) == Wakeup::timed_out);
}

TEST_CASE("interrupt() may be called from a signal handler") {
  InterruptScope const scope;
  struct sigaction old {};
  struct sigaction on_signal {};
  on_signal.sa_handler = [](int) { interrupt(); };
  REQUIRE(sigaction(SIGUSR1, &on_signal, &old) == 0);
  auto const self = pthread_self();
  std::thread other([self] {
    std::this_thread::sleep_for(30ms);
    pthread_kill(self, SIGUSR1);
  });
  CHECK(run_blocking(sleep_until(Deadline::in(10s))) == Wakeup::cancelled);
  other.join();
  sigaction(SIGUSR1, &old, nullptr);
}

TEST_CASE("threads without the scope are not interrupted") {
  InterruptScope const scope;
  auto other = Wakeup::ready;
  std::thread thread([&] { other = run_blocking(sleep_until(Deadline::in(60ms))); });
  CHECK(interrupt());
  thread.join();
  CHECK(other == Wakeup::timed_out);
  CHECK(run_blocking(sleep_until(Deadline::in(10s))) == Wakeup::cancelled);
}

TEST_CASE("a nested scope neither takes the interrupt nor ends the outer one") {
  InterruptScope const outer;
  { InterruptScope const inner; }
  CHECK(interrupt());
  CHECK(run_blocking(sleep_until(Deadline::in(10s))) == Wakeup::cancelled);
}

TEST_CASE("an interrupt that nobody waited for can be taken back") {
  InterruptScope const scope;
  CHECK(interrupt());
  forget_interrupt();
  CHECK(run_blocking(sleep_until(Deadline::in(20ms))) == Wakeup::timed_out);
}

TEST_CASE("an operation that was interrupted may wait once more to clean up") {
  InterruptScope const scope;
  auto cleaning = []() -> Operation<std::string> {
    auto const first = co_await Wait{-1, Interest::none, Deadline::in(10s)};
    auto const second = co_await Wait{-1, Interest::none, Deadline::in(20ms)};
    co_return std::string(first == Wakeup::cancelled ? "cancelled, " : "?, ") +
        (second == Wakeup::timed_out ? "cleaned" : "?");
  };
  interrupt();
  CHECK(run_blocking(cleaning()) == "cancelled, cleaned");
}

}  // namespace
}  // namespace moonpool::async
