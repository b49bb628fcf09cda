// Three servers that Patroni looks after, under load: the engine is told where they are, and follows.
#include <algorithm>
#include <iostream>

#include "failover/ledger.hpp"
#include "patroni/patroni.hpp"

namespace moonpool::cluster {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::Engine;
using test::eventually;
using test::kRead;
using test::Ledger;
using test::Patroni;

constexpr auto kLong = 120s;  // a switchover, a failover after the lock's 20 s, a rewind

// Reads as long as it lives, and counts what failed.
class Reader {
 public:
  explicit Reader(std::shared_ptr<Cluster> cluster)
      : thread_([this, cluster = std::move(cluster)] {
          auto const session = session::Session::make(cluster, {});
          while (!stop_) {
            try {
              ask(*session, "select count(*) >= 0 from ledger", kRead);
              ++done_;
            } catch (Error const& error) {
              ++failed_;
              std::cout << "a read failed: " << error.describe() << std::endl;
            }
            std::this_thread::sleep_for(5ms);
          }
        }) {}
  Reader(Reader const&) = delete;
  Reader& operator=(Reader const&) = delete;
  ~Reader() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::size_t done() const { return done_; }
  std::size_t failed() const { return failed_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> done_{0};
  std::atomic<std::size_t> failed_{0};
  std::thread thread_;
};

void check_books(Ledger const& ledger, Patroni& patroni) {
  auto const leader = patroni.leader();
  REQUIRE(leader < Patroni::kNodes);
  auto const verdict =
      ledger.audit([&](std::string const& sql) { return patroni.query(leader, sql); });
  CHECK(verdict.lost == 0);
  CHECK(verdict.duplicate == 0);
  CHECK(verdict.phantom == 0);
}

void be_whole(Patroni& patroni) {
  bool const whole = eventually([&] { return patroni.is_whole(); }, kLong);
  if (!whole) {
    for (std::size_t i = 0; i < Patroni::kNodes; ++i) {
      auto const log = patroni.log(i);
      std::cout << "--- node" << i << "\n"
                << log.substr(log.size() - std::min<std::size_t>(log.size(), 3'000));
    }
  }
  INFO(patroni.told());
  REQUIRE(whole);
}

TEST_CASE("twenty switchovers and kills under load") {
  Patroni patroni;
  be_whole(patroni);
  patroni.query(patroni.leader(), Ledger::kTable);
  Engine const engine(patroni.nodes(), {});
  Ledger ledger(engine.cluster, 4);
  Reader reader(engine.cluster);
  std::vector<double> resumed;
  for (int round = 0; round < 20; ++round) {
    auto const before = ledger.acknowledged();
    REQUIRE(eventually([&] { return ledger.acknowledged() > before + 50; }, kLong));
    auto const old = patroni.leader();
    REQUIRE(old < Patroni::kNodes);
    bool const kills = round % 4 == 3;
    std::thread moving;
    if (kills) {
      patroni.kill(old);
    } else {
      auto const next = patroni.successor();
      REQUIRE(next < Patroni::kNodes);
      moving = std::thread([&patroni, old, next] { patroni.switch_over(old, next); });
    }
    // From the moment on which one of the others takes writes.
    std::size_t now = old;
    bool const promoted = eventually(
        [&] {
          for (std::size_t i = 0; i < Patroni::kNodes; ++i) {
            if (i != old && patroni.writable(i)) now = i;
          }
          std::this_thread::sleep_for(20ms);
          return now != old;
        },
        kLong);
    test::Stopwatch const watch;
    auto const then = ledger.acknowledged();
    bool const goes_on =
        promoted && eventually([&] { return ledger.acknowledged() > then; }, kLong);
    auto const took = watch.milliseconds();
    if (moving.joinable()) moving.join();
    std::cout << "round " << round << (kills ? ": killed " : ": switched from ") << old << ", now "
              << now << ", writes again after " << took << " ms" << std::endl;
    REQUIRE(goes_on);
    resumed.push_back(took);
    if (kills) patroni.start(old);
    be_whole(patroni);
  }
  ledger.stop();
  reader.stop();
  std::sort(resumed.begin(), resumed.end());
  std::cout << ledger.acknowledged() << " writes acknowledged, " << ledger.refused() << " refused, "
            << ledger.unknown() << " in doubt; " << reader.done() << " reads, " << reader.failed()
            << " failed; writes went on " << resumed[resumed.size() / 2] << " ms (median), "
            << resumed.back() << " ms (worst) after a promotion" << std::endl;
  check_books(ledger, patroni);
  CHECK(reader.failed() == 0);
  CHECK(resumed[resumed.size() / 2] < 2'000);
}

TEST_CASE("a frozen leader wakes up beside its successor, with two writers about") {
  Patroni patroni;
  be_whole(patroni);
  patroni.query(patroni.leader(), Ledger::kTable);
  // Two engines that know nothing of each other.
  Engine const one(patroni.nodes(), {});
  Engine const other(patroni.nodes(), {});
  Ledger first(one.cluster, 2);
  Ledger second(other.cluster, 2, 2);
  REQUIRE(eventually([&] { return first.acknowledged() > 50 && second.acknowledged() > 50; }));
  auto const old = patroni.leader();
  patroni.freeze(old);
  REQUIRE(eventually(
      [&] {
        for (std::size_t i = 0; i < Patroni::kNodes; ++i) {
          if (i != old && patroni.writable(i)) return true;
        }
        return false;
      },
      kLong));
  auto const mine = first.acknowledged();
  auto const yours = second.acknowledged();
  CHECK(eventually([&] { return first.acknowledged() > mine + 50; }, 20s));
  CHECK(eventually([&] { return second.acknowledged() > yours + 50; }, 20s));
  patroni.thaw(old);
  std::this_thread::sleep_for(3s);
  be_whole(patroni);
  first.stop();
  second.stop();
  std::cout << first.acknowledged() + second.acknowledged() << " writes acknowledged, "
            << first.refused() + second.refused() << " refused, "
            << first.unknown() + second.unknown() << " in doubt" << std::endl;
  check_books(first, patroni);
  check_books(second, patroni);
}

}  // namespace
}  // namespace moonpool::cluster
