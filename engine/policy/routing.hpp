#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "policy/position.hpp"

namespace moonpool::policy {

// What a read must have seen.
enum class Consistency : std::uint8_t {
  strong,    // everything committed before it: the primary
  session,   // what the same session has written: a replica that has applied that
  eventual,  // anything: a replica, however far behind (within the lag ceiling)
};

// Where a read goes when no replica may serve it.
enum class Fallback : std::uint8_t {
  primary,  // there, under a cap of its own, so that lost replicas do not starve writes
  stale,    // to any replica that answers, though it lags
  error,    // nowhere
};

std::string_view to_string(Consistency consistency);
std::string_view to_string(Fallback fallback);

// What a read asks of its node.
struct Reading {
  // Default session: a session sees its own writes.
  Consistency consistency = Consistency::session;
  // A replica further behind is not read from; zero, the default: any. A replica whose lag is not
  // known is as good as too far behind once one of them is set.
  Duration max_lag = Duration::zero();
  std::uint64_t max_lag_bytes = 0;
  // Default primary. `stale` never breaks a session's own reads: see choose_replicas().
  Fallback fallback = Fallback::primary;
};

// How far a replica is behind its primary. nullopt: not known, which is not the same as none.
struct Lag {
  std::optional<std::uint64_t> bytes;
  std::optional<Duration> time;
};

// A server, as the choice of a replica sees it.
struct Replica {
  bool serves = false;  // a replica of this cluster that answered its last probe, not long ago
  bool shut = false;    // its breaker refuses calls
  Lag lag;
  Position applied;  // up to where it has the changes; lsn 0: not known
};

// Which replicas may serve a read, by number, best kinds first.
struct Choice {
  std::vector<std::size_t> ready;   // have what must have been seen, for all that is known
  std::vector<std::size_t> behind;  // may have it by now: they must be asked first
  std::vector<std::size_t> stale;   // answer, and are further behind than the read allows
};

// Pure. `seen` is what the session has written; nowhere: nothing. A position of another system or
// timeline can be compared with nothing, so it leaves `ready` and `behind` empty. Of the replicas that
// answer, breakers shut out at most half, and one of one: the rest is tried in spite of its breaker.
Choice choose_replicas(std::span<Replica const> replicas, Reading const& reading,
                       Position const& seen);

}  // namespace moonpool::policy
