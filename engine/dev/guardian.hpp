#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/time.hpp"
#include "dev/descriptor.hpp"

namespace moonpool::dev {

// A small shell process in a session of its own that outlives us by a moment. It holds the other
// end of a socket pair: when that end closes (we are done, we crashed, somebody killed us with
// SIGKILL), it stops every process that was announced on it and is still at work in `folder`, and
// clears away.
//
// Processes announce themselves (SpawnRequest::announce) before they exec and hold the socket until
// then, so there is no moment at which one runs that the guardian does not know of.
class Guardian {
 public:
  enum class Task {
    remove,  // stops the processes, removes the folder, the lock beside it (FOLDER.lock), and the parent if empty
    undo_start,  // stops the processes, removes half-built data folders (NAME.new) only
  };

  // `lock`: a locked descriptor that the guardian keeps open for its whole life (-1: none).
  // Throws Error(environment).
  Guardian(std::filesystem::path const& folder, Task task, int lock);
  // Lets it do its task without waiting for it. In a forked copy of the process that made it:
  // nothing.
  ~Guardian();
  Guardian(Guardian const&) = delete;
  Guardian& operator=(Guardian const&) = delete;

  int announce_socket() const { return socket_.get(); }

  // Its task is not needed any more; the announced processes live on.
  void release() noexcept;

  // Lets it do its task and waits until that is done. False: it did not say so in time, or was
  // killed; whoever calls has to clear away then.
  bool finish(Deadline deadline) noexcept;

 private:
  bool wait_for_end(Deadline deadline) noexcept;

  Descriptor socket_;
  pid_t owner_;
  pid_t pid_ = 0;
};

}  // namespace moonpool::dev
