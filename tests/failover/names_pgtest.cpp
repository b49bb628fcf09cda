// Servers that are not what they seem: another one behind the name, one that lets nobody in, one of another history.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "failover/lines.hpp"
#include "failover/trio.hpp"
#include "faults/ground.hpp"

namespace moonpool::cluster {
namespace {

using namespace std::chrono_literals;
using policy::Refusal;
using test::ask;
using test::Engine;
using test::error_of;
using test::eventually;
using test::failure_of;
using test::kRead;
using test::Lines;
using test::Stopwatch;

// A name for servers on sockets: a folder that leads to that of one of them, until it leads elsewhere.
class Name {
 public:
  explicit Name(dev::Server const& server) : folder_(new_folder()) { lead_to(server); }
  Name(Name const&) = delete;
  Name& operator=(Name const&) = delete;
  ~Name() { std::filesystem::remove_all(folder_); }

  void lead_to(dev::Server const& server) {
    std::filesystem::create_symlink(test::socket_of(server), folder_ / "next");
    std::filesystem::rename(folder_ / "next", folder_ / ".s.PGSQL.5432");
  }
  NodeOptions node(dev::Server const& server) const {
    auto node = test::node(server, Role::unknown, "named");
    node.info.set("host", folder_.string()).set("port", "5432");
    node.name = "db";
    return node;
  }

 private:
  // Short, because the path of a socket must be, whatever folder is there for temporary files.
  static std::filesystem::path new_folder() {
    std::string path = "/tmp/name-XXXXXX";
    REQUIRE(mkdtemp(path.data()) != nullptr);
    return path;
  }

