#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "async/operation.hpp"
#include "async/signal.hpp"

namespace moonpool::async {

// Drives any number of background operations on one thread: the driver of a cluster's keeper. A host
// that has an event loop can run it there by poll_once() instead of run().
//
// Threads: spawn() and stop() from any thread; run() and poll_once() from one thread at a time.
class Loop {
 public:
  Loop();
  // Destroys every operation where it stands. REQUIRES: nobody runs it.
  ~Loop();
  Loop(Loop const&) = delete;
  Loop& operator=(Loop const&) = delete;

  // Starts the operation at the loop's next turn. It must handle its own errors: one that escapes is
  // dropped. After stop() it is destroyed without being started.
  void spawn(Operation<void> operation);

  // Until stop(): then every operation is destroyed where it stands, and run() returns.
  void run();

  // One turn: takes in new operations, waits at most until `deadline`, runs what is ready.
  void poll_once(Deadline deadline);

  void stop();

 private:
  struct Inbox;
  using Task = Stepper<void>;
  void take_inbox();
  std::vector<std::unique_ptr<Task>> tasks_;  // touched by the running thread only
  std::unique_ptr<Inbox> inbox_;              // own synchronization
};

}  // namespace moonpool::async
