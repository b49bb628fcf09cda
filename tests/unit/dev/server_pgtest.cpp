#include "dev/server.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/error.hpp"
#include "dev/cluster.hpp"
#include "support/catch.hpp"
#include "unit/dev/eventually.hpp"
#include "unit/dev/kept.hpp"

using namespace moonpool;
using namespace moonpool::dev;
using moonpool::test::contains;
using moonpool::test::eventually;
using moonpool::test::KeptFolder;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Cluster cluster_of(int replicas) {
  ClusterOptions options;
  options.replicas = replicas;
  return Cluster::start(options);
}

// Does an answer come in time?
bool answers(Server const& server, Duration limit = seconds(20)) {
  auto const deadline = Deadline::in(limit);
  try {
    return AdminConnection(server.conninfo(), deadline).value("SELECT 1", deadline) == "1";
  } catch (Error const&) {
    return false;
  }
}

void write_row(Server& server, std::string const& value) {
  server.query("CREATE TABLE IF NOT EXISTS t (a text)");
  server.query("INSERT INTO t VALUES ('" + value + "')");
}

std::string rows_of(Server& server) {
  return server.value("SELECT string_agg(a, ' ' ORDER BY a) FROM t");
}

}  // namespace

TEST_CASE("stopping and starting, in each way") {
  auto cluster = cluster_of(0);
  auto& server = cluster.primary();
  for (auto const mode : {StopMode::fast, StopMode::immediate, StopMode::smart}) {
    auto const before = server.pid();
    server.stop(mode);
    CHECK_FALSE(server.running());
    CHECK_FALSE(is_alive(before));
    CHECK(server.role() == Role::stopped);
    server.start();
    CHECK(server.running());
    CHECK(server.pid() != before);
    CHECK(server.value("SELECT 1") == "1");
  }
  server.start();  // it runs: nothing
  server.stop();
  server.stop();
  CHECK_FALSE(server.running());
}

TEST_CASE("a smart stop that its clients hold up becomes a harder one") {
  auto cluster = cluster_of(0);
  auto client = cluster.primary().connect();
  cluster.primary().ask_to_stop(StopMode::smart);
  cluster.primary().await_stopped(StopMode::smart, Deadline::in(seconds(1)));
  CHECK_FALSE(cluster.primary().running());
  CHECK_THROWS(client.value("SELECT 1", Deadline::in(seconds(1))));
}

TEST_CASE("killed hard, a server loses nothing it committed") {
  auto cluster = cluster_of(1);
  auto& server = cluster.primary();
  write_row(server, "kept");
  auto const children = server.processes();
  CHECK(children.size() >= 4);
  server.kill_hard();
  CHECK_FALSE(server.running());
  for (auto const& child : children) CHECK_FALSE(is_alive(child.pid));
  CHECK_FALSE(answers(server, milliseconds(400)));
  server.kill_hard();  // dead already: nothing
  server.start();
  CHECK(rows_of(server) == "kept");
  server.wait_until_streams_to(cluster.replica());
}

TEST_CASE("a frozen server answers nothing, and goes on when it is thawed") {
  auto cluster = cluster_of(0);
  auto& server = cluster.primary();
  auto session = server.connect();
  CHECK(answers(server));
  server.freeze();
  CHECK(server.frozen());
  CHECK(server.running());
  CHECK_FALSE(answers(server, milliseconds(400)));
  CHECK_THROWS_WITH(session.value("SELECT 1", Deadline::in(milliseconds(200))),
                    contains("in time"));
  server.thaw();
  CHECK_FALSE(server.frozen());
  CHECK(answers(server));

  // Frozen servers can be stopped, and started again.
  server.freeze();
  server.stop();
  CHECK_FALSE(server.running());
  server.start();
  CHECK(answers(server));
  server.stop();
  CHECK_THROWS_AS(server.freeze(), Error);
  server.thaw();
}