  std::filesystem::path const folder_;
};

constexpr session::RunOptions kAnyReplica{.route = Route::read,
                                          .consistency = policy::Consistency::eventual};

bool writes(session::Session& session, std::string const& text) {
  return !failure_of([&] { ask(session, text); });
}

TEST_CASE("a name that leads to the new primary is followed, also where the old one lives on") {
  for (bool const frozen : {true, false}) {
    INFO((frozen ? "frozen" : "alive"));
    ClusterOptions options;
    options.health_interval = 200ms;
    options.probe_life = 500ms;
    auto const lines = Lines::to(options.hub);
    auto servers = dev::Cluster::start(test::Trio::with({}));
    auto& old = servers.primary();
    auto& next = servers.replica(0);
    Name name(old);
    Engine engine({name.node(old)}, options);
    ask(*engine.session, "create table named (a int)");
    servers.wait_until_replicated();
    // A connection that is lent to somebody while it happens.
    auto const tx = test::wait(engine.session->begin({}));
    ask(*tx, "insert into named values (1)");
    if (frozen) old.freeze();
    next.promote();
    name.lead_to(next);
    Stopwatch const watch;
    CHECK(eventually([&] { return lines->count("node.moved: db is another server now") == 1; }));
    CHECK(eventually([&] { return writes(*engine.session, "insert into named values (2)"); }));
    CHECK(watch.milliseconds() < 4'000 + test::grace());
    // What was under way on the old one is not committed there by us.
    auto const error = error_of([&] { test::wait(tx->commit()); });
    CHECK(error.outcome() != Outcome::committed_local);
    old.thaw();
    CHECK(old.value("select count(*) from named") == "0");
    for (int i = 0; i < 20; ++i) CHECK(writes(*engine.session, "insert into named values (3)"));
    CHECK(old.value("select count(*) from named") == "0");
    CHECK(next.value("select count(*) from named") == "21");
  }
}

TEST_CASE("a replica that did not follow a promotion is never taken for one that is not behind") {
  auto options = test::unhurried();
  options.health_interval = 200ms;
  test::Trio trio(options);
  auto& next = trio.servers.replica(0);
  ask(trio.session(), "create table astray (a int)");
  trio.servers.wait_until_replicated();
  next.detach();
  // What only the other replica gets is lost with the primary; it is more than the new one will write.
  auto& old = trio.servers.primary();
  old.query("insert into astray select generate_series(1, 100000)");
  trio.servers.replica(1).wait_until_replayed(old.wal_position());
  old.kill_hard();
  next.promote();
  REQUIRE(eventually([&] { return trio.primary() == "replica1"; }));
  auto const looks = trio.topology()->nodes[2].looks;
  REQUIRE(eventually([&] { return trio.topology()->nodes[2].looks > looks + 2; }));
  auto const view = trio.topology()->nodes[2];
  CHECK(view.alive);
  CHECK_FALSE(view.lag.bytes);
  CHECK_FALSE(view.lag.time);
  auto const fresh = session::RunOptions{
      .route = Route::read, .consistency = policy::Consistency::eventual, .max_lag = 1h};
  for (int i = 0; i < 5; ++i) {
    CHECK(ask(trio.session(), "select count(*) from astray", fresh) == "0");
  }
}

TEST_CASE("a primary that refuses writes goes on serving reads, and who writes is told why not") {
  auto options = test::unhurried();
  options.health_interval = 200ms;
  options.failover_wait = 300ms;
  test::Trio trio(options);
  ask(trio.session(), "create table kept (a int)");
  for (std::size_t i : {0U, 1U}) trio.servers.replica(i).kill_hard();
  auto& primary = trio.servers.primary();
  primary.set("default_transaction_read_only", "on");
  REQUIRE(eventually([&] { return trio.refusal("primary") == Refusal::read_only; }));
  for (auto const wanted :
       {policy::Consistency::strong, policy::Consistency::session, policy::Consistency::eventual}) {
    CHECK(ask(trio.session(), "select count(*) from kept",
              {.route = Route::read, .consistency = wanted}) == "0");
  }
  auto const error = error_of([&] { ask(trio.session(), "insert into kept values (1)"); });
  CHECK(error.kind() == ErrorKind::no_primary);
  CHECK(error.outcome() == Outcome::not_sent);
  CHECK_THAT(error.message(), test::contains("primary is the primary, and refuses writes"));
  primary.unset("default_transaction_read_only");
  CHECK(eventually([&] { return writes(trio.session(), "insert into kept values (1)"); }));
}

TEST_CASE("a program that starts between two primaries waits for the second") {
  ClusterOptions options;
  options.health_interval = 200ms;
  test::Trio trio(options);
  ask(trio.session(), "create table between_two (a int)");
  trio.servers.wait_until_replicated();
  trio.servers.primary().kill_hard();
  {
    auto brief = options;
    brief.failover_wait = 300ms;
    Engine const engine(trio.nodes(), brief);
    auto const error =
        error_of([&] { ask(*engine.session, "insert into between_two values (0)"); });
    CHECK(error.kind() == ErrorKind::no_primary);
    CHECK_THAT(error.message(), test::contains("and primary does not answer: "));
  }
  Engine const engine(trio.nodes(), options);
  std::thread promoting([&] {
    std::this_thread::sleep_for(700ms);
    trio.servers.replica(1).promote();
  });
  auto const error =
      failure_of([&] { ask(*engine.session, "insert into between_two values (1)"); });
  promoting.join();
  INFO((error ? error->describe() : ""));
  CHECK_FALSE(error);
  CHECK(trio.servers.replica(1).value("select count(*) from between_two") == "1");
}

TEST_CASE("a server that is full is no server that is gone") {
  auto options = test::unhurried();
  options.health_interval = 200ms;
  options.pool.max = 2;
  auto const lines = Lines::to(options.hub);
  test::Trio trio(options, {{"max_connections", "20"}, {"superuser_reserved_connections", "0"}});
  auto& primary = trio.servers.primary();
  ask(trio.session(), "create table crowded (a int)");
  REQUIRE(trio.primary() == "primary");
  // Others take every place there is, that of our looks too.
  std::vector<dev::AdminConnection> others;
  auto fill = [&] {
    for (;;) {
      try {
        others.push_back(primary.connect());
      } catch (Error const&) {
        return;
      }
    }
  };
  fill();
  REQUIRE(!others.empty());
  // Its place is free for a moment, for whoever comes first.
  REQUIRE(eventually(
      [&] {
        others.front().query(
            "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select "
            "pg_is_in_recovery%' and application_name = 'trio'",
            Deadline::in(20s));
        for (auto const end = Deadline::in(300ms); !end.passed();) fill();
        return lines->count("node.unseen: primary lets nobody in") >= 1;
      },
      30s));
  // The connection that is there goes on being used, and nobody waits for another primary.
  for (int i = 0; i < 10; ++i) {
    Stopwatch const watch;
    CHECK(writes(trio.session(), "insert into crowded values (1)"));
    CHECK(watch.milliseconds() < 1'000 + test::grace());
    std::this_thread::sleep_for(100ms);
  }
  CHECK(trio.primary() == "primary");
  CHECK(lines->count("cluster.no_primary") == 0);
  CHECK(lines->count("node.down") == 0);
  others.clear();
  CHECK(eventually([&] {
    auto const now = trio.topology();
    return !now->nodes[*now->primary].failure;
  }));
}

TEST_CASE("a replica without a free place costs a read nothing but the way to another") {
  auto options = test::unhurried();
  options.health_interval = 200ms;
  auto const lines = Lines::to(options.hub);
  test::Trio trio(options, {{"max_connections", "20"}, {"superuser_reserved_connections", "0"}});
  REQUIRE(trio.all_known());
  // Each has one connection of ours, in use for long.
  std::vector<std::thread> long_ones;
  for (std::size_t i = 0; i < 2; ++i) {
    long_ones.emplace_back([&] {
      auto const session = session::Session::make(trio.engine.cluster, {});
      failure_of([&] { ask(*session, "select pg_sleep(25)", kAnyReplica); });
    });
    // The second one goes where there is less to do.
    REQUIRE(eventually([&] {
      auto const stats = trio.engine.cluster->stats();
      return stats[1].reads.busy + stats[2].reads.busy == i + 1;
    }));
  }
  std::vector<dev::AdminConnection> others;
  for (std::size_t i : {0U, 1U}) {
    try {
      for (;;) others.push_back(trio.servers.replica(i).connect());
    } catch (Error const&) {
    }
  }
  for (int i = 0; i < 10; ++i) {
    Stopwatch const watch;
    auto const error = failure_of(
        [&] { CHECK(ask(trio.session(), "select pg_is_in_recovery()", kAnyReplica) == "f"); });
    INFO((error ? error->describe() : ""));
    CHECK_FALSE(error);
    CHECK(watch.milliseconds() < 1'000 + test::grace());
  }
  others.clear();
  for (std::size_t i : {0U, 1U}) {
    CHECK(eventually([&] {
      return !failure_of([&] {
        trio.servers.replica(i).query(
            "select pg_cancel_backend(pid) from pg_stat_activity where query = 'select "
            "pg_sleep(25)'");
      });
    }));
  }
  for (auto& one : long_ones) one.join();
}

}  // namespace
}  // namespace moonpool::cluster
