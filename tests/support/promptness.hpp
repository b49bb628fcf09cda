#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "support/sanitized.hpp"

namespace moonpool::test {

// How late this machine is: a thread that does nothing but sleep for a moment, again and again, and knows the
// worst it overslept in the last seconds. A bound on time that a busy machine may not break can be told from
// one that the code breaks.
class Promptness {
 public:
  Promptness() : thread_([this] { run(); }) {}
  Promptness(Promptness const&) = delete;
  Promptness& operator=(Promptness const&) = delete;
  ~Promptness() {
    stop_ = true;
    thread_.join();
  }

  // Over the last two to four seconds, and over the sleep that has not ended yet.
  double worst_oversleep_ms() const {
    auto const now = ticks() - asleep_since_.load();
    auto const pending = std::max<long long>(0, now - kNap.count());
    return static_cast<double>(std::max({pending, before_.load(), current_.load()})) / 1'000;
  }

 private:
  using Microseconds = std::chrono::microseconds;
  static constexpr Microseconds kNap{2'000};

  static long long ticks() {
    return std::chrono::duration_cast<Microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  void run() {
    auto turned = ticks();
    while (!stop_) {
      auto const begun = ticks();
      asleep_since_ = begun;
      std::this_thread::sleep_for(kNap);
      auto const over = ticks() - begun - kNap.count();
      current_ = std::max(current_.load(), over);
      if (ticks() - turned > 2'000'000) {
        turned = ticks();
        before_ = current_.exchange(0);
      }
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<long long> asleep_since_{ticks()};
  std::atomic<long long> current_{0};
  std::atomic<long long> before_{0};
  std::thread thread_;
};

// What a call may take beyond its deadline, in milliseconds: the promised quarter of a second, and several
// times what this machine was late itself meanwhile in waking up a thread that has nothing else to do.
inline double grace() {
  static Promptness const machine;
  return 250 * (kSanitized ? 4 : 1) + 6 * machine.worst_oversleep_ms();
}

}  // namespace moonpool::test