TEST_CASE("with its postmaster frozen a server serves its sessions and takes no new ones") {
  auto cluster = cluster_of(0);
  auto& server = cluster.primary();
  auto session = server.connect();
  server.freeze_postmaster();
  CHECK(session.value("SELECT 1", Deadline::in(seconds(20))) == "1");
  CHECK_FALSE(answers(server, milliseconds(400)));
  server.thaw();
  CHECK(answers(server));
}

TEST_CASE("one process of a server can be frozen or killed, and no other") {
  auto cluster = cluster_of(1);
  auto& server = cluster.primary();
  auto frozen = server.connect();
  auto other = server.connect();
  auto const pid = std::stoi(frozen.value("SELECT pg_backend_pid()", Deadline::in(seconds(20))));
  server.freeze_process(pid);
  CHECK(other.value("SELECT 1", Deadline::in(seconds(20))) == "1");
  CHECK_THROWS(frozen.value("SELECT 1", Deadline::in(milliseconds(200))));
  server.thaw_process(pid);

  auto session = server.connect();
  auto const victim =
      std::stoi(session.value("SELECT pg_backend_pid()", Deadline::in(seconds(20))));
  server.kill_process(victim);
  // One crash ends every session of the server (57P02 for the others), and it recovers.
  CHECK_THROWS(session.value("SELECT 1", Deadline::in(seconds(20))));
  CHECK(eventually([&] {
    try {
      return other.value("SELECT 1", Deadline::in(seconds(20))) != "1";
    } catch (Error const&) {
      return true;
    }
  }));
  CHECK(eventually([&] { return answers(server); }));

  CHECK_THROWS_AS(server.kill_process(::getpid()), Error);
  CHECK_THROWS_AS(server.kill_process(cluster.replica().pid()), Error);
  server.wait_until_streams_to(cluster.replica());
  CHECK(server.find_process("checkpointer") != 0);
  CHECK(server.find_process("walsender") != 0);
  CHECK(cluster.replica().find_process("walreceiver") != 0);
  CHECK(cluster.replica().find_process("startup") != 0);
  CHECK(server.find_process("walreceiver") == 0);
}

TEST_CASE("a frozen WAL receiver makes the replica lag") {
  auto cluster = cluster_of(1);
  auto& replica = cluster.replica();
  write_row(cluster.primary(), "first");
  cluster.wait_until_replicated();
  auto const receiver = replica.find_process("walreceiver");
  replica.freeze_process(receiver);
  write_row(cluster.primary(), "second");
  std::this_thread::sleep_for(milliseconds(100));
  CHECK(rows_of(replica) == "first");
  replica.thaw_process(receiver);
  cluster.wait_until_replicated();
  CHECK(rows_of(replica) == "first second");
}

TEST_CASE("settings are changed and changed back") {
  auto cluster = cluster_of(1);
  for (auto& server : cluster.servers()) {
    server.set("work_mem", "7MB");
    CHECK(eventually([&] { return server.value("SHOW work_mem") == "7MB"; }));
    server.unset("work_mem");
    CHECK(eventually([&] { return server.value("SHOW work_mem") == "4MB"; }));
  }
  cluster.primary().set("log_line_prefix", "it's ");
  CHECK(eventually([&] { return cluster.primary().value("SHOW log_line_prefix") == "it's "; }));
  cluster.primary().stop();
  cluster.primary().configure({{"max_connections", "33"}});
  cluster.primary().start();
  CHECK(cluster.primary().value("SHOW max_connections") == "33");
  CHECK_THROWS_WITH(cluster.primary().set("no_such_setting", "1"), contains("42704"));
}

TEST_CASE("replay is paused and resumed") {
  auto cluster = cluster_of(1);
  auto& replica = cluster.replica();
  write_row(cluster.primary(), "before");
  cluster.wait_until_replicated();
  replica.pause_replay();
  write_row(cluster.primary(), "later");
  auto const position = cluster.primary().wal_position();
  CHECK(eventually([&] {
    return replica.value("SELECT '" + replica.wal_position() + "'::pg_lsn >= '" + position + "'") ==
           "t";
  }));
  CHECK(rows_of(replica) == "before");
  replica.resume_replay();
  replica.wait_until_replayed(position);
  CHECK(rows_of(replica) == "before later");
  CHECK(replica.replayed_position() == replica.wal_position());
}

