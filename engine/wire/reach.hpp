#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "async/operation.hpp"
#include "base/time.hpp"
#include "wire/pq.hpp"

namespace moonpool::wire {

// What others can do to a connection while its holder uses it. Made with the connection, and outlives it
// where somebody still needs it. Threads: any.
class Reach {
 public:
  explicit Reach(pg_conn* connection);
  ~Reach();
  Reach(Reach const&) = delete;
  Reach& operator=(Reach const&) = delete;

  // Asks the server to cancel what runs, on a thread beside, and waits until the request was delivered:
  // false when it was not.
  static async::Operation<bool> cancel(std::shared_ptr<Reach const> reach, Deadline deadline);

  // Ends the conversation in both directions at once: who waits for an answer sees the connection lost,
  // and the server ends the session as soon as it looks.
  void cut() const noexcept;

  // The holder's word: something went over it, or came; somebody waits for the server to speak, or nobody does.
  void stir() const noexcept {
    beats_.store(beats_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void await(bool waiting) const noexcept { waiting_.store(waiting, std::memory_order_relaxed); }
  // What others see of it: while somebody waits and the beats stand still, nothing has come.
  std::uint64_t beats() const noexcept { return beats_.load(std::memory_order_relaxed); }
  bool awaited() const noexcept { return waiting_.load(std::memory_order_relaxed); }
  // Has something come that its holder did not fetch yet?
  bool has_unread() const noexcept;
  int pid() const noexcept { return pid_; }
  TimePoint opened() const noexcept { return opened_; }

 private:
  pq::Canceller const canceller_;
  int const socket_;  // of our own, because libpq closes its own when it likes
  int const pid_;
  TimePoint const opened_ = Clock::now();
  mutable std::atomic<std::uint64_t> beats_{0};
  mutable std::atomic<bool> waiting_{false};
};

}  // namespace moonpool::wire
