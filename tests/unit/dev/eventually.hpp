// Waiting in tests, with an end.
#pragma once

#include <thread>

#include "base/time.hpp"

namespace moonpool::test {

// Does `condition` come true in time?
template <class Condition>
bool eventually(Condition condition, Duration limit = std::chrono::seconds(20)) {
  auto const deadline = Deadline::in(limit);
  while (!condition()) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace moonpool::test
