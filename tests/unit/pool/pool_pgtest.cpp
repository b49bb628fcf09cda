#include <set>
#include <vector>

#include "support/promptness.hpp"
#include "unit/pool/ground.hpp"

namespace moonpool::pool {
namespace {

TEST_CASE("a pool opens what is asked for, and gives back what it has") {
  Ground ground;
  CHECK(ground.sessions() == 0);
  int pid = 0;
  {
    auto lease = ground.take();
    pid = lease->backend_pid();
    CHECK(ask(lease, "select 1") == "1");
    CHECK(ground.pool->stats().busy == 1);
  }
  CHECK(ground.rests(1));
  auto lease = ground.take();
  CHECK(lease->backend_pid() == pid);
  CHECK(ground.sessions() == 1);
  auto const stats = ground.pool->stats();
  CHECK(stats.acquired == 2);
  CHECK(stats.opened == 1);
  CHECK(stats.max == 10);
}

TEST_CASE("taking and giving back costs no round trip") {
  Ground ground;
  auto lease = ground.take();
  auto const before = lease->round_trips();
  for (int i = 0; i < 5; ++i) {
    lease.give_back();
    lease = ground.take();
  }
  CHECK(lease->round_trips() == before);
}

TEST_CASE("the connection used last is used first") {
  Ground ground;
  auto first = ground.take();
  auto second = ground.take();
  auto const pid = second->backend_pid();
  CHECK(first->backend_pid() != pid);
  first.give_back();
  second.give_back();
  CHECK(ground.take()->backend_pid() == pid);
}

TEST_CASE("a lease is moved, given back once, and empty afterwards") {
  Ground ground;
  auto lease = ground.take();
  Lease other = std::move(lease);
  CHECK_FALSE(static_cast<bool>(lease));  // NOLINT(bugprone-use-after-move)
  CHECK(static_cast<bool>(other));
  other.give_back();
  other.give_back();
  CHECK_FALSE(static_cast<bool>(other));
  CHECK(ground.rests(1));
}

TEST_CASE("a discarded connection is closed, not kept") {
  Ground ground;
  auto lease = ground.take();
  lease.discard();
  CHECK(ground.rests(0));
  CHECK(eventually([&] { return ground.sessions() == 0; }));
  CHECK(ground.pool->stats().closed == 1);
}

TEST_CASE("what a user set is unset before the next one looks") {
  Ground ground({.max = 1});
  auto const plain = [&] {
    auto lease = ground.take();
    return ask(lease, "show work_mem") + ask(lease, "select current_user") +
           ask(lease, "show search_path");
  }();
  for (auto const* leak :
       {"set work_mem = '1234kB'", "set role pg_monitor", "set search_path = pg_catalog",
        "create temp table leaked (a int)", "listen leaked", "prepare leaked as select 1",
        "do $$ begin perform set_config('work_mem', '1234kB', false); end $$"}) {
    {
      auto lease = ground.take();
      ask(lease, leak);
    }
    auto lease = ground.take();
    INFO(leak);
    CHECK(ask(lease, "show work_mem") + ask(lease, "select current_user") +
              ask(lease, "show search_path") ==
          plain);
    CHECK(ask(lease, "select to_regclass('leaked') is null") == "t");
    CHECK(ask(lease, "select count(*) from pg_listening_channels()") == "0");
    CHECK(ask(lease, "select count(*) from pg_prepared_statements where name = 'leaked'") == "0");
  }
}

TEST_CASE("a script's leavings are cleared away too") {
  Ground ground({.max = 1});
  {
    auto lease = ground.take();
    wait(lease->run_script("set work_mem = '1234kB'; create temp table leaked (a int)", soon()));
  }
  auto lease = ground.take();
  CHECK(ask(lease, "show work_mem") != "1234kB");
  CHECK(ask(lease, "select to_regclass('leaked') is null") == "t");
}

TEST_CASE("a connection returned inside a transaction is rolled back, and its locks are gone") {
  Ground ground({.max = 1});
  auto const table = unique("pool_table");
  sql("create table " + table + " (a int)");
  for (auto const* last : {"select 1", "selec"}) {
    {
      auto lease = ground.take();
      ask(lease, "begin");
      ask(lease, "insert into " + table + " values (1)");
      ask(lease, "set local work_mem = '1234kB'");
      ask(lease, last);
    }
    auto lease = ground.take();
    CHECK(lease->transaction_state() == wire::TransactionState::idle);
    CHECK(ask(lease, "show work_mem") != "1234kB");
    CHECK(sql("select count(*) from pg_locks where relation = '" + table + "'::regclass") == "0");
  }
  CHECK(sql("select count(*) from " + table) == "0");
}

TEST_CASE("SET inside a transaction that committed is unset too") {
  Ground ground({.max = 1});
  {
    auto lease = ground.take();
    for (auto const* text : {"begin", "set work_mem = '1234kB'", "commit"}) ask(lease, text);
  }
  auto lease = ground.take();
  CHECK(ask(lease, "show work_mem") != "1234kB");
}

TEST_CASE("a backend that died at rest is not given out") {
  Ground ground;
  std::vector<Lease> leases;
  for (int i = 0; i < 4; ++i) leases.push_back(ground.take());
  leases.clear();
  REQUIRE(ground.rests(4));
  sql("select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = '" +
      ground.name + "'");
  CHECK(eventually([&] { return ground.sessions() == 0; }));
  for (int i = 0; i < 8; ++i) {
    auto lease = ground.take();
    CHECK(ask(lease, "select 1") == "1");
  }
}

TEST_CASE("a backend that died in a user's hands is not given to the next in line") {
  Ground ground({.max = 1});
  auto lease = ground.take();
  Caller next(ground);
  REQUIRE_FALSE(next.done());
  sql("select pg_terminate_backend(" + std::to_string(lease->backend_pid()) + ")");
  CHECK(eventually([&] { return ground.sessions() == 0; }));
  lease.give_back();
  next.finish();
  REQUIRE(next.lease);
  CHECK(ask(*next.lease, "select 1") == "1");
}

TEST_CASE("after a restart of the server nobody meets a dead connection") {
  Ground ground;
  {
    std::vector<Lease> leases;
    for (int i = 0; i < 5; ++i) leases.push_back(ground.take());
  }
  REQUIRE(ground.rests(5));
  primary().restart(dev::StopMode::immediate);
  for (int i = 0; i < 10; ++i) {
    auto lease = ground.take();
    CHECK(ask(lease, "select 1") == "1");
  }
  CHECK(ground.pool->stats().closed == 5);
}

TEST_CASE("a notification at rest is not taken for death") {
  Ground ground({.max = 1});
  Proxy proxy(test::socket_of(primary()));
  Ground through({.max = 1}, proxy.conninfo());
  int pid = 0;
  {
    auto lease = through.take();
    pid = lease->backend_pid();
    proxy.add(
        {.side = Side::backend,
         .type = 'Z',
         .act = Act::put_after,
         .payload = test::notification(1, "c", "p") + test::parameter_status("TimeZone", "UTC")});
    ask(lease, "select 1");
  }
  auto lease = through.take();
  CHECK(lease->backend_pid() == pid);
}

TEST_CASE("a refused login is told at once to everybody who waits, and not tried for ever") {
  Ground ground({.max = 3}, "dbname=no_such_database");
  Stopwatch const watch;
  auto const error = error_of([&] { ground.take(); });
  CHECK(watch.milliseconds() < 1'000 + test::grace());
  CHECK(error.kind() == ErrorKind::connection);
  CHECK(error.sqlstate() == "3D000");
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK(error.node() == "node");
  CHECK_FALSE(error.retryable());
  auto const failures = ground.pool->stats().connect_failures;
  std::this_thread::sleep_for(200ms);
  CHECK(ground.pool->stats().connect_failures == failures);
  CHECK(ground.rests(0));
}

TEST_CASE("a server that nobody can reach fails callers at once, and serves them when it is back") {
  Proxy proxy(test::socket_of(primary()));
  Ground ground({.max = 3}, proxy.conninfo());
  proxy.door(Proxy::Door::refuse);
  for (int i = 0; i < 3; ++i) {
    auto const error = error_of([&] { ground.take(); });
    CHECK(error.kind() == ErrorKind::connection);
    CHECK(error.retryable());
  }
  proxy.door(Proxy::Door::open);
  CHECK(eventually([&] {
    try {
      auto lease = ground.take();
      return ask(lease, "select 1") == "1";
    } catch (Error const&) {
      return false;
    }
  }));
}

TEST_CASE("a thread that would wait for itself is told so at once") {
  Ground ground({.max = 2});
  auto const one = ground.take();
  auto const two = ground.take();
  Stopwatch const watch;
  auto const error = error_of([&] { ground.take(); });
  CHECK(error.kind() == ErrorKind::self_deadlock);
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK(watch.milliseconds() < test::grace());
  CHECK(ground.pool->stats().waiting == 0);
}

}  // namespace
}  // namespace moonpool::pool