TEST_CASE("waiting for replication ends") {
  KeptFolder const kept;
  auto cluster = Cluster::start(kept.options());
  cluster.replica().pause_replay();
  write_row(cluster.primary(), "x");
  auto options = kept.options();
  options.limit = seconds(3);
  auto impatient = Cluster::attach(options);
  REQUIRE(impatient);
  CHECK_THROWS_WITH(impatient->wait_until_replicated(), contains("did not replay"));
  cluster.replica().resume_replay();
}

TEST_CASE("a replica is detached, and follows again") {
  auto cluster = cluster_of(1);
  auto& replica = cluster.replica();
  write_row(cluster.primary(), "before");
  cluster.wait_until_replicated();
  replica.detach();
  CHECK(replica.find_process("walreceiver") == 0);
  write_row(cluster.primary(), "lost");
  std::this_thread::sleep_for(milliseconds(300));
  CHECK(rows_of(replica) == "before");
  replica.follow(cluster.primary());
  cluster.wait_until_replicated();
  CHECK(rows_of(replica) == "before lost");
}

TEST_CASE("failover: one is promoted, one follows it, the old primary rejoins") {
  auto cluster = cluster_of(2);
  auto& old = cluster.primary();
  auto& heir = cluster.replica(0);
  auto& sibling = cluster.replica(1);
  write_row(old, "common");
  cluster.wait_until_replicated();
  CHECK_THROWS_AS(old.promote(), Error);

  old.kill_hard();
  heir.promote();
  CHECK(heir.role() == Role::primary);
  write_row(heir, "new");
  sibling.follow(heir);
  sibling.wait_until_replayed(heir.wal_position());
  CHECK(rows_of(sibling) == "common new");

  // The old one wakes and writes: two histories. It has to start from a copy again.
  old.start();
  write_row(old, "split");
  old.rejoin(heir);
  CHECK(old.role() == Role::replica);
  old.wait_until_replayed(heir.wal_position());
  CHECK(rows_of(old) == "common new");
  CHECK(heir.value("SELECT string_agg(application_name, ' ' ORDER BY application_name)"
                   " FROM pg_stat_replication") == "primary replica2");
  CHECK(heir.value("SELECT timeline_id FROM pg_control_checkpoint()") != "1");

  // And back: the roles change once more.
  old.promote();
  heir.rejoin(old);
  sibling.rejoin(old);
  write_row(old, "home");
  cluster.wait_until_replicated();
  CHECK(rows_of(sibling) == "common home new");
}

TEST_CASE("a server without its data says so") {
  auto cluster = cluster_of(1);
  auto& replica = cluster.replica();
  CHECK_THROWS_WITH(replica.remove_data(), contains("stop it first"));
  replica.stop();
  replica.remove_data();
  CHECK_FALSE(replica.exists());
  CHECK_THROWS_WITH(replica.start(), contains("no data folder"));
  replica.rejoin(cluster.primary());
  CHECK(replica.role() == Role::replica);
}

TEST_CASE("errors of administrative statements") {
  auto cluster = cluster_of(0);
  auto& server = cluster.primary();
  try {
    server.query("SELECT * FROM nowhere");
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.kind() == ErrorKind::server);
    CHECK(error.sqlstate() == "42P01");
    CHECK(error.query() == "SELECT * FROM nowhere");
  }
  auto session = server.connect();
  CHECK_THROWS_WITH(session.value("SELECT pg_sleep(30)", Deadline::in(milliseconds(200))),
                    contains("in time"));
  server.stop();
  try {
    server.query("SELECT 1");
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.kind() == ErrorKind::connection);
  }
}
