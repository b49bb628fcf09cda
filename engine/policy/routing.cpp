#include "policy/routing.hpp"

#include <algorithm>

namespace moonpool::policy {
namespace {

bool within(Lag const& lag, Reading const& reading) {
  if (reading.max_lag > Duration::zero() && !(lag.time && *lag.time <= reading.max_lag)) {
    return false;
  }
  return reading.max_lag_bytes == 0 || (lag.bytes && *lag.bytes <= reading.max_lag_bytes);
}

}  // namespace

std::string_view to_string(Consistency consistency) {
  switch (consistency) {
    case Consistency::strong:
      return "strong";
    case Consistency::eventual:
      return "eventual";
    case Consistency::session:
      break;
  }
  return "session";
}

std::string_view to_string(Fallback fallback) {
  switch (fallback) {
    case Fallback::stale:
      return "stale";
    case Fallback::error:
      return "error";
    case Fallback::primary:
      break;
  }
  return "primary";
}

Choice choose_replicas(std::span<Replica const> replicas, Reading const& reading,
                       Position const& seen) {
  Choice choice;
  if (reading.consistency == Consistency::strong) return choice;
  auto const serving = std::ranges::count(replicas, true, &Replica::serves);
  auto shut_out = std::max<std::ptrdiff_t>(1, serving / 2);
  bool const must_have_seen = reading.consistency == Consistency::session && seen.somewhere();
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    auto const& replica = replicas[i];
    if (!replica.serves) continue;
    if (replica.shut && shut_out > 0) {
      --shut_out;
      continue;
    }
    auto const& applied = replica.applied;
    if (must_have_seen) {
      if (applied.system != seen.system || applied.timeline != seen.timeline) continue;
    }
    if (!within(replica.lag, reading)) {
      // What is known of a laggard does not hold what the session wrote.
      if (!must_have_seen) choice.stale.push_back(i);
    } else if (must_have_seen && applied.lsn < all_before(seen.lsn)) {
      choice.behind.push_back(i);
    } else {
      choice.ready.push_back(i);
    }
  }
  return choice;
}

}  // namespace moonpool::policy
