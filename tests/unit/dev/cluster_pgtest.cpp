#include "dev/cluster.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <future>

#include "base/error.hpp"
#include "dev/leftovers.hpp"
#include "support/catch.hpp"
#include "support/promptness.hpp"
#include "unit/dev/eventually.hpp"
#include "unit/dev/kept.hpp"

using namespace moonpool;
using namespace moonpool::dev;
using moonpool::test::contains;
using moonpool::test::eventually;
using moonpool::test::grace;
using moonpool::test::KeptFolder;
using moonpool::test::read_file;
using moonpool::test::Scratch;
using moonpool::test::Variable;
using std::chrono::seconds;
namespace fs = std::filesystem;

namespace {

ClusterOptions passing(int replicas) {
  ClusterOptions options;
  options.replicas = replicas;
  return options;
}

double milliseconds_since(TimePoint began) {
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

}  // namespace

TEST_CASE("a fresh cluster replicates, and is gone without a trace") {
  auto const began = Clock::now();
  auto cluster = Cluster::start();
  // About 5 s on a quiet machine; this one may be busy or sanitized.
  CHECK(milliseconds_since(began) < 30'000 + grace());
  auto& primary = cluster.primary();
  auto& replica = cluster.replica();
  CHECK(primary.role() == Role::primary);
  CHECK(replica.role() == Role::replica);
  primary.query("CREATE TABLE t AS SELECT 'caf\xc3\xa9' AS a, NULL AS b");
  cluster.wait_until_replicated();
  CHECK(replica.query("SELECT a, b FROM t") == TextRows{{"caf\xc3\xa9", std::nullopt}});
  CHECK_THROWS_WITH(replica.query("INSERT INTO t VALUES ('x')"), contains("25006"));

  auto const folder = cluster.folder();
  auto const pids = std::vector{primary.pid(), replica.pid()};
  CHECK(pids.front() != pids.back());
  cluster.stop();
  CHECK(processes_in(folder).empty());
  CHECK_FALSE(fs::exists(folder));
  CHECK_FALSE(fs::exists(folder.string() + ".lock"));
  for (auto const pid : pids) CHECK_FALSE(is_alive(pid));
}

TEST_CASE("nobody else gets in") {
  auto cluster = Cluster::start(passing(0));
  auto& primary = cluster.primary();
  CHECK(primary.value("SHOW listen_addresses").empty());
  CHECK(primary.value("SELECT current_user") == "postgres");
  struct stat info {};
  auto const sockets = primary.value("SHOW unix_socket_directories");
  REQUIRE(::stat(sockets.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  REQUIRE(::stat(primary.data().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  CHECK(info.st_uid == server_account().uid);
  CHECK(sockets.size() + std::string("/.s.PGSQL.5432").size() <= 107);
}

TEST_CASE("clusters side by side do not meet, in threads and in one") {
  std::vector<std::future<Cluster>> started;
  for (int number = 0; number < 3; ++number) {
    started.push_back(std::async(std::launch::async, [] { return Cluster::start(passing(0)); }));
  }
  std::vector<Cluster> clusters;
  for (auto& one : started) clusters.push_back(one.get());
  for (auto& cluster : clusters) {
    cluster.primary().query("CREATE TABLE own AS SELECT pg_postmaster_start_time()");
  }
  CHECK(clusters[0].folder() != clusters[1].folder());
  clusters.pop_back();
  CHECK(clusters[0].primary().value("SELECT count(*) FROM own") == "1");
  CHECK(clusters[1].primary().value("SELECT count(*) FROM own") == "1");
}

TEST_CASE("a kept cluster keeps its data, and starts again fast") {
  KeptFolder const kept;
  CHECK_FALSE(Cluster::attach(kept.options()));
  pid_t pid = 0;
  {
    auto cluster = Cluster::start(kept.options());
    cluster.primary().query("CREATE TABLE t AS SELECT 42 AS a");
    pid = cluster.primary().pid();
    for (auto& server : cluster.servers()) {
      CHECK(eventually([&] { return server.value("SHOW fsync") == "on"; }));
    }
  }
  CHECK(is_alive(pid));  // it outlives the object
  auto attached = Cluster::attach(kept.options());
  REQUIRE(attached);
  CHECK(attached->servers().size() == 2);
  CHECK(attached->primary().pid() == pid);
  CHECK(attached->status().all_running());
  attached->stop();
  CHECK_FALSE(is_alive(pid));
  CHECK(attached->status().servers.front().role == Role::stopped);
  CHECK_FALSE(attached->status().all_running());
  attached->stop();  // a second time: nothing

  auto const began = Clock::now();
  auto again = Cluster::start(kept.options());
  CHECK(milliseconds_since(began) < 10'000 + grace());
  CHECK(again.replica().value("SELECT a FROM t") == "42");
  auto const running = again.primary().pid();
  CHECK(Cluster::start(kept.options()).primary().pid() == running);  // it runs: nothing to do
  again.remove();
  CHECK_FALSE(is_alive(running));
  CHECK_FALSE(fs::exists(kept.folder()));
}

TEST_CASE("a kept cluster gets more replicas, and never fewer") {
  KeptFolder const kept;
  CHECK(Cluster::start(kept.options(0)).servers().size() == 1);
  auto cluster = Cluster::start(kept.options(2));
  REQUIRE(cluster.servers().size() == 3);
  cluster.primary().query("CREATE TABLE t AS SELECT 1 AS a");
  cluster.wait_until_replicated();
  CHECK(cluster.replica(0).value("SELECT a FROM t") == "1");
  CHECK(cluster.replica(1).value("SELECT a FROM t") == "1");
  CHECK(Cluster::start(kept.options(0)).servers().size() == 3);
}

TEST_CASE("two who start the same kept cluster at once get the same one") {
  KeptFolder const kept;
  auto const start = [&] { return Cluster::start(kept.options(0)).primary().pid(); };
  auto other = std::async(std::launch::async, start);
  auto const pid = start();
  CHECK(pid != 0);
  CHECK(other.get() == pid);
}

TEST_CASE("a kept cluster comes back after the machine went down") {
  KeptFolder const kept;
  {
    auto cluster = Cluster::start(kept.options());
    cluster.primary().query("CREATE TABLE t AS SELECT 1 AS a");
    cluster.wait_until_replicated();
    for (auto& server : cluster.servers()) server.kill_hard();
    // Their numbers belong to other processes after the next boot; this test's own is one.
    auto const file = cluster.primary().data() / "postmaster.pid";
    auto const text = read_file(file);
    REQUIRE(text.find('\n') != std::string::npos);
    std::ofstream(file) << ::getpid() << text.substr(text.find('\n'));
    CHECK_FALSE(cluster.primary().running());
  }
  auto cluster = Cluster::start(kept.options());
  CHECK(cluster.replica().value("SELECT a FROM t") == "1");
}

TEST_CASE("a replica whose WAL is gone is made anew at the next start") {
  KeptFolder const kept;
  auto options = kept.options();
  options.settings = {{"max_slot_wal_keep_size", "1MB"}, {"wal_keep_size", "0"}};
  options.initdb_arguments = {"--wal-segsize=1"};
  {
    auto cluster = Cluster::start(options);
    cluster.replica().stop();
    cluster.primary().query("CREATE TABLE t AS SELECT 7 AS a");
    for (int round = 0; round < 5; ++round) {
      cluster.primary().query("SELECT pg_switch_wal() FROM pg_create_restore_point('x')");
    }
    cluster.primary().query("CHECKPOINT");
    REQUIRE(cluster.primary().value("SELECT wal_status FROM pg_replication_slots") == "lost");
  }
  auto cluster = Cluster::start(options);
  cluster.wait_until_replicated();
  CHECK(cluster.replica().value("SELECT a FROM t") == "7");
}

TEST_CASE("settings and arguments reach the servers") {
  auto options = passing(1);
  options.settings = {
      {"work_mem", "3MB"}, {"fsync", "on"}, {"synchronous_standby_names", "replica1"}};
  options.initdb_arguments = {"--wal-segsize=1"};
  auto cluster = Cluster::start(options);
  CHECK(cluster.primary().value("SHOW work_mem") == "3MB");
  CHECK(cluster.replica().value("SHOW work_mem") == "3MB");
  CHECK(cluster.primary().value("SHOW fsync") == "on");
  CHECK(cluster.primary().value("SHOW wal_segment_size") == "1MB");
  CHECK(cluster.primary().value("SELECT sync_state FROM pg_stat_replication") == "sync");
}

TEST_CASE("the variables of the environment change nothing for the servers") {
  Variable const host("PGHOST", "192.0.2.1");
  Variable const options("PGOPTIONS", "-c search_path=nowhere");
  Variable const data("PGDATA", "/nonexistent");
  Variable const attributes("PGTARGETSESSIONATTRS", "standby");
  Variable const binding("PGCHANNELBINDING", "require");
  auto cluster = Cluster::start();
  CHECK(cluster.primary().value("SHOW search_path") == "\"$user\", public");
}

TEST_CASE("status tells roles, lag and what is wrong") {
  auto cluster = Cluster::start();
  cluster.replica().pause_replay();
  cluster.primary().query("CREATE TABLE t AS SELECT generate_series(1, 1000)");
  auto const status = cluster.status();
  REQUIRE(status.servers.size() == 2);
  CHECK(status.all_running());
  CHECK(status.servers[0].role == Role::primary);
  CHECK(status.servers[1].role == Role::replica);
  CHECK(status.servers[1].streaming);
  CHECK(status.servers[1].replay_paused);
  CHECK(status.servers[1].lag_bytes.value_or(0) > 1000);

  cluster.primary().freeze();
  auto const began = Clock::now();
  auto const frozen = cluster.status();
  CHECK(milliseconds_since(began) < 5'000 + grace());
  CHECK(frozen.servers[0].frozen);
  CHECK_FALSE(frozen.all_running());
  cluster.primary().thaw();
}

TEST_CASE("the environment for other programs") {
  auto cluster = Cluster::start(passing(2));
  auto const variables = cluster.environment();
  REQUIRE(variables.size() == 3);
  CHECK(variables[0].first == "MOONPOOL_PRIMARY");
  CHECK(variables[1].first == "MOONPOOL_REPLICA");
  CHECK(variables[2].first == "MOONPOOL_REPLICA_2");
  AdminConnection connection(variables[2].second, Deadline::in(seconds(10)));
  CHECK(connection.value("SHOW cluster_name", Deadline::in(seconds(10))) ==
        "moonpool/main/replica2");
}

TEST_CASE("a server that does not come up shows the end of its log, and leaves nothing") {
  Scratch const scratch;
  ::chmod(scratch.path().c_str(), 0755);
  auto options = passing(0);
  options.folder = scratch.path();
  options.settings = {{"shared_buffers", "nonsense"}};
  CHECK_THROWS_WITH(Cluster::start(options), contains("did not come up") &&
                                                 contains("shared_buffers") &&
                                                 contains("primary.log"));
  CHECK(fs::is_empty(scratch.path()));

  options.settings = {};
  options.initdb_arguments = {"--no-such-option"};
  CHECK_THROWS_WITH(Cluster::start(options), contains("initdb") && contains("no-such-option"));
  CHECK(fs::is_empty(scratch.path()));
}

TEST_CASE("a kept cluster that fails to start runs nothing, and its next start may succeed") {
  KeptFolder const kept;
  {
    auto cluster = Cluster::start(kept.options());
    cluster.stop();
    cluster.replica().configure({{"shared_buffers", "nonsense"}});
  }
  CHECK_THROWS_WITH(Cluster::start(kept.options()),
                    contains("replica1") && contains("did not come up"));
  CHECK(processes_in(kept.folder()).empty());
  Cluster::attach(kept.options())->replica().configure({{"shared_buffers", "16MB"}});
  CHECK(Cluster::start(kept.options()).status().all_running());
}

TEST_CASE("without PostgreSQL the message names what to install") {
  Scratch const scratch;
  auto options = passing(0);
  options.binaries = scratch.path();
  try {
    Cluster::start(options);
    FAIL("it started");
  } catch (Error const& error) {
    CHECK(error.kind() == ErrorKind::environment);
    CHECK_THAT(error.message(), contains("was not found"));
    CHECK_THAT(error.hint(), contains("nstall"));
  }
}

TEST_CASE("numbers of replicas that make no sense are refused") {
  CHECK_THROWS_AS(Cluster::start(passing(-1)), Error);
  CHECK_THROWS_AS(Cluster::start(passing(9)), Error);
}
