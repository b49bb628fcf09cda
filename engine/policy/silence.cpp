#include "policy/silence.hpp"

#include <algorithm>

namespace moonpool::policy {
namespace {

// A backend is born before its client knows, by as much as logging in takes.
constexpr auto kLogin = std::chrono::seconds(15);
// Clocks that run apart.
constexpr auto kDrift = std::chrono::seconds(1);

bool is_its_own(Backend const& backend, Awaited const& awaited, TimePoint now) {
  auto const age = now - awaited.opened;
  return backend.age >= age - kDrift && backend.age <= age + kLogin;
}

}  // namespace

std::vector<int> Silence::suspects(std::vector<Awaited> const& awaited) {
  std::map<void const*, Row> rows;
  std::vector<int> pids;
  for (auto const& one : awaited) {
    auto const before = rows_.find(one.connection);
    bool const still = before != rows_.end() && before->second.seen.beats == one.beats &&
                       before->second.seen.pid == one.pid;
    auto& row = rows[one.connection];
    if (still) row = before->second;
    row.seen = one;
    row.suspect = still;
    if (still) pids.push_back(one.pid);
  }
  rows_ = std::move(rows);
  return pids;
}

std::vector<void const*> Silence::judge(std::vector<Backend> const& backends, TimePoint now) {
  std::vector<void const*> silent;
  for (auto& [connection, row] : rows_) {
    if (!row.suspect) continue;
    auto const found = std::ranges::find(backends, row.seen.pid, &Backend::pid);
    bool const rests = found != backends.end() && found->resting && !found->since.empty() &&
                       is_its_own(*found, row.seen, now);
    if (!rests) {
      row.since.clear();
    } else if (row.since != found->since) {
      row.since = found->since;
      row.rested_at = now;
    } else if (now - row.rested_at >= patience_) {
      silent.push_back(connection);
    }
  }
  for (auto const* connection : silent) rows_.erase(connection);
  return silent;
}

}  // namespace moonpool::policy
