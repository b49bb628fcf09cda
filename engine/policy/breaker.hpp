#pragma once

#include <cstdint>
#include <deque>

#include "base/time.hpp"
#include "policy/window.hpp"

namespace moonpool::policy {

struct BreakerOptions {
  // So many failures in a row, all within the window, open it. Default 5.
  int failures = 5;
  Duration window = std::chrono::seconds(10);
  // So many calls within the window, and this part of them failed: it opens too, though some went well in
  // between. Defaults 20 and 0.5; a rate of 0: never.
  int min_calls = 20;
  double failure_rate = 0.5;
  // A call that takes longer is slow, and where this part of min_calls or more is slow, it opens: for work
  // that is always quick. Default zero: none is slow; and 0.8.
  Duration slow_call = Duration::zero();
  double slow_rate = 0.8;
  // How long it stays open before it lets somebody try. Default 2 s.
  Duration cooldown = std::chrono::seconds(2);
  // Calls that may try at once while it is half open. Default 1.
  int probes = 1;
};

// Keeps callers away from a node that only fails: closed → open → half open → closed. Pure: it is told
// the time and what happened. Not thread-safe.
//
// Every call that was let in settles its permit exactly once; a permit of an earlier generation (from
// before the last change of state) changes nothing. A half-open permit that is not settled within the
// cooldown counts as a failure, so the breaker cannot stay half open.
class Breaker {
 public:
  enum class State : std::uint8_t { closed, open, half_open };
  enum class Verdict : std::uint8_t {
    success,
    failure,
    ignored,  // says nothing of the node: the permit is given back
  };
  struct Permit {
    bool granted = false;
    std::uint64_t generation = 0;
    Duration retry_after{};  // not granted: when to ask again
  };
  // What an operator wants.
  enum class Forced : std::uint8_t {
    no,
    open,    // nobody gets in, and results change nothing
    closed,  // everybody gets in, and results change nothing
  };

  explicit Breaker(BreakerOptions options = {}) : options_(options), calls_(options.window) {}

  Permit ask(TimePoint now);
  // Granted also while it is open or half open, but when it was forced open: for callers that have
  // nowhere else to go. Its result counts only while closed.
  Permit insist(TimePoint now);
  // Something else (a probe) has shown the node to be alive: what is open becomes half open at once.
  void hint_alive(TimePoint now);
  // Forced::no starts anew, closed.
  void force(Forced forced, TimePoint now);
  Forced forced() const { return forced_; }
  // `took`: how long the node took; half open, a slow success is a failure.
  void settle(Permit const& permit, Verdict verdict, TimePoint now,
              Duration took = Duration::zero());
  State state(TimePoint now);

 private:
  static constexpr std::size_t kAll = 0;
  static constexpr std::size_t kFailed = 1;
  static constexpr std::size_t kSlow = 2;

  void move_to(State state, TimePoint now);
  void expire(TimePoint now);
  void note(Verdict verdict, bool slow, TimePoint now);
  bool too_many(std::size_t kind, double rate, TimePoint now) const;

  BreakerOptions options_;
  State state_ = State::closed;
  Forced forced_ = Forced::no;
  std::uint64_t generation_ = 0;
  TimePoint since_{};               // of the present state
  std::deque<TimePoint> failures_;  // closed: those in a row
  Window<3> calls_;                 // closed: those that were settled
  int out_ = 0;                     // half open: permits not settled
  TimePoint first_out_{};           // half open: when the oldest of them was given
};

}  // namespace moonpool::policy
