#pragma once

#include <mutex>

#include "policy/position.hpp"

namespace moonpool::session {

// What a session has written, shared by its handles: its later reads must see that. Threads: any.
class Memory {
 public:
  // Up to where a node must have the changes. `certain` is false after a write of which it is not known
  // where, or whether, it was committed: until the next one that is known, only the primary will do.
  struct Seen {
    policy::Position position;
    bool certain = true;
  };

  Seen seen() const {
    std::lock_guard const lock(mutex_);
    return seen_;
  }
  void remember(policy::Position const& position) {
    std::lock_guard const lock(mutex_);
    seen_ = {policy::later(seen_.position, position), true};
  }
  // Somebody else's: what this session is uncertain of, it stays uncertain of.
  void learn(policy::Position const& position) {
    std::lock_guard const lock(mutex_);
    seen_.position = policy::later(seen_.position, position);
  }
  void forget_where() {
    std::lock_guard const lock(mutex_);
    seen_.certain = false;
  }

 private:
  mutable std::mutex mutex_;
  Seen seen_;  // guarded by mutex_
};

}  // namespace moonpool::session
