#include "cluster/cluster.hpp"

#include <map>
#include <thread>

#include "support/promptness.hpp"
#include "support/server/engine.hpp"

namespace moonpool::cluster {
namespace {

using namespace std::chrono_literals;
using test::Bent;
using test::Engine;
using test::error_of;
using test::eventually;
using test::primary;
using test::Proxy;
using test::replica;
using test::soon;
using test::Stopwatch;
using test::wait;

std::string node_for(Cluster& cluster, Route route) {
  return wait(cluster.place(route, soon())).node->name();
}

Role role_of(Cluster const& cluster, std::string_view name) {
  for (auto const& node : cluster.stats()) {
    if (node.name == name) return node.role;
  }
  FAIL("no such node");
  return Role::unknown;
}

std::vector<NodeOptions> both(std::string const& name, Role first = Role::unknown,
                              Role second = Role::unknown) {
  return {test::node(primary(), first, name), test::node(replica(), second, name)};
}

TEST_CASE("writes go to the primary, reads to the replica") {
  Engine const engine;
  for (int i = 0; i < 6; ++i) {
    CHECK(node_for(*engine.cluster, Route::write) == "primary");
    CHECK(node_for(*engine.cluster, Route::read) == "replica1");
  }
}

TEST_CASE("roles that nobody told are learnt from the servers") {
  Engine const engine(both(test::unique("roles")));
  CHECK(role_of(*engine.cluster, "primary") == Role::unknown);
  for (int i = 0; i < 4; ++i) CHECK(node_for(*engine.cluster, Route::write) == "primary");
  CHECK(role_of(*engine.cluster, "primary") == Role::primary);
  for (int i = 0; i < 4; ++i) node_for(*engine.cluster, Route::read);
  CHECK(role_of(*engine.cluster, "replica1") == Role::replica);
  for (int i = 0; i < 4; ++i) CHECK(node_for(*engine.cluster, Route::read) == "replica1");
}

TEST_CASE("roles that were told wrong are put right by the servers") {
  Engine const engine(both(test::unique("roles"), Role::replica, Role::primary));
  CHECK(eventually([&] {
    try {
      return node_for(*engine.cluster, Route::write) == "primary";
    } catch (Error const& error) {
      CHECK(error.kind() == ErrorKind::no_primary);
      node_for(*engine.cluster, Route::read);
      return false;
    }
  }));
  CHECK(role_of(*engine.cluster, "replica1") == Role::replica);
}

TEST_CASE("a cluster of replicas takes no writes") {
  Engine const engine({test::node(replica(), Role::unknown, test::unique("replicas"))});
  for (int i = 0; i < 2; ++i) {
    auto const error = error_of([&] { node_for(*engine.cluster, Route::write); });
    CHECK(error.kind() == ErrorKind::no_primary);
    CHECK(error.outcome() == Outcome::not_sent);
    CHECK(error.retryable());
  }
  CHECK(node_for(*engine.cluster, Route::read) == "replica1");
}

TEST_CASE("reads are read-only on the replica and on the primary alike") {
  test::sql("create table if not exists cluster_writes (a int)");
  Engine const engine;
  Bent const only_primary;
  for (auto const* text :
       {"insert into cluster_writes values (1)", "create temp table t (a int)",
        "select nextval('cluster_sequence')", "select * from cluster_writes for update"}) {
    test::sql("create sequence if not exists cluster_sequence");
    REQUIRE(eventually([] {
      return replica().value("select to_regclass('cluster_sequence') is not null") == "t";
    }));
    INFO(text);
    CHECK(error_of([&] { test::run(*engine.session, text, test::kRead); }).sqlstate() == "25006");
    CHECK(error_of([&] { test::run(*only_primary.session, text, test::kRead); }).sqlstate() ==
          "25006");
  }
  CHECK(test::sql("select count(*) from cluster_writes") == "0");
  CHECK(test::ask(*only_primary.session, "select pg_is_in_recovery()", test::kRead) == "f");
}

// The replica behind a proxy, so that it can be away.
struct Away {
  Proxy proxy{test::socket_of(replica())};
  std::string name = test::unique("away");
  Engine engine{nodes()};

