#include <thread>

#include "base/error.hpp"
#include "dev/quote.hpp"
#include "dev/server.hpp"

namespace moonpool::dev {
namespace {

constexpr std::string_view kMaintenance = "postgres";

constexpr char const* kWalPosition =
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()"
    " ELSE pg_current_wal_lsn() END";
constexpr char const* kReplayed =
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
    " ELSE pg_current_wal_lsn() END";

// Asks until the answer is 't'.
void wait_until(AdminConnection& connection, std::string const& question, Deadline deadline,
                std::string const& what) {
  try {
    while (connection.value(question, deadline) != "t") {
      if (deadline.passed()) throw Error(ErrorKind::timeout, what);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  } catch (Error& error) {
    if (error.kind() == ErrorKind::timeout) error.as(ErrorKind::timeout, what);
    throw;
  }
}

}  // namespace

Role Server::role() const {
  if (!running()) return Role::stopped;
  return value("SELECT pg_is_in_recovery()", kMaintenance) == "t" ? Role::replica : Role::primary;
}

void Server::promote() {
  auto const until = deadline();
  auto connection = connect(kMaintenance);
  if (connection.value("SELECT pg_is_in_recovery()", until) != "t") {
    throw Error(ErrorKind::usage, "the server " + name_ + " is a primary already");
  }
  connection.query("SELECT pg_promote(false)", until);
  wait_until(connection, "SELECT NOT pg_is_in_recovery()", until,
             "the server " + name_ + " was told to become primary and did not in time");
}

void Server::pause_replay() {
  auto const until = deadline();
  auto connection = connect(kMaintenance);
  connection.query("SELECT pg_wal_replay_pause()", until);
  // Before PostgreSQL 14 the pause is asked for and known in one.
  auto const question = ground_->binaries.version >= 14
                            ? "SELECT pg_get_wal_replay_pause_state() = 'paused'"
                            : "SELECT pg_is_wal_replay_paused()";
  wait_until(connection, question, until, "replay on " + name_ + " did not pause in time");
}

void Server::resume_replay() { query("SELECT pg_wal_replay_resume()", kMaintenance); }

void Server::detach() {
  auto const until = deadline();
  set("primary_conninfo", "");
  auto connection = connect(kMaintenance);
  wait_until(connection, "SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)", until,
             "the WAL receiver of " + name_ + " did not end in time");
}

void Server::ensure_slot_for(Server const& replica) const {
  query("SELECT pg_create_physical_replication_slot(" + quote_for_settings(replica.name_) +
            ", true) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = " +
            quote_for_settings(replica.name_) + ")",
        kMaintenance);
}

void Server::follow(Server const& upstream) {
  upstream.ensure_slot_for(*this);
  auto const until = deadline();
  auto connection = connect(kMaintenance);
  connection.query("ALTER SYSTEM SET primary_slot_name = " + quote_for_settings(name_), until);
  connection.query(
      "ALTER SYSTEM SET primary_conninfo = " +
          quote_for_settings(upstream.conninfo(kMaintenance) + " application_name=" + name_),
      until);
  connection.query("SELECT pg_reload_conf()", until);
  upstream.wait_until_streams_to(*this);
}

void Server::rejoin(Server const& source) {
  stop(StopMode::immediate);
  remove_data();
  make_by_backup_of(source);
  start();
  finish_making();
  source.wait_until_streams_to(*this);
}

std::string Server::wal_position() const { return value(kWalPosition, kMaintenance); }

std::string Server::replayed_position() const { return value(kReplayed, kMaintenance); }

void Server::wait_until_replayed(std::string const& position) const {
  auto const until = deadline();
  auto connection = connect(kMaintenance);
  wait_until(
      connection,
      std::string("SELECT (") + kReplayed + ") >= " + quote_for_settings(position) + "::pg_lsn",
      until, "the server " + name_ + " did not replay up to " + position + " in time");
}

void Server::wait_until_streams_to(Server const& replica) const {
  auto const until = deadline();
  auto connection = connect(kMaintenance);
  wait_until(connection,
             "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming' AND "
             "application_name = " +
                 quote_for_settings(replica.name_) + ")",
             until,
             "the server " + replica.name_ + " does not stream from " + name_ +
                 "; its log: " + replica.log().string());
}

}  // namespace moonpool::dev
