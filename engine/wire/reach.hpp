#pragma once

#include <memory>

#include "async/operation.hpp"
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

 private:
  pq::Canceller const canceller_;
  int const socket_;  // of our own, because libpq closes its own when it likes
};

}  // namespace moonpool::wire
