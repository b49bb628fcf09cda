// Connections that many use at once, cut anywhere: nobody gets a stranger's answer, reads do not fail, and of each write
// it is known whether it happened, or said that it is not.
#include <atomic>
#include <map>
#include <mutex>
#include <random>

#include "faults/ground.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Act;
using test::ask;
using test::Bent;
using test::failure_of;
using test::Findings;
using test::kRead;
using test::Side;
using test::statement;

unsigned a_seed() {
  auto const* given = std::getenv("MOONPOOL_SEED");
  return given != nullptr ? static_cast<unsigned>(std::atol(given)) : std::random_device()();
}

// Cuts, one after the other, until so many have hit, or the time is over.
int cut_at_random(test::Proxy& proxy, std::mt19937& random, int wanted) {
  auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  auto const end = Deadline::in(90s);
  int hit = 0;
  while (hit < wanted && !end.passed()) {
    static constexpr Act kActs[] = {Act::cut_before, Act::cut_after, Act::cut_at};
    test::Rule rule;
    rule.act = kActs[below(3)];
    rule.side = below(2) == 0 ? Side::frontend : Side::backend;
    // The ends of an answer as often as all the rest.
    static constexpr char kFrontend[] = {0, 0, 'S', 'E'};
    static constexpr char kBackend[] = {0, 0, 'C', 'Z'};
    rule.type = rule.side == Side::frontend ? kFrontend[below(4)] : kBackend[below(4)];
    rule.nth = 1 + static_cast<int>(below(60));
    rule.byte = below(9);
    auto const number = proxy.add(rule);
    if (proxy.wait_for_hits(number, 1, 1s)) ++hit;
    proxy.release(number);
  }
  return hit;
}

TEST_CASE("connections that are shared and cut at random") {
  auto const seed = a_seed();
  INFO("MOONPOOL_SEED=" << seed);
  std::mt19937 random(seed);
  auto const table = test::unique("shared_cuts");
  test::sql("create table " + table + " (id int)");
  cluster::ClusterOptions options;
  options.pool.max = 2;
  // Many are cut on purpose, and none of it is the server's fault.
  options.pool.share_slow = 10s;
  options.pool.acquire_timeout = options.pool.connect_timeout = 60s;
  options.breaker = {.failures = 1'000'000, .failure_rate = 0};
  options.budget.tokens = 0;
  Bent bent(options);
  Habits habits;
  habits.share = Share::all;
  habits.retry.attempts = 20;
  habits.timeout = 120s;
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0};
  std::atomic<int> numbers{0};
  std::mutex mutex;
  std::map<int, std::string> told;
  Findings findings;
  std::thread cutting;
  int hit = 0;
  auto const insert = "insert into " + table + " values ($1::int)";
  cutting = std::thread([&] {
    hit = cut_at_random(bent.proxy, random, 120);
    stop = true;
  });
  test::side_by_side(12, findings, [&](int i) {
    auto const session = bent.session->with(habits);
    while (!stop) {
      auto const number = ++numbers;
      auto const text = std::to_string(number);
      if (i % 3 != 0) {
        std::string seen;
        auto const error = failure_of([&] {
          seen = test::text_of(test::run(*session, statement("select $1::int", {text}), kRead));
        });
        findings.expect(!error, "a read failed", error);
        findings.expect(error || seen == text, text + " was told " + seen);
        ++reads;
        continue;
      }
      auto const error = failure_of([&] { test::run(*session, statement(insert, {text})); });
      std::lock_guard const lock(mutex);
      told[number] = error ? std::string(to_string(error->outcome())) : "done";
    }
  });
  cutting.join();
  bent.proxy.clear();
  std::map<int, int> there;
  for (auto const& row :
       test::primary().query("select id, count(*) from " + table + " group by 1")) {
    there[std::stoi(*row[0])] = std::stoi(*row[1]);
  }
  std::map<std::string, int> sums;
  for (auto const& [number, outcome] : told) {
    ++sums[outcome];
    int const times = there.contains(number) ? there[number] : 0;
    INFO("number " << number << " is there " << times << " times, and was told " << outcome);
    CHECK(times <= 1);
    if (outcome == "done") CHECK(times == 1);
    if (outcome == "not_sent" || outcome == "rejected") CHECK(times == 0);
  }
  CHECK(hit > 100);
  CHECK(reads > 200);
  CHECK(sums["done"] > 100);
  CHECK(bent.cluster->stats()[0].writes.rides + bent.cluster->stats()[0].reads.rides > 100);
  CHECK(test::at_rest(*bent.cluster));
  CHECK(ask(*bent.session, "select 1") == "1");
}

}  // namespace
}  // namespace moonpool::session
