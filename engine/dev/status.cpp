#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "dev/cluster.hpp"

namespace moonpool::dev {
namespace {

// "16/B374D848" as a number of bytes.
std::optional<long long> parse_position(std::string_view text) {
  auto const slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  unsigned high = 0, low = 0;
  std::from_chars(text.data(), text.data() + slash, high, 16);
  std::from_chars(text.data() + slash + 1, text.data() + text.size(), low, 16);
  return (static_cast<long long>(high) << 32) | low;
}

constexpr char const* kQuestion =
    "SELECT pg_is_in_recovery(),"
    " CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,"
    " EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming'),"
    " CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END";

void ask(Server const& server, ServerStatus& status) {
  // A short limit of its own: a status is asked for when something is wrong.
  auto const deadline = Deadline::in(std::chrono::seconds(3));
  try {
    auto const rows =
        AdminConnection(server.conninfo("postgres"), deadline).query(kQuestion, deadline);
    auto const& row = rows.at(0);
    status.role = row.at(0) == "t" ? Role::replica : Role::primary;
    status.position = row.at(1).value_or("");
    status.streaming = row.at(2) == "t";
    status.replay_paused = row.at(3) == "t";
  } catch (Error const& error) {
    status.problem = error.message();
  }
}

}  // namespace

bool ClusterStatus::all_running() const {
  return !servers.empty() && std::all_of(servers.begin(), servers.end(), [](auto const& server) {
    return server.pid != 0 && server.problem.empty();
  });
}

ClusterStatus Cluster::status() const {
  ClusterStatus cluster{
      ground_->name, ground_->folder, ground_->account.name, ground_->binaries.version, {}};
  std::optional<long long> written;
  for (auto const& server : servers_) {
    ServerStatus status;
    status.name = server.name();
    status.conninfo = server.conninfo();
    status.data = server.data();
    status.log = server.log();
    status.pid = server.pid();
    status.frozen = status.pid != 0 && server.frozen();
    if (status.frozen) {
      status.problem = "its processes are stopped (SIGSTOP)";
    } else if (status.pid != 0) {
      ask(server, status);
    }
    if (status.role == Role::primary) written = parse_position(status.position);
    cluster.servers.push_back(std::move(status));
  }
  for (auto& status : cluster.servers) {
    auto const applied = parse_position(status.position);
    if (status.role == Role::replica && written && applied) {
      status.lag_bytes = std::max(0LL, *written - *applied);
    }
  }
  return cluster;
}

}  // namespace moonpool::dev
