#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace moonpool {

// Time as the engine counts it: monotonic, so steps of the wall clock change nothing.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

// One absolute end for everything a call does. Copy it down; never make a later one on the way.
class Deadline {
 public:
  Deadline() = default;  // never passes
  explicit Deadline(TimePoint at) : at_(at) {}
  static Deadline in(Duration duration);
  static Deadline never() { return Deadline(); }

  TimePoint at() const { return at_; }
  bool is_never() const { return at_ == TimePoint::max(); }
  bool passed(TimePoint now = Clock::now()) const { return now >= at_; }
  // Time left, never negative.
  Duration left(TimePoint now = Clock::now()) const;
  Deadline earlier(Deadline other) const { return other.at_ < at_ ? other : *this; }
  Deadline earlier_in(Duration duration) const { return earlier(in(duration)); }

 private:
  TimePoint at_ = TimePoint::max();
};

// "250ms", "5s", "1.5m", "2h", "1d", or a bare number of seconds. Throws Error(config) that quotes
// the text and says what is right. Negative and non-finite values are refused.
Duration parse_duration(std::string_view text);

// In the largest unit that holds it in whole numbers, as parse_duration reads it: "250ms", "90s", "30m".
// REQUIRES: not negative.
std::string format_duration(Duration duration);

}  // namespace moonpool
