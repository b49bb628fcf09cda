#pragma once

#include <memory>
#include <utility>

#include "base/error.hpp"

namespace moonpool::session {

// One operation at a time on a connection that outlives operations: a transaction's, a pinned session's.
// Whoever holds the turn has it until the end of its life; without a flag to share it is always free.
// Threads: as the session.
class Turn {
 public:
  // Throws Error(transaction) when somebody has it; nothing was sent.
  explicit Turn(std::shared_ptr<bool> taken) : taken_(std::move(taken)) {
    if (!taken_) return;
    if (*taken_) {
      taken_ = nullptr;
      throw Error(ErrorKind::transaction, "another statement is under way on this connection")
          .hint(
              "a transaction and a pinned session run one statement at a time; give each task its "
              "own");
    }
    *taken_ = true;
  }
  ~Turn() {
    if (taken_) *taken_ = false;
  }
  Turn(Turn const&) = delete;
  Turn& operator=(Turn const&) = delete;

 private:
  std::shared_ptr<bool> taken_;
};

}  // namespace moonpool::session
