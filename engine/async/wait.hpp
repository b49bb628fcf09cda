#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace moonpool::async {

enum class Interest : std::uint8_t { none = 0, read = 1, write = 2, read_write = 3 };

// The one thing an operation ever waits for: a file descriptor becoming ready, or a moment. With
// Interest::none it is a plain sleep until the deadline.
struct Wait {
  int fd = -1;
  Interest interest = Interest::none;
  Deadline deadline;
};

// What a driver tells the operation that it resumes.
enum class Wakeup : std::uint8_t {
  ready,      // the descriptor is ready, or has an error to be read from it
  timed_out,  // the deadline of the Wait passed
  cancelled,  // whoever drives the operation wants it to end; it may still wait to clean up
};

}  // namespace moonpool::async
