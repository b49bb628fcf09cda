#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace moonpool::async {

enum class Interest : std::uint8_t { none = 0, read = 1, write = 2, read_write = 3 };

// A wait that somebody else may bring to its end: of several operations that use one descriptor, one reads
// for all. Who reads is settled among those whose drivers wait at that moment, so a thread that does something
// else holds nobody up. Threads: begin() to end() from the driver's.
class SharedWait {
 public:
  // What the driver polls. Both may be -1: then another wait of the same driver reads for this one.
  struct Watch {
    int fd = -1;
    Interest interest = Interest::none;
    int bell = -1;  // readable when somebody else has news
  };

  virtual ~SharedWait() = default;
  // The driver is about to wait. False: it is over already, and end() is not called.
  virtual bool begin(Watch& watch) = 0;
  // The driver waits no longer: does what falls to this one. `ready`: the descriptor is. Other waits of the
  // same driver may be over afterwards.
  virtual void end(bool ready) = 0;
  virtual bool is_over() const = 0;
  // For loops that know descriptors only: begins the wait with one that is readable when the operation should
  // be stepped. It is valid until then; before that step, end(true).
  virtual int descriptor() = 0;
};

// The one thing an operation ever waits for: a file descriptor becoming ready, or a moment. With
// Interest::none it is a plain sleep until the deadline; with `shared`, that decides.
struct Wait {
  int fd = -1;
  Interest interest = Interest::none;
  Deadline deadline;
  SharedWait* shared = nullptr;
};

// What a driver tells the operation that it resumes.
enum class Wakeup : std::uint8_t {
  ready,      // the descriptor is ready, or has an error to be read from it
  timed_out,  // the deadline of the Wait passed
  cancelled,  // whoever drives the operation wants it to end; it may still wait to clean up
};

}  // namespace moonpool::async
