#pragma once

#include "async/operation.hpp"

namespace moonpool::async {

// One thread tells another operation that something happened: an eventfd. Setting it before the wait
// begins is not lost. Threads: set() from any thread; waiting from one operation at a time.
class Signal {
 public:
  // Throws Error(environment) when the process is out of descriptors.
  Signal();
  ~Signal();
  Signal(Signal const&) = delete;
  Signal& operator=(Signal const&) = delete;

  void set() noexcept;
  // Takes the signal back; true when it was set.
  bool clear() noexcept;
  int fd() const noexcept { return fd_; }

  // Until set() or the deadline; clears the signal when it was set.
  Operation<Wakeup> wait(Deadline deadline);

 private:
  int fd_;
};

// Does nothing until the moment comes; ends early only when the driver cancels.
Operation<Wakeup> sleep_until(Deadline deadline);

}  // namespace moonpool::async
