#include "cluster/probe.hpp"

#include <charconv>

namespace moonpool::cluster {
namespace {

// Read-only because its client asked for it is no word about the server.
#define MOONPOOL_ACCEPTS_WRITES                                                        \
  "case when current_setting('transaction_read_only') = 'off' then true else (select " \
  "source = 'client' from pg_settings where name = 'default_transaction_read_only') end"

using async::Operation;

// A standby learns its primary's timeline at its next restart point; where the login may read the WAL
// receiver's state, from the stream at once.
constexpr auto kLook =
    "select pg_is_in_recovery(), " MOONPOOL_ACCEPTS_WRITES
    ","
    " extract(epoch from pg_postmaster_start_time())::text,"
    " extract(epoch from clock_timestamp())::text,"
    " case when pg_is_in_recovery() then pg_last_wal_replay_lsn()"
    " else pg_current_wal_insert_lsn() end,"
    " extract(epoch from pg_last_xact_replay_timestamp())::text,"
    " (select system_identifier from pg_control_system()),"
    " case when pg_is_in_recovery() then"
    " greatest((select timeline_id from pg_control_checkpoint()),"
    " (select min_recovery_end_timeline from pg_control_recovery()),"
    " (select received_tli from pg_stat_wal_receiver))::text"
    " else 'x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) end,"
    " pg_has_role('pg_read_all_stats', 'usage')";

constexpr auto kLookAtRole = "select pg_is_in_recovery(), " MOONPOOL_ACCEPTS_WRITES
                             ","
                             " extract(epoch from pg_postmaster_start_time())::text,"
                             " extract(epoch from clock_timestamp())::text";

// One that waits for its client has answered, or does not have all of what its client has said.
constexpr auto kBackends =
    "select pg_backend_pid(), pid, wait_event = 'ClientRead', state_change::text, extract(epoch "
    "from clock_timestamp() - backend_start)::text"
    " from pg_stat_activity where pid = any(string_to_array($1, ',')::int[])";

template <class Number>
Number number_in(std::string_view text, int base = 10) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

double seconds_in(std::string_view text) { return std::strtod(std::string(text).c_str(), nullptr); }

Finding read(wire::Result const& row, bool only_role) {
  auto text = [&](std::size_t column) { return row.value(0, column).value_or(""); };
  Finding finding;
  policy::Sighting seen;
  bool const in_recovery = text(0) == "t";
  seen.standby = in_recovery;
  seen.writable = in_recovery || text(1) == "t";
  seen.instance = text(2);
  finding.clock = seconds_in(text(3));
  if (!only_role) {
    seen.position.lsn = policy::parse_lsn(text(4)).value_or(0);
    if (auto const committed = row.value(0, 5)) finding.committed = seconds_in(*committed);
    seen.position.system = number_in<std::uint64_t>(text(6));
    auto const timeline = text(7);
    seen.position.timeline = timeline.starts_with('x')
                                 ? number_in<std::uint32_t>(timeline.substr(1), 16)
                                 : number_in<std::uint32_t>(timeline);
    finding.knows_timeline = !in_recovery || text(8) == "t";
  }
  finding.seen = std::move(seen);
  return finding;
}

bool means_not_allowed(Error const& error) {
  return error.kind() == ErrorKind::server &&
         (error.sqlstate().starts_with("42") || error.sqlstate().starts_with("0A"));
}

}  // namespace

// Where that fails the old one is as good as it was.
Operation<void> Prober::renew(Deadline deadline) {
  opened_ = Clock::now();
  try {
    auto opening = wire::Connection::open(info_, options_, deadline);
    auto fresh = co_await std::move(opening);
    connection_ = std::move(fresh);
  } catch (Error const&) {
    // Whether the server is well the look will tell.
  }
}

Operation<Finding> Prober::try_to_look(Deadline deadline) {
  if (!connection_ || !connection_->poll_alive()) {
    connection_.reset();
    auto opening = wire::Connection::open(info_, options_, deadline);
    connection_ = co_await std::move(opening);
    opened_ = Clock::now();
  } else if (Clock::now() - opened_ > life_) {
    auto renewing = renew(deadline.earlier_in(deadline.left() / 2));
    co_await std::move(renewing);
  }
  for (;;) {
    wire::Request request;
    request.push_back({only_role_ ? kLookAtRole : kLook, {}, true, true});
    auto const asked = Clock::now();
    auto running = connection_->run(std::move(request), deadline);
    auto const replies = co_await std::move(running);
    if (auto const* error = std::get_if<Error>(&replies.front())) {
      if (only_role_ || !means_not_allowed(*error)) throw Error(*error);
      only_role_ = true;
      continue;
    }
    auto finding = read(std::get<wire::Result>(replies.front()), only_role_);
    finding.round_trip = Clock::now() - asked;
    co_return finding;
  }
}

Operation<Finding> Prober::look(Deadline deadline) {
  Finding finding;
  try {
    auto looking = try_to_look(deadline);
    finding = co_await std::move(looking);
  } catch (Error const& error) {
    finding.failure = error;
  } catch (std::exception const& other) {
    finding.failure = Error(ErrorKind::internal, other.what());
  }
  // After a failure nobody knows what is still to come on it.
  if (finding.failure) connection_.reset();
  finding.at = Clock::now();
  co_return finding;
}

Operation<std::vector<policy::Backend>> Prober::ask_about(std::vector<int> pids,
                                                          Deadline deadline) {
  std::vector<policy::Backend> out;
  if (!connection_) co_return out;
  try {
    std::string list;
    for (auto const pid : pids) list.append(list.empty() ? "" : ",").append(std::to_string(pid));
    wire::Request request;
    request.push_back({kBackends, {{list}}, true, true});
    auto running = connection_->run(std::move(request), deadline);
    auto const replies = co_await std::move(running);
    auto const* result = std::get_if<wire::Result>(&replies.front());
    for (std::size_t i = 0; result != nullptr && i < result->rows(); ++i) {
      auto text = [&](std::size_t column) { return result->value(i, column).value_or(""); };
      if (number_in<int>(text(0)) != connection_->backend_pid()) break;
      auto const age = std::chrono::duration<double>(seconds_in(text(4)));
      out.push_back({number_in<int>(text(1)), text(2) == "t", std::string(text(3)),
                     std::chrono::duration_cast<Duration>(age)});
    }
    if (result == nullptr && !connection_->usable()) connection_.reset();
  } catch (std::exception const&) {
    connection_.reset();
  }
  co_return out;
}

}  // namespace moonpool::cluster
