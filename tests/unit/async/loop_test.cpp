#include "async/loop.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "async/drive_blocking.hpp"
#include "support/catch.hpp"

namespace moonpool::async {
namespace {

using namespace std::chrono_literals;

// Tells when the frame that owns it is gone.
struct Mark {
  std::atomic<int>& ended;
  explicit Mark(std::atomic<int>& count) : ended(count) {}
  Mark(Mark const&) = delete;
  Mark& operator=(Mark const&) = delete;
  ~Mark() { ++ended; }
};

Operation<void> sleeper(std::atomic<int>& begun, std::atomic<int>& ended, Duration duration) {
  Mark const mark(ended);
  ++begun;
  auto sleeping = sleep_until(Deadline::in(duration));
  co_await std::move(sleeping);
}

Operation<void> set_later(Signal& signal, Duration duration) {
  auto sleeping = sleep_until(Deadline::in(duration));
  co_await std::move(sleeping);
  signal.set();
}

TEST_CASE("poll_once runs what is ready and returns at its deadline") {
  Loop loop;
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  loop.spawn(sleeper(begun, ended, 40ms));
  CHECK(begun == 0);
  loop.poll_once(Deadline(TimePoint{}));
  CHECK(begun == 1);
  CHECK(ended == 0);
  auto const begin = Clock::now();
  while (ended == 0 && Clock::now() < begin + 5s) loop.poll_once(Deadline::in(5s));
  CHECK(ended == 1);
  auto const waiting = Clock::now();
  loop.poll_once(Deadline(waiting + 30ms));
  CHECK(Clock::now() >= waiting + 30ms);
  CHECK(Clock::now() < waiting + 280ms);
}

TEST_CASE("operations run side by side") {
  Loop loop;
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  for (int i = 0; i < 100; ++i) loop.spawn(sleeper(begun, ended, 50ms));
  auto const begin = Clock::now();
  while (ended < 100 && Clock::now() < begin + 10s) loop.poll_once(Deadline::in(1s));
  CHECK(ended == 100);
  CHECK(Clock::now() < begin + 2s);
}

TEST_CASE("operations of one loop can signal each other") {
  Loop loop;
  Signal signal;
  std::atomic<int> result{-1};
  auto waits = [](Signal& for_signal, std::atomic<int>& out) -> Operation<void> {
    auto waiting = for_signal.wait(Deadline::in(5s));
    out = static_cast<int>(co_await std::move(waiting));
  };
  loop.spawn(waits(signal, result));
  loop.spawn(set_later(signal, 20ms));
  auto const begin = Clock::now();
  while (result < 0 && Clock::now() < begin + 5s) loop.poll_once(Deadline::in(1s));
  CHECK(result == static_cast<int>(Wakeup::ready));
}

TEST_CASE("an operation may spawn others, and a finished one makes no work") {
  Loop loop;
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  auto parent = [](Loop& on, std::atomic<int>& b, std::atomic<int>& e) -> Operation<void> {
    for (int i = 0; i < 3; ++i) on.spawn(sleeper(b, e, 0ms));
    co_return;
  };
  loop.spawn(parent(loop, begun, ended));
  auto const begin = Clock::now();
  while (ended < 3 && Clock::now() < begin + 5s) loop.poll_once(Deadline::in(100ms));
  CHECK(begun == 3);
  CHECK(ended == 3);
}

TEST_CASE("an error that escapes an operation is dropped, and the others go on") {
  Loop loop;
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  auto failing = []() -> Operation<void> {
    auto sleeping = sleep_until(Deadline::in(5ms));
    co_await std::move(sleeping);
    throw std::runtime_error("nobody hears");
  };
  loop.spawn(failing());
  loop.spawn(sleeper(begun, ended, 20ms));
  auto const begin = Clock::now();
  while (ended < 1 && Clock::now() < begin + 5s) loop.poll_once(Deadline::in(1s));
  CHECK(ended == 1);
}

TEST_CASE("stop() ends run(), destroys what waits and what has not begun") {
  Loop loop;
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  loop.spawn(sleeper(begun, ended, 1h));
  std::thread thread([&] { loop.run(); });
  auto const begin = Clock::now();
  while (begun < 1 && Clock::now() < begin + 5s) std::this_thread::sleep_for(1ms);
  CHECK(begun == 1);
  loop.stop();
  thread.join();
  CHECK(ended == 1);
  loop.spawn(sleeper(begun, ended, 0ms));
  CHECK(begun == 1);
  loop.stop();
  loop.run();
  CHECK(begun == 1);
}

TEST_CASE("spawn() from many threads loses nothing") {
  Loop loop;
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  std::thread thread([&] { loop.run(); });
  std::vector<std::thread> spawners;
  for (int i = 0; i < 4; ++i) {
    spawners.emplace_back([&] {
      for (int k = 0; k < 250; ++k) loop.spawn(sleeper(begun, ended, std::chrono::microseconds(k)));
    });
  }
  for (auto& spawner : spawners) spawner.join();
  auto const begin = Clock::now();
  while (ended < 1'000 && Clock::now() < begin + 20s) std::this_thread::sleep_for(1ms);
  loop.stop();
  thread.join();
  CHECK(begun == 1'000);
  CHECK(ended == 1'000);
}

// A lease that is dropped spawns its own clean-up.
struct Spawner {
  Loop& loop;
  std::atomic<int>& count;
  Spawner(Loop& on, std::atomic<int>& of) : loop(on), count(of) {}
  Spawner(Spawner const&) = delete;
  Spawner& operator=(Spawner const&) = delete;
  ~Spawner() { loop.spawn(clean_up(count)); }
  static Operation<void> clean_up(std::atomic<int>& of) {
    ++of;
    co_return;
  }
};

Operation<void> hold(std::shared_ptr<Spawner> spawner) {
  auto sleeping = sleep_until(Deadline::in(1h));
  co_await std::move(sleeping);
  spawner.reset();
}

TEST_CASE("what an operation spawns while the loop ends is dropped") {
  std::atomic<int> cleaned{0};
  SECTION("stopped") {
    {
      Loop loop;
      loop.spawn(hold(std::make_shared<Spawner>(loop, cleaned)));
      std::thread thread([&] { loop.run(); });
      std::this_thread::sleep_for(20ms);
      loop.stop();
      thread.join();
    }
    CHECK(cleaned == 0);
  }
  SECTION("stopped before it began") {
    {
      Loop loop;
      loop.spawn(hold(std::make_shared<Spawner>(loop, cleaned)));
      loop.stop();
      loop.run();
    }
    CHECK(cleaned == 0);
  }
  SECTION("destroyed without being stopped") {
    {
      Loop loop;
      loop.spawn(hold(std::make_shared<Spawner>(loop, cleaned)));
      loop.poll_once(Deadline(TimePoint{}));
    }
    CHECK(cleaned == 0);
  }
  SECTION("destroyed before it began") {
    {
      Loop loop;
      loop.spawn(hold(std::make_shared<Spawner>(loop, cleaned)));
    }
    CHECK(cleaned == 0);
  }
}

}  // namespace
}  // namespace moonpool::async
