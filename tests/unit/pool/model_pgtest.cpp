// Random histories of one pool, driven on one thread: after every step the pool must be what its
// header promises. MOONPOOL_SEED=n runs one history again; a failure prints it.
#include <algorithm>
#include <cstdlib>
#include <list>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "unit/pool/ground.hpp"

namespace moonpool::pool {
namespace {

class History {
 public:
  explicit History(unsigned seed)
      : random_(seed),
        max_(1 + seed % 4),
        ground_({.max = max_,
                 .min = seed % 2,
                 .max_waiters = 12,
                 .connecting_limit = 2,
                 .acquire_timeout = 60s},
                "", false) {}
  ~History() {
    held_.clear();
    line_.clear();
  }

  void step() {
    switch (random_() % 16) {
      case 0:
      case 1:
      case 2:
        arrive();
        break;
      case 3:
        leave_line();
        break;
      case 4:
      case 5:
        with_lease([&](Lease& lease) { lease.give_back(); }, "give back");
        break;
      case 6:
        with_lease([&](Lease& lease) { lease.discard(); }, "discard");
        break;
      case 7:
        with_lease(
            [&](Lease& lease) {
              ask(lease, "begin");
              lease.give_back();
            },
            "give back in a transaction");
        break;
      case 8:
        with_lease(
            [&](Lease& lease) {
              ask(lease, "set work_mem = '1234kB'");
              lease.give_back();
            },
            "leak a setting");
        break;
      case 9:
        with_lease(
            [&](Lease& lease) {
              async::Stepper<std::vector<wire::Reply>> stepper(
                  lease->run({statement("select pg_sleep(0.05)")}, soon()));
              (void)stepper.step();
            },
            "leave midway");
        break;
      case 10:
        with_lease([&](Lease& lease) { kill(lease->backend_pid()); }, "kill a busy one");
        break;
      case 11:
        note("kill all");
        sql("select count(pg_terminate_backend(pid, 2000)) from pg_stat_activity where "
            "application_name "
            "= '" +
            ground_.name + "'");
        break;
      case 12:
        note("recycle");
        ground_.pool->recycle();
        break;
      default:
        note("turn");
        ground_.loop.poll_once(Deadline::in(std::chrono::milliseconds(random_() % 4)));
    }
    look();
    check();
  }

  // Everybody gets what they wait for, and the pool comes to rest.
  void finish() {
    held_.clear();
    REQUIRE(turn_until([&] {
      look();
      held_.clear();
      return line_.empty();
    }));
    REQUIRE(turn_until([&] {
      auto const stats = ground_.pool->stats();
      return stats.busy + stats.connecting + stats.closing == 0;
    }));
    check();
    // Those at rest are clean and alive.
    for (std::size_t i = 0; i < max_; ++i) arrive();
    REQUIRE(turn_until([&] {
      look();
      return line_.empty();
    }));
    for (auto& lease : held_) {
      CHECK(ask(lease, "select 1") == "1");
      CHECK(ask(lease, "show work_mem") != "1234kB");
    }
    CHECK(held_.size() == max_);
  }

  std::string told() const { return told_; }

 private:
  struct Waiting {
    int number;
    std::unique_ptr<Caller> caller;
  };

  void note(std::string const& what) { told_ += what + "\n"; }

  void arrive() {
    note("arrive " + std::to_string(++numbers_));
    line_.push_back({numbers_, std::make_unique<Caller>(ground_)});
  }

  void leave_line() {
    if (line_.empty()) return;
    auto const at = std::next(line_.begin(), static_cast<std::ptrdiff_t>(random_() % line_.size()));
    note("leave " + std::to_string(at->number));
    if (random_() % 2 == 0) at->caller->step(async::Wakeup::cancelled);
    line_.erase(at);
  }

  template <class Do>
  void with_lease(Do&& act, std::string const& what) {
    if (held_.empty()) return;
    auto const at = std::next(held_.begin(), static_cast<std::ptrdiff_t>(random_() % held_.size()));
    note(what);
    act(*at);
    held_.erase(at);
  }

  static void kill(int pid) {
    sql("select pg_terminate_backend(" + std::to_string(pid) + ", 2000)");
  }

  // Lets everybody in line look at what they were handed.
  void look() {
    for (auto at = line_.begin(); at != line_.end();) {
      if (!at->caller->step()) {
        ++at;
        continue;
      }
      auto& caller = *at->caller;
      if (caller.lease) {
        note("served " + std::to_string(at->number));
        // In order, those excepted whose connection had died: they are served later.
        CHECK((*caller.lease)->usable());
        CHECK((*caller.lease)->transaction_state() == wire::TransactionState::idle);
        held_.push_back(std::move(*caller.lease));
      } else {
        note("failed " + std::to_string(at->number) + " " + caller.error->what());
        auto const kind = caller.error->kind();
        CHECK((kind == ErrorKind::pool_overloaded || kind == ErrorKind::connection));
      }
      at = line_.erase(at);
    }
  }

  void check() const {
    auto const stats = ground_.pool->stats();
    CHECK(stats.idle + stats.busy + stats.connecting + stats.closing <= max_);
    CHECK((stats.waiting == 0 || stats.idle == 0));
    CHECK(stats.waiting == line_.size());
    CHECK(stats.busy == held_.size());
    CHECK(stats.connecting <= 2);
    std::set<int> backends;
    for (auto const& lease : held_) CHECK(backends.insert(lease->backend_pid()).second);
  }

  template <class Fits>
  bool turn_until(Fits&& fits) {
    auto const deadline = Deadline::in(10s);
    while (!fits()) {
      if (deadline.passed()) return false;
      ground_.loop.poll_once(Deadline::in(5ms));
    }
    return true;
  }

  std::mt19937 random_;
  std::size_t max_;
  Ground ground_;
  std::list<Lease> held_;
  std::list<Waiting> line_;
  int numbers_ = 0;
  std::string told_;
};

void tell(unsigned seed) {
  History history(seed);
  for (int i = 0; i < 60; ++i) {
    history.step();
    INFO("seed " << seed << "\n" << history.told());
    REQUIRE(Catch::getResultCapture().lastAssertionPassed());
  }
  history.finish();
}

TEST_CASE("whatever happens to a pool, it stays within its limits and serves everybody") {
  if (auto const* seed = std::getenv("MOONPOOL_SEED")) {
    tell(static_cast<unsigned>(std::atoi(seed)));
    return;
  }
  for (unsigned seed = 1; seed <= 30; ++seed) tell(seed);
}

}  // namespace
}  // namespace moonpool::pool
