#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "policy/window.hpp"

namespace moonpool::policy {

// How much repeating a whole cluster bears, whoever repeats. Without it, callers that each repeat a few
// times make several times the load of what has just broken down under its load.
struct BudgetOptions {
  // The bucket: a repetition takes 5 tokens, after a timeout 10; a call that succeeds puts 1 back, and what
  // its own repetitions took. Default 100; 0: nothing is counted.
  int tokens = 100;
  // Repetitions in ten seconds, as a part of the calls that were begun in them; ten are always free. Default 0.1.
  double ratio = 0.1;
};

// Pure: it is told the time and what happened. Not thread-safe.
class RetryBudget {
 public:
  explicit RetryBudget(BudgetOptions options = {})
      : options_(options), tokens_(options.tokens), window_(std::chrono::seconds(10)) {}

  // A call begins; its repetitions are not told here.
  void called(TimePoint now) { window_.add(kCalls, now); }
  // Takes the price of repeating what failed so, and gives it; 0: the budget is spent, do not repeat.
  int take(Error const& failure, TimePoint now);
  // A call went well, whose repetitions had taken so much.
  void succeeded(int taken);

  bool counts() const { return options_.tokens > 0; }
  int tokens() const { return tokens_; }
  int most() const { return options_.tokens; }
  std::uint64_t taken() const { return taken_; }      // repetitions so far
  std::uint64_t refused() const { return refused_; }  // that were not allowed

 private:
  static constexpr std::size_t kCalls = 0;
  static constexpr std::size_t kRepetitions = 1;

  BudgetOptions options_;
  int tokens_;
  Window<2> window_;
  std::uint64_t taken_ = 0;
  std::uint64_t refused_ = 0;
};

// Repeating it loads nobody who is in trouble: the server is well and asks for it (serialization failures,
// deadlocks), or it is a standby and another one is the primary. And the node is gone, but the caller is `excused`:
// another node, not tried yet, takes its place, or the connection was shared and another caller on it pays.
bool repeats_for_free(Error const& failure, bool excused);

}  // namespace moonpool::policy
