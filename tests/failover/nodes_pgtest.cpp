#include <map>

#include "failover/ledger.hpp"
#include "ledger/field.hpp"
#include "support/promptness.hpp"

namespace moonpool::cluster {
namespace {

using namespace std::chrono_literals;
using policy::Refusal;
using test::ask;
using test::error_of;
using test::eventually;
using test::Field;
using test::kRead;
using test::Ledger;
using test::Proxy;
using test::Trio;

constexpr session::RunOptions kAnyReplica{.route = Route::read,
                                          .consistency = policy::Consistency::eventual};

// Readers for so long; how many answers each node gave, and what failed under "".
std::map<std::string, int> read_for(Field& field, int readers, Duration time) {
  std::vector<std::map<std::string, int>> seen(static_cast<std::size_t>(readers));
  std::vector<std::thread> threads;
  auto const end = Deadline::in(time);
  for (auto& mine : seen) {
    threads.emplace_back([&mine, &field, end] {
      auto const session = session::Session::make(field.engine.cluster, {});
      while (!end.passed()) {
        try {
          wire::Request request;
          request.push_back(test::statement("select 1"));
          auto const answer = test::wait(session->run(std::move(request), kAnyReplica));
          ++mine[answer.error() == nullptr ? answer.node : ""];
        } catch (Error const&) {
          ++mine[""];
        }
        std::this_thread::sleep_for(1ms);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::map<std::string, int> sum;
  for (auto const& mine : seen) {
    for (auto const& [node, times] : mine) sum[node] += times;
  }
  return sum;
}

TEST_CASE("a replica that comes and goes fails no read") {
  Field field(test::unhurried());
  REQUIRE(ask(*field.engine.session, "select 1", kRead) == "1");
  std::thread flapping([&] {
    for (int i = 0; i < 8; ++i) {
      field.proxy(1).door(i % 2 == 0 ? Proxy::Door::refuse : Proxy::Door::slam);
      field.proxy(1).cut_all();
      std::this_thread::sleep_for(400ms);
      field.proxy(1).door(Proxy::Door::open);
      std::this_thread::sleep_for(400ms);
    }
  });
  auto const seen = read_for(field, 6, 6s);
  flapping.join();
  CHECK(seen.count("") == 0);
  CHECK(seen.at("replica2") > 50);
}

TEST_CASE("a replica that is slow gets few of the reads, and none where its breaker minds") {
  // Far slower than the others are on a busy machine.
  auto const slow = [](Field& field) {
    return field.proxy(1).add({.side = test::Side::backend,
                               .type = 'Z',
                               .nth = 0,
                               .act = test::Act::delay,
                               .duration = 1s});
  };
  SECTION("by being busy") {
    Field field(test::unhurried());
    read_for(field, 8, 300ms);
    slow(field);
    auto seen = read_for(field, 8, 3s);
    CHECK(seen[""] == 0);
    CHECK(seen["replica2"] > 50);
    CHECK(seen["replica1"] * 5 < seen["replica2"]);
  }
  SECTION("by its breaker") {
    auto options = test::unhurried();
    options.breaker.slow_call = 500ms;
    options.breaker.min_calls = 5;
    options.breaker.cooldown = 30s;
    // A look that is answered lets somebody try again: none happens here.
    options.health_interval = 20s;
    Field field(options);
    REQUIRE(eventually([&] { return field.engine.cluster->topology()->settled; }));
    read_for(field, 8, 200ms);
    slow(field);
    CHECK(eventually(
        [&] {
          read_for(field, 8, 200ms);
          return field.engine.cluster->stats()[1].read_breaker == policy::Breaker::State::open;
        },
        30s));
    auto seen = read_for(field, 8, 500ms);
    CHECK(seen[""] == 0);
    CHECK(seen["replica1"] == 0);
  }
}

TEST_CASE(
    "a primary that becomes read-only under a pooled connection: the write goes to the next one") {
  auto options = test::unhurried();
  options.failover_wait = 25s;
  Trio trio(options);
  auto& old = trio.servers.primary();
  ask(trio.session(), "create table moved (n int)");
  trio.servers.wait_until_replicated();
  old.set("default_transaction_read_only", "on");
  REQUIRE(eventually([&] { return old.value("show default_transaction_read_only") == "on"; }));
  std::thread promoting([&] {
    std::this_thread::sleep_for(300ms);
    trio.servers.replica(0).promote();
  });
  // 25006 on a connection that was good a moment ago.
  auto const failure = [&]() -> std::string {
    try {
      ask(trio.session(), "insert into moved values (1)");
      return "";
    } catch (Error const& error) {
      return error.describe();
    }
  }();
  promoting.join();
  CHECK(failure == "");
  CHECK(trio.servers.replica(0).value("select count(*) from moved") == "1");
  CHECK(trio.primary() == "replica1");
}

TEST_CASE("what a node failed at before it became the primary keeps no write away from it") {
  ClusterOptions options;
  options.breaker.cooldown = 60s;
  Trio trio(options);
  ask(trio.session(), "create table renewed (n int)");
  trio.servers.wait_until_replicated();
  auto& node = *trio.engine.cluster->nodes()[1];
  for (int i = 0; i < 5; ++i) {
    auto passage = node.insist(Route::write);
    passage.settle(policy::Breaker::Verdict::failure);
  }
  REQUIRE(node.breaker_state(Route::write) != policy::Breaker::State::closed);
  trio.servers.primary().kill_hard();
  trio.servers.replica(0).promote();
  test::Stopwatch const watch;
  ask(trio.session(), "insert into renewed values (1)");
  CHECK(watch.milliseconds() < 2'000 + test::grace());
  CHECK(node.breaker_state(Route::write) == policy::Breaker::State::closed);
}

TEST_CASE("a replica whose breaker has opened is read from again when it works") {
  auto options = test::unhurried();
  options.breaker.cooldown = 300ms;
  Trio trio(options);
  REQUIRE(trio.all_known());
  auto& node = *trio.engine.cluster->nodes()[1];
  for (int i = 0; i < 5; ++i) {
    auto passage = node.insist(Route::read);
    passage.settle(policy::Breaker::Verdict::failure);
  }
  REQUIRE(node.breaker_state(Route::read) != policy::Breaker::State::closed);
  CHECK(eventually([&] {
    CHECK(ask(trio.session(), "select pg_is_in_recovery()", kAnyReplica) == "t");
    return node.breaker_state(Route::read) == policy::Breaker::State::closed;
  }));
}

TEST_CASE("a read that is in the way of what its replica has to apply is run again elsewhere") {
  Trio trio(test::unhurried());
  auto& replica = trio.servers.replica(0);
  ask(trio.session(), "create table conflict (n int)");
  trio.servers.wait_until_replicated();
  replica.set("max_standby_streaming_delay", "0");
  std::atomic<bool> stop{false};
  std::atomic<int> done{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      auto const session = session::Session::make(trio.engine.cluster, {});
      while (!stop) {
        try {
          ask(*session, "select count(*) from conflict, pg_sleep(0.2)", kAnyReplica);
          ++done;
        } catch (Error const&) {
          ++failed;
        }
      }
    });
  }
  // An exclusive lock, which a standby takes away from its readers.
  auto const conflicts = [&] {
    return std::stoi(replica.value("select sum(confl_lock) from pg_stat_database_conflicts"));
  };
  bool const met = eventually(
      [&] {
        ask(trio.session(), "truncate conflict");
        std::this_thread::sleep_for(100ms);
        return conflicts() > 5;
      },
      30s);
  stop = true;
  for (auto& reader : readers) reader.join();
  CHECK(met);
  CHECK(done > 0);
  CHECK(failed == 0);
}

TEST_CASE(
    "who asks for the primary alone reads there, who asks for standbys alone writes nowhere") {
  auto options = test::unhurried();
  SECTION("the primary") {
    options.audience = Audience::primary;
    Trio trio(options);
    for (int i = 0; i < 5; ++i) {
      CHECK(ask(trio.session(), "select pg_is_in_recovery()", kRead) == "f");
    }
    CHECK(ask(trio.session(), "select 1") == "1");
  }
  SECTION("standbys") {
    options.audience = Audience::standby;
    Trio trio(options);
    for (int i = 0; i < 5; ++i) {
      CHECK(ask(trio.session(), "select pg_is_in_recovery()", kRead) == "t");
    }
    auto const error = error_of([&] { ask(trio.session(), "select 1"); });
    CHECK(error.kind() == ErrorKind::no_primary);
    CHECK(error.outcome() == Outcome::not_sent);
    CHECK_THAT(error.message(), test::contains("standbys only"));
    trio.servers.replica(0).kill_hard();
    trio.servers.replica(1).kill_hard();
    auto const nobody = error_of([&] { ask(trio.session(), "select 1", kRead); });
    CHECK(nobody.outcome() == Outcome::not_sent);
  }
}

TEST_CASE("a statement that claims to have met a standby changes nothing for the primary") {
  Trio trio(test::unhurried());
  REQUIRE(trio.all_known());
  ask(trio.session(),
      "create function forged() returns int language plpgsql as $$ begin raise exception 'no' "
      "using "
      "errcode = '25006'; end $$");
  auto const changes = trio.topology()->changes.size();
  for (int i = 0; i < 5; ++i) {
    auto const error = error_of([&] { ask(trio.session(), "select forged()"); });
    CHECK(error.sqlstate() == "25006");
    CHECK(error.kind() == ErrorKind::server);
    CHECK(error.attempt() == 1);
    CHECK(trio.primary() == "primary");
    CHECK(trio.refusal("primary") == Refusal::none);
    CHECK(ask(trio.session(), "select 1") == "1");
  }
  CHECK(trio.topology()->changes.size() == changes);
}

TEST_CASE(
    "a frozen leader with writers on it: they go on at the new one, and it takes nothing more") {
  Trio trio({}, {{"synchronous_standby_names", "ANY 1 (*)"}});
  auto& old = trio.servers.primary();
  Ledger ledger(trio, 4);
  REQUIRE(eventually([&] { return ledger.acknowledged() > 200; }, 30s));
  old.freeze();
  auto& first = trio.servers.replica(0);
  auto& second = trio.servers.replica(1);
  auto const at = [](dev::Server const& server) {
    return policy::parse_lsn(server.wal_position()).value_or(0);
  };
  auto& next = at(second) > at(first) ? second : first;
  next.promote();
  test::Stopwatch const watch;
  next.set("synchronous_standby_names", "");
  auto const before = ledger.acknowledged();
  CHECK(eventually([&] { return ledger.acknowledged() > before + 50; }, 30s));
  CHECK(watch.milliseconds() < 2'000 + test::grace());
  // It goes on where it stopped, and would take writes from who still believes in it.
  old.thaw();
  old.set("synchronous_standby_names", "");
  CHECK(eventually([&] { return trio.refusal("primary") == Refusal::old_timeline; }));
  auto const then = ledger.acknowledged();
  CHECK(eventually([&] { return ledger.acknowledged() > then + 100; }, 30s));
  ledger.stop();
  auto const verdict = ledger.audit(next);
  CHECK(verdict.lost == 0);
  CHECK(verdict.duplicate == 0);
  CHECK(verdict.phantom == 0);
}

}  // namespace
}  // namespace moonpool::cluster
