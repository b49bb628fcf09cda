// The queue of the pool: two hundred callers wait for four connections and half of them leave, at the very
// moment they are handed one as well. All others are served, in the order they came.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <random>

#include "faults/ground.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Engine;
using test::wait;
using Caller = async::Stepper<pool::Lease>;

constexpr std::size_t kMax = 4;
constexpr std::size_t kCallers = 200;

// Short for every day; `make test-heavy` gives it a minute.
std::chrono::seconds span() { return std::getenv("MOONPOOL_LONG") != nullptr ? 60s : 2s; }

unsigned a_seed() {
  auto const* given = std::getenv("MOONPOOL_SEED");
  return given != nullptr ? static_cast<unsigned>(std::atol(given)) : std::random_device()();
}

cluster::ClusterOptions four() {
  cluster::ClusterOptions options;
  options.pool.max = kMax;
  options.pool.max_waiters = kCallers + 10;
  options.pool.acquire_timeout = 60s;
  return options;
}

// Connections taken on a thread of their own: a thread that holds all of them and waits for one more is
// refused, and here one thread plays all callers.
std::deque<pool::Lease> all_of(pool::Pool& pool) {
  std::deque<pool::Lease> held;
  std::thread taking([&] {
    for (std::size_t i = 0; i < kMax; ++i) held.push_back(wait(pool.acquire(test::soon())));
  });
  taking.join();
  return held;
}

struct Place {
  std::size_t number;
  std::unique_ptr<Caller> caller;
};

std::deque<Place> queue_up(pool::Pool& pool) {
  std::deque<Place> queue;
  for (std::size_t i = 0; i < kCallers; ++i) {
    auto caller = std::make_unique<Caller>(pool.acquire(Deadline::in(60s)));
    REQUIRE_FALSE(caller->step());
    queue.push_back({i, std::move(caller)});
  }
  REQUIRE(pool.stats().waiting == kCallers);
  return queue;
}

TEST_CASE("those who stay are served in the order they came, whoever leaves and when") {
  auto const seed = a_seed();
  INFO("MOONPOOL_SEED=" << seed);
  std::mt19937 random(seed);
  Engine const engine(four());
  auto& pool = engine.cluster->nodes().front()->writes();
  std::uint64_t served = 0;
  std::uint64_t left_when_served = 0;
  auto const end = Deadline::in(span());
  do {
    auto held = all_of(pool);
    served += kMax;
    auto queue = queue_up(pool);
    while (!queue.empty()) {
      if (random() % 3 == 0) {
        queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(random() % queue.size()));
        continue;
      }
      REQUIRE_FALSE(held.empty());
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(random() % held.size()));
      // The first one has been handed it by now, and leaves without having looked: the next one gets it.
      while (queue.size() > 1 && random() % 2 == 0) {
        queue.pop_front();
        ++left_when_served;
      }
      std::vector<Place*> any_order;
      for (auto& place : queue) any_order.push_back(&place);
      std::shuffle(any_order.begin(), any_order.end(), random);
      std::vector<std::size_t> got;
      for (auto* place : any_order) {
        if (place->caller->step()) {
          got.push_back(place->number);
          held.push_back(place->caller->take());
        }
      }
      REQUIRE(got == std::vector{queue.front().number});
      queue.pop_front();
      ++served;
      REQUIRE(test::taken(pool.stats()) == kMax);
      REQUIRE(pool.stats().waiting == queue.size());
    }
    held.clear();
    REQUIRE(pool.stats().busy == 0);
  } while (!end.passed());
  CHECK(left_when_served > 10);
  CHECK(pool.stats().acquired == served);
  CHECK(pool.stats().opened == kMax);
  CHECK(test::at_rest(*engine.cluster));
  CHECK(test::sessions(engine.name) <= static_cast<int>(kMax));
}

// Gives leases back from threads of its own, after a moment.
class GivingBack {
 public:
  explicit GivingBack(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  GivingBack(GivingBack const&) = delete;
  GivingBack& operator=(GivingBack const&) = delete;
  ~GivingBack() {
    {
      std::lock_guard const lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  void take(pool::Lease lease) {
    {
      std::lock_guard const lock(mutex_);
      leases_.push_back(std::move(lease));
    }
    changed_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      pool::Lease lease;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return ended_ || !leases_.empty(); });
        if (leases_.empty()) return;
        lease = std::move(leases_.front());
        leases_.pop_front();
      }
      std::this_thread::yield();
      lease.give_back();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<pool::Lease> leases_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

TEST_CASE(
    "callers who leave while other threads give back: no wake-up is lost, the count is exact") {
  auto const seed = a_seed();
  INFO("MOONPOOL_SEED=" << seed);
  std::mt19937 random(seed);
  Engine const engine(four());
  auto& pool = engine.cluster->nodes().front()->writes();
  std::uint64_t served = 0;
  auto const end = Deadline::in(span());
  do {
    auto held = all_of(pool);
    served += kMax;
    auto queue = queue_up(pool);
    GivingBack others(3);
    for (auto& lease : held) others.take(std::move(lease));
    auto const limit = Deadline::in(20s);
    while (!queue.empty()) {
      if (random() % 8 == 0) {
        queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(random() % queue.size()));
        continue;
      }
      std::vector<async::Wait> waits;
      for (auto const& place : queue) waits.push_back(place.caller->wait());
      std::vector<unsigned char> ready(waits.size());
      REQUIRE(async::wait_for_any(waits, ready, limit) > 0);
      std::deque<Place> rest;
      for (std::size_t i = 0; i < queue.size(); ++i) {
        auto& place = queue[i];
        if (ready[i] != 0 && random() % 2 == 0) continue;  // leaves, though it was handed one
        if (ready[i] != 0 && place.caller->step()) {
          others.take(place.caller->take());
          ++served;
        } else {
          rest.push_back(std::move(place));
        }
      }
      queue = std::move(rest);
      REQUIRE(test::taken(pool.stats()) <= kMax);
    }
  } while (!end.passed());
  CHECK(test::at_rest(*engine.cluster));
  CHECK(pool.stats().acquired == served);
  CHECK(test::sessions(engine.name) <= static_cast<int>(kMax));
}

}  // namespace
}  // namespace moonpool::session
