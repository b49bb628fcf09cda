#pragma once

#include <deque>
#include <optional>

#include "base/time.hpp"
#include "policy/routing.hpp"

namespace moonpool::policy {

// Where the primary was when, and from that how far its replicas are behind. Pure. Not thread-safe.
class Trail {
 public:
  // The primary had written up to `written`; `clock` is its own, in seconds.
  void note(TimePoint at, Lsn written, double clock);
  // Another primary, or another timeline.
  void clear() { steps_.clear(); }

  // Of a replica that had applied up to `applied` at `now`. `committed`: by the servers' clocks, when the
  // last transaction that it applied was committed; nullopt when it has not applied any.
  //
  // A replica that has all the primary was last seen to have is not behind at all, however long ago the
  // last change was. Otherwise the time is that since it was last known to have everything, or since the
  // last commit it applied, whichever is less. Nothing is known when the primary was not seen within
  // `fresh`.
  Lag behind(TimePoint now, Lsn applied, std::optional<double> committed, Duration fresh) const;

 private:
  struct Step {
    TimePoint at;  // the last time it stood here
    Lsn written = 0;
    double clock = 0;
  };
  std::deque<Step> steps_;  // oldest first
};

}  // namespace moonpool::policy
