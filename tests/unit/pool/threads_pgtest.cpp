#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <vector>

#include "unit/pool/ground.hpp"

namespace moonpool::pool {
namespace {

// What many threads learn together; Catch's assertions belong to the test's own thread.
struct Findings {
  std::mutex mutex;
  std::set<int> in_use;  // backends
  int shared = 0;        // a backend that two users had at once
  int dirty = 0;
  int wrong = 0;
  int failed = 0;
  int done = 0;
  std::size_t most = 0;
};

void use(Ground& ground, Findings& findings, unsigned seed, std::function<bool()> const& over) {
  std::mt19937 random(seed);
  while (!over()) {
    try {
      auto lease = wait(ground.pool->acquire(Deadline::in(random() % 10 == 0 ? 1ms : 10s)));
      auto const pid = lease->backend_pid();
      {
        std::lock_guard const lock(findings.mutex);
        if (!findings.in_use.insert(pid).second) ++findings.shared;
        findings.most = std::max(findings.most, findings.in_use.size());
      }
      auto const mine = std::to_string(random());
      bool const clean = lease->transaction_state() == wire::TransactionState::idle;
      auto const told = ask(lease, "select '" + mine + "'");
      auto const setting = ask(lease, "show work_mem");
      switch (random() % 8) {
        case 0:
          ask(lease, "begin");
          break;
        case 1:
          ask(lease, "set work_mem = '1234kB'");
          break;
        case 2: {
          async::Stepper<std::vector<wire::Reply>> stepper(
              lease->run({statement("select pg_sleep(0.02)")}, Deadline::in(5s)));
          (void)stepper.step();
          break;
        }
        case 3:
          ask(lease, "selec");
          break;
        default:
          break;
      }
      bool const discard = random() % 16 == 0;
      {
        std::lock_guard const lock(findings.mutex);
        findings.in_use.erase(pid);
        findings.wrong += told == mine ? 0 : 1;
        findings.dirty += clean && setting != "1234kB" ? 0 : 1;
        ++findings.done;
      }
      if (discard) lease.discard();
    } catch (Error const& error) {
      std::lock_guard const lock(findings.mutex);
      bool const allowed =
          error.kind() == ErrorKind::timeout || error.kind() == ErrorKind::pool_timeout;
      if (!allowed) ++findings.failed;
    }
  }
}

TEST_CASE("many threads share a pool, and nobody meets another's connection or leavings") {
  Ground ground({.max = 4, .max_waiters = 100});
  Findings findings;
  auto const soonest = Clock::now() + 2s;
  auto const latest = Clock::now() + 60s;
  auto const over = [&] {
    if (Clock::now() < soonest) return false;
    std::lock_guard const lock(findings.mutex);
    return findings.done > 50 || Clock::now() > latest;
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 12; ++i) {
    threads.emplace_back([&, i] { use(ground, findings, 1000 + i, over); });
  }
  int most_sessions = 0;
  bool within = true;
  while (!over()) {
    auto const stats = ground.pool->stats();
    within = within && stats.idle + stats.busy + stats.connecting + stats.closing <= 4;
    most_sessions = std::max(most_sessions, ground.sessions());
  }
  for (auto& thread : threads) thread.join();
  INFO("most sessions on the server: " << most_sessions);
  CHECK(within);
  CHECK(findings.shared == 0);
  CHECK(findings.wrong == 0);
  CHECK(findings.dirty == 0);
  CHECK(findings.failed == 0);
  CHECK(findings.most <= 4);
  CHECK(findings.done > 50);
  CHECK(eventually([&] {
    auto const stats = ground.pool->stats();
    return stats.busy + stats.connecting + stats.closing + stats.waiting == 0;
  }));
  CHECK(eventually([&] { return ground.sessions() <= 4; }));
}

TEST_CASE("the server never has more sessions than the pool may open") {
  Ground ground({.max = 3, .max_waiters = 100});
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        try {
          auto lease = ground.take();
          ask(lease, "select 1");
          lease.discard();
        } catch (Error const&) {
        }
      }
    });
  }
  // A session that was closed is gone from the server a moment later: that much is waited for.
  int over = 0;
  for (int i = 0; i < 150; ++i) {
    if (!eventually([&] { return ground.sessions() <= 3; }, 200ms)) ++over;
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  CHECK(over == 0);
}

TEST_CASE("threads come and go while the server ends their sessions") {
  Ground ground({.max = 4, .max_waiters = 100});
  std::atomic<bool> stop{false};
  std::atomic<int> good{0};
  std::atomic<int> odd{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        try {
          auto lease = ground.take();
          auto const told = ask(lease, "select 42");
          if (told == "42") {
            ++good;
          } else if (told != "error 57P01" && told != "error ") {
            ++odd;
          }
        } catch (Error const&) {
        }
      }
    });
  }
  std::string failed;
  for (int i = 0; i < 20; ++i) {
    try {
      sql("select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = "
          "'" +
          ground.name + "'");
    } catch (Error const& error) {
      failed += error.describe() + "\n";
    }
    std::this_thread::sleep_for(20ms);
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  CHECK(failed == "");
  CHECK(good > 20);
  CHECK(odd == 0);
  auto lease = ground.take();
  CHECK(ask(lease, "select 1") == "1");
}

}  // namespace
}  // namespace moonpool::pool
