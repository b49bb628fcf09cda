#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "wire/connection.hpp"

namespace moonpool::wire {

// One connection used by several operations at once, of one thread or of many: each sends its request behind
// those of the others, and whoever waits at the socket reads for all. Requests stand alone: an error of
// one, or its going before the end, touches no other. Once the connection is lost they all have their
// error.
//
// Threads: any. While it is shared, nobody touches the connection but through this.
class Shared {
 public:
  explicit Shared(Connection& connection);
  ~Shared();
  Shared(Shared const&) = delete;
  Shared& operator=(Shared const&) = delete;

  // As Connection::run_borrowed, for a request of one segment outside a transaction. `told` and the request
  // outlive the operation, and this has the connection until then.
  async::Operation<std::vector<Reply>> run(Request const& request, Asks asks, Told* told,
                                           Deadline deadline);

  bool on_standby() const { return standby_; }
  bool is_open() const { return open_; }
  // Did a statement change what its successors would see? They must not come.
  bool session_changed() const { return changed_; }
  // How long the statement on turn has been running; zero when none is.
  Duration running_for(TimePoint now) const;

 private:
  class Rider;
  struct Bell;

  // All of them REQUIRE the lock.
  void look(bool waited);  // takes the answers that are here
  void read(bool waited);
  void tell(Rider& rider);
  void end_first();
  void call_reader();
  std::unique_ptr<Bell> take_bell();
  void note_state();

  Connection& connection_;
  std::atomic<bool> standby_;
  std::atomic<bool> open_ = true;
  std::atomic<bool> changed_ = false;
  std::atomic<Clock::rep> turn_began_ = 0;  // of the statement on turn; 0: none
  mutable std::mutex mutex_;
  // Guarded by mutex_, as the connection is.
  std::deque<Rider*> riders_;                 // whose answers are owed, in order
  Rider* reader_ = nullptr;                   // waits at the socket
  std::vector<std::unique_ptr<Bell>> bells_;  // at rest
};

}  // namespace moonpool::wire
