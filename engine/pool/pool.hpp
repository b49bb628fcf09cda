#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "async/loop.hpp"
#include "async/operation.hpp"
#include "async/signal.hpp"
#include "pool/carriage.hpp"
#include "pool/lease.hpp"
#include "pool/options.hpp"
#include "wire/conninfo.hpp"

namespace moonpool::pool {

// How many connections are in which state, and what happened so far.
struct PoolStats {
  std::size_t max = 0;
  std::size_t idle = 0;
  std::size_t busy = 0;
  std::size_t connecting = 0;
  std::size_t closing = 0;  // being brought back in step, or closed
  std::size_t waiting = 0;  // callers
  std::size_t riding = 0;   // callers that use a connection together with another
  std::uint64_t acquired = 0;
  std::uint64_t rides = 0;  // of them: on a connection that was in use
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
  std::uint64_t connect_failures = 0;
  std::uint64_t timeouts = 0;  // callers that gave up waiting
  std::uint64_t leases_over_threshold = 0;
};

// Connections to one server for one purpose. The only door between threads: everything public may be
// called from any thread. Connections are opened by the keeper's loop, never by the borrower.
//
// Invariants: idle + busy + connecting + closing <= max; while somebody waits nothing is idle;
// waiters are served in the order they came, but that who may share a connection does not wait for who may
// not: for each of those a shared connection takes nobody in any more.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  // `name` is the node's, for errors. `keeper` must outlive the pool.
  static std::shared_ptr<Pool> make(std::string name, wire::Conninfo info, PoolOptions options,
                                    async::Loop& keeper);
  ~Pool();
  Pool(Pool const&) = delete;
  Pool& operator=(Pool const&) = delete;

  // A connection that was alive a moment ago, within acquire_timeout and the deadline. Throws Error:
  // pool_timeout, pool_overloaded, cluster_closed, connection (nothing could be opened), timeout
  // (the caller's own deadline passed first), self_deadlock (this thread would block, and holds every
  // connection itself). All of them: nothing was sent.
  // With a ticket it may be a seat: a connection that others use too, or will. `elsewhere`: the caller has
  // another server to go to, so where the last attempt to open a connection failed it is told why at once; the
  // next attempt is made all the same.
  async::Operation<Lease> acquire(Deadline deadline, std::optional<Ticket> ticket = std::nullopt,
                                  bool elsewhere = false);
  // The same where nobody has to wait for it; nullopt: acquire() would wait, or throw.
  std::optional<Lease> acquire_now(std::optional<Ticket> const& ticket);

  // A connection like the pool's that is none of its own: not counted, not kept, the caller's. Throws
  // Error.
  async::Operation<std::unique_ptr<wire::Connection>> open_apart(Deadline deadline);

  // Opens `min` connections and keeps the pool in shape until it is closed. Call once.
  void start();
  // Connections opened before now are not used again (the server changed its role or address).
  void recycle();
  // Breaks the connections that are lent out: what runs on them ends at once, as when the network breaks,
  // instead of waiting for a server that will not answer. Waiters fail with it (connection, not_sent), and
  // no connection of before is used again: recycle().
  void sever();
  // No new leases, waiters fail, idle connections are closed. Leases out there end as they end.
  void close();
  bool is_empty() const;  // nothing busy, connecting or closing
  // After close(), for leases that have had their time: has the server cancel what runs on them, but no
  // COMMIT; and ends their connections, whatever they are doing.
  void cancel_leases();
  void cut_leases();

  // The connections that are lent out and whose holders wait for the server to speak.
  std::vector<std::shared_ptr<wire::Reach const>> awaited() const;

  PoolStats stats() const;
  std::string const& name() const { return name_; }

 private:
  friend class Lease;
  // A caller in the queue. Whoever hands over sets `given`, `seat` or `failure` under the pool's lock, takes
  // the waiter off the list and sets the signal.
  struct Waiter {
    async::Signal signal;
    std::optional<Ticket> ticket;  // a seat will do
    bool elsewhere = false;        // it need not wait for what cannot be opened
    std::unique_ptr<Member> given;
    Lease seat;
    std::optional<Error> failure;
    std::list<Waiter*>::iterator place;
    bool queued = false;
  };
  class Queued;

  Pool(std::string name, wire::Conninfo info, PoolOptions options, async::Loop& keeper);

  // Called by leases.
  void take_back(std::unique_ptr<Member> member, TimePoint now);
  void drop(std::unique_ptr<Member> member);

  void tell_use(Member const& member) const;
  // Sharing, see share.cpp.
  void alight(std::shared_ptr<Carriage> carriage, Ticket const& ticket, bool alone,
              wire::Told const& told) noexcept;
  void leave_to_end(Carriage& carriage);
  // These REQUIRE the lock.
  std::unique_ptr<Member> pop_idle();
  void lend(Member* member, TimePoint now);
  Lease give(std::unique_ptr<Member> member, std::optional<Ticket> const& ticket);
  std::optional<Lease> take_free(std::unique_lock<std::mutex>& lock,
                                 std::optional<Ticket> const& ticket);
  Lease begin_carriage(std::unique_ptr<Member> member, Ticket const& ticket);
  bool must_be_alone(Ticket const& ticket) const;
  std::list<Waiter*>::iterator first_rider();
  std::shared_ptr<Carriage> find_seat() const;
  Lease seat(std::shared_ptr<Carriage> carriage, Ticket const& ticket);
  void reserve();
  void board_waiters();

  void name_holder(Member& member, std::string place);
  bool waits_for_itself() const;
  void warn_of_leaks();
  void sweep_idle();
  void pass_on(std::unique_ptr<Member> member, TimePoint now);
  void close_member(std::unique_ptr<Member> member);
  void grow(std::unique_lock<std::mutex>& lock);
  void fail_waiters(Error const& error, bool only_elsewhere = false);
  bool is_expired(Member const& member, TimePoint now) const;
  bool is_closed() const;
  Error exhausted() const;

  // Run by the keeper.
  async::Operation<void> open_one(std::shared_ptr<Pool> self, Deadline not_before,
                                  std::uint64_t generation);
  async::Operation<void> recover(std::shared_ptr<Pool> self, std::unique_ptr<Member> member);
  async::Operation<void> maintain(std::weak_ptr<Pool> weak);
  async::Operation<void> keep_alive(std::shared_ptr<Pool> self, std::unique_ptr<Member> member);
  Deadline next_cancel();
  void tell(observe::Kind kind, TimePoint since, std::string_view became, Error const* error) const;
  void opened(std::unique_ptr<wire::Connection> connection, std::uint64_t generation);
  void open_failed(Error const& error);

  // Constant after construction.
  std::string const name_;
  wire::Conninfo const info_;
  PoolOptions const options_;
  async::Loop& keeper_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::unique_ptr<Member>> idle_;         // the last one was used last
  std::vector<Member*> busy_;                         // leased out
  std::list<Waiter*> waiters_;                        // the first one has waited longest
  std::vector<std::shared_ptr<Carriage>> carriages_;  // connections in use by who may share them
  Pace pace_;
  PoolStats counts_;  // idle and waiting are filled in by stats()
  std::uint64_t generation_ = 0;
  TimePoint next_cancel_{};
  int failures_in_a_row_ = 0;
  std::optional<Error> last_failure_;
  bool closed_ = false;
};

}  // namespace moonpool::pool
