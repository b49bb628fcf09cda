#pragma once

#include <span>

#include "async/operation.hpp"

namespace moonpool::async {

// Blocks in poll(2) until the wait is over. Also returns `cancelled` when interrupt() was called
// since this thread's operation began (see InterruptScope).
Wakeup wait_blocking(Wait const& wait);

// Blocks until one of the descriptors is ready or the deadline has passed; what the Waits' own deadlines
// are is not looked at. Sets `ready` where a descriptor is, clears it elsewhere; gives how many are, 0
// when the time has passed, -1 when interrupt() was called. REQUIRES: as many flags as waits.
int wait_for_any(std::span<Wait const> waits, std::span<unsigned char> ready, Deadline deadline);

// Is this thread inside the blocking driver? Then nothing else on it can go on meanwhile.
bool thread_blocks();
// Marks a thread as blocking for as long as it lives; for drivers.
class BlockingScope {
 public:
  BlockingScope();
  ~BlockingScope();
  BlockingScope(BlockingScope const&) = delete;
  BlockingScope& operator=(BlockingScope const&) = delete;
};

// Lets a signal handler end what the current thread waits for: while a scope lives, interrupt() makes
// its waits return `cancelled`, once. Without a living scope interrupt() does nothing. One scope in a
// process at a time (the shell's); a nested one has no effect.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(InterruptScope const&) = delete;
  InterruptScope& operator=(InterruptScope const&) = delete;

 private:
  bool outermost_;
};

// Takes back an interrupt() that no wait has seen: what begins now was not meant by it.
void forget_interrupt() noexcept;

// Async-signal-safe. True when a scope was there to be interrupted.
bool interrupt() noexcept;

// The blocking driver: runs an operation to its end on this thread, gives its value or throws its
// error. Blocks for as long as the operation's own deadlines allow.
template <class T>
T run_blocking(Operation<T> operation) {
  BlockingScope const blocking;
  Stepper<T> stepper(std::move(operation));
  auto wakeup = Wakeup::ready;
  while (!stepper.step(wakeup)) wakeup = wait_blocking(stepper.wait());
  return stepper.take();
}

}  // namespace moonpool::async