  std::vector<NodeOptions> nodes() const {
    auto away = test::node(proxy, Role::replica, name);
    away.name = "replica1";
    return {test::node(primary(), Role::primary, name), away};
  }
};

TEST_CASE("a replica that is down is passed over, and used again when it is back") {
  Away away;
  CHECK(node_for(*away.engine.cluster, Route::read) == "replica1");
  away.proxy.door(Proxy::Door::refuse);
  away.proxy.cut_all();
  for (int i = 0; i < 10; ++i) {
    CHECK(test::ask(*away.engine.session, "select pg_is_in_recovery()", test::kRead) == "f");
  }
  away.proxy.door(Proxy::Door::open);
  CHECK(eventually(
      [&] {
        return test::ask(*away.engine.session, "select pg_is_in_recovery()", test::kRead) == "t";
      },
      30s));
}

TEST_CASE("writes do not notice that a replica is away") {
  Away away;
  away.proxy.door(Proxy::Door::hang);
  Stopwatch const watch;
  for (int i = 0; i < 20; ++i) CHECK(node_for(*away.engine.cluster, Route::write) == "primary");
  CHECK(watch.milliseconds() < 1'000 + test::grace());
}

TEST_CASE("a replica that hangs costs a read its patience once, not every time") {
  Proxy proxy(test::socket_of(replica()));
  proxy.door(Proxy::Door::hang);
  auto const name = test::unique("hang");
  auto hanging = test::node(proxy, Role::replica, name);
  hanging.name = "replica1";
  ClusterOptions options;
  options.pool.connect_timeout = 200ms;
  options.pool.acquire_timeout = 300ms;
  Engine const engine({test::node(primary(), Role::primary, name), hanging}, options);
  Stopwatch const watch;
  for (int i = 0; i < 30; ++i) CHECK(test::ask(*engine.session, "select 1", test::kRead) == "1");
  CHECK(watch.milliseconds() < 5'000 + test::grace());
}

TEST_CASE("when all are down everybody is told, with what was tried") {
  Proxy one(test::socket_of(primary()));
  Proxy two(test::socket_of(replica()));
  one.door(Proxy::Door::refuse);
  two.door(Proxy::Door::refuse);
  auto first = test::node(one, Role::unknown, "x");
  auto second = test::node(two, Role::unknown, "x");
  first.name = "one";
  second.name = "two";
  Engine const engine({first, second});
  for (auto route : {Route::read, Route::write}) {
    auto const error = error_of([&] { node_for(*engine.cluster, route); });
    CHECK(error.kind() == ErrorKind::connection);
    CHECK(error.outcome() == Outcome::not_sent);
    CHECK(error.retryable());
    CHECK(error.causes().size() == 2);
  }
}

TEST_CASE("a node is named by its address where nobody named it") {
  auto nameless = test::node(primary(), Role::primary, "x");
  nameless.name.clear();
  Engine const engine({nameless});
  CHECK(node_for(*engine.cluster, Route::write) == test::conninfo(primary()).address());
}

TEST_CASE("probes learn roles, that a node is away, and that it is back, without a caller") {
  Proxy proxy(test::socket_of(replica()));
  auto const name = test::unique("health");
  auto behind = test::node(proxy, Role::unknown, name);
  behind.name = "replica1";
  ClusterOptions options;
  options.health_interval = 50ms;
  options.pool.connect_timeout = 200ms;
  Engine const engine({test::node(primary(), Role::unknown, name), behind}, options);
  CHECK(eventually([&] { return role_of(*engine.cluster, "replica1") == Role::replica; }));
  CHECK(eventually([&] { return role_of(*engine.cluster, "primary") == Role::primary; }));
  auto alive = [&] { return engine.cluster->topology()->nodes[1].alive; };
  proxy.door(Proxy::Door::refuse);
  proxy.cut_all();
  CHECK(eventually([&] { return !alive(); }));
  CHECK(test::ask(*engine.session, "select pg_is_in_recovery()", test::kRead) == "f");
  proxy.door(Proxy::Door::open);
  CHECK(eventually([&] { return alive(); }));
  CHECK(test::ask(*engine.session, "select pg_is_in_recovery()", test::kRead) == "t");
}

TEST_CASE("a pool in full use says nothing of its node's health") {
  ClusterOptions options;
  options.pool.max = 1;
  options.pool.acquire_timeout = 20ms;
  Engine const engine(options);
  auto held = wait(engine.cluster->place(Route::write, soon()));
  std::thread other([&] {
    for (int i = 0; i < 30; ++i) {
      try {
        wait(engine.cluster->place(Route::write, soon()));
      } catch (Error const&) {
      }
    }
  });
  other.join();
  CHECK(engine.cluster->stats()[0].write_breaker == policy::Breaker::State::closed);
  held.lease.give_back();
  CHECK(node_for(*engine.cluster, Route::write) == "primary");
}

TEST_CASE("a closed cluster takes no work, and has no sessions") {
  Engine const engine;
  test::ask(*engine.session, "select 1");
  test::ask(*engine.session, "select 1", test::kRead);
  wait(engine.cluster->close(soon()));
  wait(engine.cluster->close(soon()));
  CHECK(engine.cluster->is_closed());
  CHECK(error_of([&] { node_for(*engine.cluster, Route::read); }).kind() ==
        ErrorKind::cluster_closed);
  CHECK(eventually([&] { return test::sessions(engine.name) == 0; }));
}

TEST_CASE("closing waits for what runs") {
  Engine const engine;
  std::string told;
  std::thread running(
      [&] { told = test::ask(*engine.session, "select 'done' from pg_sleep(0.3)"); });
  REQUIRE(eventually([&] { return engine.cluster->stats()[0].writes.busy == 1; }));
  Stopwatch const watch;
  wait(engine.cluster->close(Deadline::in(5s)));
  CHECK(watch.milliseconds() < 2'000 + test::grace());
  running.join();
  CHECK(told == "done");
  CHECK(eventually([&] { return test::sessions(engine.name) == 0; }));
}

TEST_CASE("a cluster that is destroyed ends its sessions and its thread") {
  std::string name;
  {
    Engine const engine;
    name = engine.name;
    test::ask(*engine.session, "select 1");
    test::ask(*engine.session, "select 1", test::kRead);
  }
  CHECK(eventually([&] { return test::sessions(name) == 0; }));
}

}  // namespace
}  // namespace moonpool::cluster
