// Closing a cluster in whatever state it is.
#include <atomic>

#include "faults/ground.hpp"

namespace moonpool::session {
namespace {

using namespace std::chrono_literals;
using test::Act;
using test::ask;
using test::Bent;
using test::Engine;
using test::eventually;
using test::failure_of;
using test::Findings;
using test::grace;
using test::once;
using test::side_by_side;
using test::Stopwatch;
using test::wait;
using test::writes;

TEST_CASE(
    "closing ends in time with work under way, in line, and while connecting; twice, from "
    "anywhere") {
  cluster::ClusterOptions options;
  options.pool.max = 2;
  Bent bent(options);
  std::atomic<int> ended{0};
  Findings findings;
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      auto const error =
          failure_of([&] { ask(*bent.session->with(once()), "select pg_sleep(30)"); });
      // Stopped by the server, with nothing done.
      findings.expect(error && !error->in_doubt(), "said otherwise", error);
      ++ended;
    });
  }
  REQUIRE(eventually([&] { return writes(*bent.cluster).busy == 2; }));
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      auto const error = failure_of([&] { ask(*bent.session->with(once()), "select 1"); });
      findings.expect(error && error->kind() == ErrorKind::cluster_closed, "waited", error);
      ++ended;
    });
  }
  REQUIRE(eventually([&] { return writes(*bent.cluster).waiting == 3; }));
  // A read whose connection is only being opened.
  auto const login = bent.proxy.add({.side = test::Side::backend, .type = 'K', .act = Act::hold});
  callers.emplace_back([&] {
    auto const error =
        failure_of([&] { ask(*bent.session->with(once()), "select 1", test::kRead); });
    findings.expect(error && error->outcome() == Outcome::not_sent, "read", error);
    ++ended;
  });
  REQUIRE(bent.proxy.wait_for_hits(login));
  Stopwatch const watch;
  side_by_side(2, findings, [&](int) { wait(bent.cluster->close(Deadline::in(300ms))); });
  wait(bent.cluster->close(Deadline::in(300ms)));
  bent.proxy.clear();
  CHECK(watch.milliseconds() < 300 + 300 + 2 * grace());
  // What was still running is cut, not left to run for half a minute.
  CHECK(eventually([&] { return ended == 6; }, 5s));
  for (auto& caller : callers) caller.join();
  CHECK(eventually([&] { return test::sessions(bent.name) == 0; }));
}

TEST_CASE("a transaction that is open when its cluster is closed is rolled back, and says so") {
  Engine const engine;
  auto const table = test::unique("closing");
  test::sql("create table " + table + " (a int)");
  auto const tx = wait(engine.session->begin({}));
  test::run(*tx, "insert into " + table + " values (1)");
  Stopwatch const watch;
  wait(engine.cluster->close(Deadline::in(200ms)));
  CHECK(watch.milliseconds() < 200 + 2 * grace());
  CHECK(failure_of([&] { ask(*tx, "select 1"); }).has_value());
  CHECK(failure_of([&] { wait(tx->commit()); }).has_value());
  CHECK(eventually([&] { return test::sessions(engine.name) == 0; }));
  CHECK(test::sql("select count(*) from " + table) == "0");
}

TEST_CASE("what was left at its deadline is stopped, also when the whole engine goes right after") {
  // More of them than a pool cancels at once as long as it has a future.
  cluster::ClusterOptions options;
  options.pool.max = 6;
  auto engine = std::make_unique<Engine>(options);
  auto const name = engine->name;
  Findings findings;
  side_by_side(6, findings, [&](int) {
    auto const error =
        failure_of([&] { ask(*engine->session->with(once(300ms)), "select pg_sleep(20)"); });
    findings.expect(error && error->kind() == ErrorKind::timeout, "ended otherwise", error);
  });
  Stopwatch const watch;
  engine.reset();
  CHECK(watch.milliseconds() < 200 + grace());
  CHECK(eventually([&] { return test::sessions(name) == 0; }, 3s));
}

TEST_CASE("a COMMIT that is under way when its cluster is closed is never cancelled") {
  Bent bent;
  auto const table = test::unique("closing");
  test::sql("create table " + table + " (a int)");
  auto const cancels = bent.proxy.add({.type = test::kCancelRequest, .nth = 0, .act = Act::pass});
  auto const tx = wait(bent.session->with(once())->begin({}));
  test::run(*tx, "insert into " + table + " values (1)");
  auto const held = bent.proxy.add(
      {.side = test::Side::backend, .type = 'C', .text = "COMMIT", .act = Act::hold});
  std::optional<Error> error;
  std::thread committing([&] { error = failure_of([&] { wait(tx->commit()); }); });
  REQUIRE(bent.proxy.wait_for_hits(held));
  wait(bent.cluster->close(Deadline::in(200ms)));
  CHECK(bent.proxy.hits(cancels) == 0);
  bent.proxy.release(held);
  committing.join();
  CHECK((!error || error->in_doubt()));
  CHECK(test::sql("select count(*) from " + table) == "1");
}

}  // namespace
}  // namespace moonpool::session
