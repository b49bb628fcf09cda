#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "base/time.hpp"

namespace moonpool::policy {

// How a call whose work can be repeated without the risk of running twice is repeated.
struct RetryOptions {
  // Attempts in all, the first one included. Default 4; 1 never repeats.
  int attempts = 4;
  // The pause before attempt n+1 is a random part of min(cap, base · 2^(n-1)) (full jitter), so callers
  // that failed together do not come back together. Defaults 20 ms and 1 s.
  Duration base = std::chrono::milliseconds(20);
  Duration cap = std::chrono::seconds(1);
};

// What is known of the work that failed.
enum class Work : std::uint8_t {
  once,        // a write: repeated only when nothing happened
  repeatable,  // a read, or declared idempotent: repeated also when the answer was lost
};

// May this failure of this work be followed by another attempt at all? Pure.
bool may_repeat(Error const& error, Work work);
// And is there one left? `attempt` is the number of the one that failed, from 1.
bool may_retry(Error const& error, Work work, int attempt, RetryOptions const& options);

// The pause after attempt number `attempt`; `random` is in [0, 1). Never negative, never past cap.
Duration retry_pause(int attempt, double random, RetryOptions const& options);

}  // namespace moonpool::policy
