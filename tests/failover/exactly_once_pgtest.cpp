// exactly_once across a failover that lost the tail of the log.
#include "session/exactly_once.hpp"

#include "failover/trio.hpp"

namespace moonpool::cluster {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::error_of;
using test::Trio;

session::TransactionOptions once() {
  session::TransactionOptions options;
  options.exactly_once = true;
  return options;
}

// A proxy in front of the primary alone, which the others know nothing of.
struct Lossy {
  Lossy() : proxy(test::socket_of(servers.primary())) {
    auto nodes = std::vector<NodeOptions>();
    for (auto const& server : servers.servers()) {
      nodes.push_back(test::node(server, Role::unknown, "lossy"));
    }
    auto bent = wire::Conninfo::parse(servers.primary().conninfo() + " " + proxy.conninfo());
    nodes.front().info = bent;
    ClusterOptions options;
    options.health_interval = 200ms;
    options.failover_wait = 10s;
    engine = std::make_unique<test::Engine>(std::move(nodes), std::move(options));
  }
  static dev::ClusterOptions trio() { return Trio::with({}); }

  dev::Cluster servers = dev::Cluster::start(trio());
  test::Proxy proxy;
  std::unique_ptr<test::Engine> engine;
};

TEST_CASE("committed and lost with the primary: it is told as undone, and runs again, once") {
  // The table of tokens may be lost with it too.
  for (bool const table_first : {true, false}) {
    Lossy lossy;
    auto& old = lossy.servers.primary();
    auto& next = lossy.servers.replica(0);
    auto& session = *lossy.engine->session;
    ask(session, "create table lost (run int)");
    if (table_first) {
      auto const warm = test::wait(session.begin(once()));
      ask(*warm, "select 1");
      test::wait(warm->commit());
    }
    lossy.servers.wait_until_replicated();
    // From here on nothing reaches the replicas.
    for (auto const& server : {&lossy.servers.replica(0), &lossy.servers.replica(1)}) {
      server->detach();
    }
    auto const tx = test::wait(session.begin(once()));
    ask(*tx, "insert into lost values (1)");
    lossy.proxy.add(
        {.side = test::Side::backend, .type = 'C', .text = "COMMIT", .act = test::Act::hold});
    std::thread failover([&] {
      CHECK(test::eventually([&] { return old.value("select count(*) from lost") == "1"; }));
      old.kill_hard();
      lossy.proxy.cut_all();
      next.promote();
    });
    auto const error = error_of([&] { test::wait(tx->commit()); });
    failover.join();
    INFO(error.describe());
    CHECK(error.kind() == ErrorKind::connection);
    CHECK(error.outcome() == Outcome::rejected);
    CHECK(error.retryable());
    CHECK_FALSE(error.in_doubt());
    CHECK(next.value("select count(*) from lost") == "0");

    auto const again = test::wait(session.begin(once()));
    ask(*again, "insert into lost values (2)");
    test::wait(again->commit());
    CHECK(next.value("select string_agg(run::text, ',') from lost") == "2");
  }
}

TEST_CASE("committed, replicated, and the primary is gone: it is told as done") {
  Lossy lossy;
  auto& old = lossy.servers.primary();
  auto& next = lossy.servers.replica(0);
  auto& session = *lossy.engine->session;
  ask(session, "create table kept (run int)");
  auto const tx = test::wait(session.begin(once()));
  ask(*tx, "insert into kept values (1)");
  lossy.proxy.add(
      {.side = test::Side::backend, .type = 'C', .text = "COMMIT", .act = test::Act::hold});
  std::thread failover([&] {
    CHECK(test::eventually([&] { return old.value("select count(*) from kept") == "1"; }));
    lossy.servers.wait_until_replicated();
    old.kill_hard();
    lossy.proxy.cut_all();
    next.promote();
  });
  test::wait(tx->commit());
  failover.join();
  CHECK(next.value("select string_agg(run::text, ',') from kept") == "1");
}

}  // namespace
}  // namespace moonpool::cluster
