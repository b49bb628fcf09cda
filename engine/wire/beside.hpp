#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/operation.hpp"

namespace moonpool::wire {

// Runs a call that blocks without a deadline of its own (a name look-up, libpq's cancel) on a thread
// beside and waits for it as an operation. If the deadline passes first the thread is left to end by
// itself; `work` must own everything it touches. Gives true when the work was done in time.
// Throws Error(environment) when no thread can be had.
async::Operation<bool> run_beside(std::function<void()> work, Deadline deadline);

}  // namespace moonpool::wire
