#include "failover/ledger.hpp"
#include "failover/lines.hpp"
#include "support/promptness.hpp"

namespace moonpool::cluster {
namespace {

using namespace std::chrono_literals;
using policy::Refusal;
using test::ask;
using test::error_of;
using test::eventually;
using test::grace;
using test::kRead;
using test::Ledger;
using test::Trio;

session::RunOptions read_as(policy::Consistency consistency, Duration max_lag = Duration::zero(),
                            policy::Fallback fallback = policy::Fallback::primary) {
  session::RunOptions options = kRead;
  options.consistency = consistency;
  options.max_lag = max_lag;
  options.fallback = fallback;
  return options;
}

std::string node_of(session::Session& session, session::RunOptions const& options) {
  wire::Request request;
  request.push_back(test::statement("select 1"));
  auto const answer = test::wait(session.run(std::move(request), options));
  if (auto const* error = answer.error()) throw Error(*error);
  return answer.node;
}

// Where a replica's log ends, once nothing of a dead primary's is on its way to it any more.
std::uint64_t end_of_log(dev::Server& replica) {
  replica.detach();
  return policy::parse_lsn(replica.wal_position()).value_or(0);
}

TEST_CASE("promotion under load: writes go on at the new primary, and the old one is refused") {
  Trio trio({}, {{"synchronous_standby_names", "ANY 1 (*)"}});
  auto& old = trio.servers.primary();
  auto& first = trio.servers.replica(0);
  auto& second = trio.servers.replica(1);
  Ledger ledger(trio, 4);
  REQUIRE(eventually([&] { return ledger.acknowledged() > 200; }, 30s));
  old.kill_hard();
  // The one that has more has everything that was acknowledged.
  auto const ends = std::pair(end_of_log(first), end_of_log(second));
  bool const more = ends.second > ends.first;
  auto& next = more ? second : first;
  auto& other = more ? first : second;
  next.promote();
  test::Stopwatch const watch;
  auto const before = ledger.acknowledged();
  next.set("synchronous_standby_names", "");
  CHECK(eventually([&] { return ledger.acknowledged() > before + 50; }, 30s));
  CHECK(watch.milliseconds() < 2'000 + grace());
  CHECK(trio.primary() == next.name());
  other.follow(next);

  // It comes back and knows nothing of its end.
  old.start();
  old.set("synchronous_standby_names", "");
  CHECK(eventually([&] { return trio.refusal(old.name()) == Refusal::old_timeline; }));
  CHECK(trio.primary() == next.name());
  auto const rows = old.value("select count(*) from ledger");
  auto const then = ledger.acknowledged();
  CHECK(eventually([&] { return ledger.acknowledged() > then + 50; }, 30s));
  CHECK(old.value("select count(*) from ledger") == rows);
  ledger.stop();
  auto const verdict = ledger.audit(next);
  CHECK(verdict.lost == 0);
  CHECK(verdict.duplicate == 0);
  CHECK(verdict.phantom == 0);
  CHECK(ledger.unknown() <= 4);
  auto const changes = trio.topology()->changes;
  CHECK(std::ranges::any_of(changes, [&](RoleChange const& change) {
    return change.node == next.name() && change.from == Role::replica && change.to == Role::primary;
  }));
}

TEST_CASE("both promoted: nobody is written to until one is gone") {
  auto options = test::unhurried();
  options.failover_wait = 300ms;
  options.health_interval = 200ms;
  auto const lines = test::Lines::to(options.hub);
  Trio trio(options);
  CHECK(ask(trio.session(), "select 1") == "1");
  trio.servers.primary().kill_hard();
  trio.servers.replica(0).promote();
  trio.servers.replica(1).promote();
  CHECK(eventually([&] { return trio.topology()->split_brain; }));
  auto const error = error_of([&] { ask(trio.session(), "create table never (a int)"); });
  CHECK(error.kind() == ErrorKind::no_primary);
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK_THAT(error.message(), test::contains("on one timeline"));
  trio.servers.replica(1).kill_hard();
  CHECK(eventually([&] { return trio.primary() == "replica1"; }));
  CHECK(ask(trio.session(), "select 1") == "1");
  // Whoever read that there is no primary reads that there is one.
  CHECK(lines->last("cluster.no_primary") >= 0);
  CHECK(eventually([&] {
    return lines->last("cluster.primary: replica1 takes writes now") >
           lines->last("cluster.no_primary");
  }));
}

TEST_CASE("a session sees its own writes, wherever it reads") {
  Trio trio(test::unhurried());
  ask(trio.session(), "create table own (n int)");
  for (int i = 1; i <= 100; ++i) {
    ask(trio.session(), "insert into own values (" + std::to_string(i) + ")");
    CHECK(ask(trio.session(), "select max(n) from own", kRead) == std::to_string(i));
  }
  // Another session is told by a token.
  auto const other = session::Session::make(trio.engine.cluster, {});
  other->observe(trio.session().position());
  CHECK(ask(*other, "select max(n) from own", kRead) == "100");

  trio.servers.wait_until_replicated();
  for (int i : {0, 1}) trio.servers.replica(static_cast<std::size_t>(i)).pause_replay();
  // That a replica does not know a table yet is an answer of the past as well.
  ask(trio.session(), "create table own_later (n int)");
  CHECK(ask(trio.session(), "select count(*) from own_later", kRead) == "0");
  auto const tx = test::wait(trio.session().begin({}));
  ask(*tx, "insert into own values (101)");
  test::wait(tx->commit());
  CHECK(ask(trio.session(), "select max(n) from own", kRead) == "101");
  CHECK(ask(trio.session(), "select max(n) from own", read_as(policy::Consistency::eventual)) ==
        "100");
  auto const nowhere = error_of([&] {
    ask(trio.session(), "select 1",
        read_as(policy::Consistency::session, Duration::zero(), policy::Fallback::error));
  });
  CHECK(nowhere.kind() == ErrorKind::no_healthy_node);

  // And the lag is known for what it is.
  CHECK(eventually([&] { return trio.topology()->nodes[1].lag.bytes.value_or(0) > 0; }));
  CHECK(eventually([&] { return trio.topology()->nodes[1].lag.time.value_or(0s) > 1s; }));
  CHECK(eventually([&] { return trio.topology()->nodes[2].lag.time.value_or(0s) > 1s; }));
  CHECK(node_of(trio.session(), read_as(policy::Consistency::eventual, 500ms)) == "primary");
  CHECK(node_of(trio.session(), read_as(policy::Consistency::strong)) == "primary");
  for (int i : {0, 1}) trio.servers.replica(static_cast<std::size_t>(i)).resume_replay();
  CHECK(eventually([&] { return trio.topology()->nodes[1].lag.time == Duration::zero(); }));
  CHECK(eventually([&] {
    return node_of(trio.session(), read_as(policy::Consistency::eventual, 500ms)) != "primary";
  }));
}

TEST_CASE("frozen servers: reads go on, and writes at the one that is promoted") {
  ClusterOptions options;
  options.health_interval = 300ms;
  options.health_timeout = 200ms;
  Trio trio(options);
  ask(trio.session(), "create table frozen (n int)");
  // What is still on its way when the primary freezes would not arrive.
  trio.servers.wait_until_replicated();
  for (int i = 0; i < 20; ++i) ask(trio.session(), "select 1", kRead);
  trio.servers.replica(0).freeze();
  test::Stopwatch reads;
  for (int i = 0; i < 50; ++i) CHECK(ask(trio.session(), "select 1", kRead) == "1");
  CHECK(reads.milliseconds() < 5'000 + grace());
  trio.servers.replica(0).thaw();

  trio.servers.primary().freeze();
  trio.servers.replica(1).promote();
  test::Stopwatch const watch;
  CHECK(eventually([&] { return trio.primary() == "replica2"; }));
  ask(trio.session(), "insert into frozen values (1)");
  CHECK(watch.milliseconds() < 2'000 + grace());
  trio.servers.primary().thaw();
  CHECK(eventually([&] { return trio.refusal("primary") == Refusal::old_timeline; }));
  ask(trio.session(), "insert into frozen values (2)");
  CHECK(trio.servers.replica(1).value("select count(*) from frozen") == "2");
}

TEST_CASE("without replicas reads go to the primary, few at once, and writes do not suffer") {
  auto options = test::unhurried();
  options.health_interval = 200ms;
  options.pool.max = 8;
  Trio trio(options);
  CHECK(ask(trio.session(), "select 1", kRead) == "1");
  trio.servers.replica(0).kill_hard();
  trio.servers.replica(1).kill_hard();
  std::vector<std::thread> readers;
  std::atomic<int> failed{0};
  std::atomic<int> reading{12};
  for (int i = 0; i < 12; ++i) {
    readers.emplace_back([&] {
      auto const session = session::Session::make(trio.engine.cluster, {});
      for (int n = 0; n < 5; ++n) {
        try {
          ask(*session, "select 1 from pg_sleep(0.02)", kRead);
        } catch (Error const&) {
          ++failed;
        }
      }
      --reading;
    });
  }
  std::size_t most = 0;
  while (reading > 0) {
    auto const stats = trio.engine.cluster->stats()[0];
    most = std::max(most, stats.fallback.busy + stats.fallback.connecting);
    CHECK(ask(trio.session(), "select 1 from pg_sleep(0.002)") == "1");
  }
  for (auto& reader : readers) reader.join();
  CHECK(failed == 0);
  CHECK(most >= 1);
  CHECK(most <= 2);
}

TEST_CASE("a primary that restarts every three seconds fails nobody who was not on it") {
  Trio trio(test::unhurried());
  Ledger ledger(trio, 4);
  for (int i = 0; i < 4; ++i) {
    auto const next = Deadline::in(3s);
    auto const before = ledger.acknowledged();
    REQUIRE(eventually([&] { return ledger.acknowledged() > before + 100; }, 30s));
    std::this_thread::sleep_for(std::max(Duration::zero(), next.left()));
    trio.servers.primary().restart(i % 2 == 1 ? dev::StopMode::immediate : dev::StopMode::fast);
  }
  auto const before = ledger.acknowledged();
  REQUIRE(eventually([&] { return ledger.acknowledged() > before + 100; }, 30s));
  ledger.stop();
  // Only what was under way when the server went may have failed: four clients, four times.
  CHECK(ledger.refused() + ledger.unknown() <= 16);
  auto const verdict = ledger.audit(trio.servers.primary());
  CHECK(verdict.lost == 0);
  CHECK(verdict.duplicate == 0);
  CHECK(verdict.phantom == 0);
}

}  // namespace
}  // namespace moonpool::cluster
