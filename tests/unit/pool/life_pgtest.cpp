#include <vector>

#include "unit/pool/ground.hpp"

namespace moonpool::pool {
namespace {

TEST_CASE("the minimum is kept open, and opened again") {
  Ground ground({.max = 5, .min = 3});
  CHECK(ground.rests(3));
  CHECK(ground.sessions() == 3);
  sql("select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = '" +
      ground.name + "'");
  CHECK(eventually([&] { return ground.sessions() == 0; }));
  ground.take().give_back();
  CHECK(ground.rests(3));
  CHECK(ground.sessions() == 3);
}

TEST_CASE("connections that nobody needs are closed, down to the minimum") {
  Ground ground({.max = 5, .min = 1, .idle_timeout = 300ms});
  {
    std::vector<Lease> leases;
    for (int i = 0; i < 4; ++i) leases.push_back(ground.take());
  }
  CHECK(ground.rests(1));
  CHECK(eventually([&] { return ground.sessions() == 1; }));
  CHECK(ground.pool->stats().closed == 3);
}

TEST_CASE("old connections are replaced, at rest and on return, never in use") {
  Ground ground({.max = 2, .max_lifetime = 400ms});
  auto lease = ground.take();
  auto const pid = lease->backend_pid();
  { auto const other = ground.take(); }
  CHECK(eventually([&] { return ground.sessions() == 1; }));
  CHECK(ask(lease, "select 1") == "1");
  CHECK(lease->backend_pid() == pid);
  lease.give_back();
  CHECK(eventually([&] { return ground.sessions() == 0; }));
  CHECK(ground.take()->backend_pid() != pid);
}

TEST_CASE("after recycle() no connection from before is used again") {
  Ground ground({.max = 3});
  auto lease = ground.take();
  auto const busy = lease->backend_pid();
  ground.take().give_back();
  REQUIRE(ground.pool->stats().idle == 1);
  ground.pool->recycle();
  CHECK(eventually([&] { return ground.sessions() == 1; }));
  CHECK(ask(lease, "select 1") == "1");
  lease.give_back();
  CHECK(eventually([&] { return ground.sessions() == 0; }));
  auto fresh = ground.take();
  CHECK(fresh->backend_pid() != busy);
}

TEST_CASE("a connection that was being opened during recycle() belongs to the time before") {
  Proxy proxy(test::socket_of(primary()));
  Ground ground({.max = 1}, proxy.conninfo());
  auto const rule = proxy.add({.side = Side::backend, .type = 'K', .act = Act::hold});
  Caller caller(ground);
  REQUIRE(proxy.wait_for_hits(rule));
  ground.pool->recycle();
  proxy.clear();
  caller.finish();
  REQUIRE(caller.lease);
  CHECK(proxy.accepted() == 2);
}

TEST_CASE("a closed pool lends nothing, fails those in line, and closes what rests") {
  Ground ground({.max = 1});
  auto lease = ground.take();
  Caller waiting(ground);
  ground.pool->close();
  ground.pool->close();
  REQUIRE(waiting.step());
  REQUIRE(waiting.error);
  CHECK(waiting.error->kind() == ErrorKind::cluster_closed);
  CHECK(waiting.error->outcome() == Outcome::not_sent);
  CHECK(error_of([&] { ground.take(); }).kind() == ErrorKind::cluster_closed);
  CHECK_FALSE(ground.pool->is_empty());
  CHECK(ask(lease, "select 1") == "1");
  lease.give_back();
  CHECK(eventually([&] { return ground.pool->is_empty(); }));
  CHECK(eventually([&] { return ground.sessions() == 0; }));
}

TEST_CASE("a connection that is opened while the pool closes is closed too") {
  Proxy proxy(test::socket_of(primary()));
  Ground ground({.max = 1}, proxy.conninfo());
  auto const rule = proxy.add({.side = Side::backend, .type = 'K', .act = Act::hold});
  Caller caller(ground);
  REQUIRE(proxy.wait_for_hits(rule));
  ground.pool->close();
  REQUIRE(caller.step());
  CHECK(caller.error->kind() == ErrorKind::cluster_closed);
  proxy.clear();
  CHECK(eventually([&] { return ground.pool->is_empty(); }));
  CHECK(eventually([&] { return proxy.live() == 0; }));
}

TEST_CASE("close() may be called from two threads while others borrow") {
  for (int round = 0; round < 5; ++round) {
    Ground ground({.max = 3});
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        try {
          for (;;) {
            auto lease = ground.take();
            wait(lease->run({statement("select 1")}, soon()));
          }
        } catch (Error const&) {
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * round));
    std::thread other([&] { ground.pool->close(); });
    ground.pool->close();
    other.join();
    for (auto& thread : threads) thread.join();
    CHECK(eventually([&] { return ground.pool->is_empty(); }));
    CHECK(ground.pool->stats().idle == 0);
  }
}

TEST_CASE("a lease that outlives the last handle on its pool is given back all the same") {
  async::Loop loop;
  std::thread keeper([&] { loop.run(); });
  {
    Lease lease;
    {
      auto const pool = Pool::make("node", test::conninfo(primary()), {}, loop);
      lease = wait(pool->acquire(soon()));
      pool->close();
    }
    CHECK(ask(lease, "select 1") == "1");
  }
  loop.stop();
  keeper.join();
}

TEST_CASE("a lease held for long is counted once") {
  Ground ground({.max = 1, .leak_threshold = 100ms});
  auto lease = ground.take();
  CHECK(eventually([&] { return ground.pool->stats().leases_over_threshold == 1; }));
  std::this_thread::sleep_for(1200ms);
  CHECK(ground.pool->stats().leases_over_threshold == 1);
}

}  // namespace
}  // namespace moonpool::pool
