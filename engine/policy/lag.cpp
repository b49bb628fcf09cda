#include "policy/lag.hpp"

#include <algorithm>

namespace moonpool::policy {

void Trail::note(TimePoint at, Lsn written, double clock) {
  constexpr std::size_t kMostSteps = 600;
  if (!steps_.empty() && written <= steps_.back().written) {
    steps_.back().at = at;
    steps_.back().clock = clock;
    return;
  }
  steps_.push_back({at, written, clock});
  if (steps_.size() > kMostSteps) steps_.pop_front();
}

Lag Trail::behind(TimePoint now, Lsn applied, std::optional<double> committed,
                  Duration fresh) const {
  Lag lag;
  if (steps_.empty() || now - steps_.back().at > fresh) return lag;
  auto const& last = steps_.back();
  if (applied >= all_before(last.written)) {
    lag.bytes = 0;
    lag.time = Duration::zero();
    return lag;
  }
  lag.bytes = last.written - applied;
  if (committed) {
    auto const seconds = std::max(0.0, last.clock - *committed);
    lag.time = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  }
  auto const had_all = std::find_if(steps_.rbegin(), steps_.rend(), [&](Step const& step) {
    return all_before(step.written) <= applied;
  });
  if (had_all != steps_.rend()) {
    auto const since = now - had_all->at;
    lag.time = lag.time ? std::min(*lag.time, since) : since;
  }
  return lag;
}

}  // namespace moonpool::policy
