#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "wire/connection.hpp"
#include "wire/shared.hpp"

namespace moonpool::pool {

class Pool;
struct Carriage;

// A connection as the pool keeps it.
struct Member {
  std::unique_ptr<wire::Connection> connection;
  std::unique_ptr<wire::Shared> shared;  // once somebody came who may share it
  TimePoint expires;                     // fixed when it was opened
  TimePoint idle_since;
  TimePoint heard;                      // when the server last answered on it
  std::uint64_t generation = 0;         // of the pool when it was opened
  std::atomic<bool> may_cancel = true;  // false while a COMMIT is in flight
  bool drain_first = false;             // left in mid-stream: the rest may be short
  // Of the present lease.
  TimePoint leased_at;
  std::uint64_t round_trips = 0;  // of the connection, when it began
  std::thread::id thread;
  std::string holder;
  std::atomic<bool> leak_told = false;  // set by the holder and by the keeper

  // The lease is over.
  void rest(TimePoint now) {
    idle_since = now;
    if (connection->round_trips() != round_trips) heard = now;
  }
};

// Leave to use a connection together with others, for one statement that stands alone.
struct Ticket {
  std::size_t key = 0;  // of its text: see Pace
};

// A borrowed connection, or a seat on one. Dropped in step, it goes back to the pool; dropped mid-flight or inside a
// transaction, the keeper brings it back in step or closes it, and its place stays taken meanwhile.
// A seat is given up without a word to the server: what is owed is read by those who stay.
// Move-only. Used by one operation at a time.
class Lease {
 public:
  Lease() = default;
  Lease(std::shared_ptr<Pool> pool, std::unique_ptr<Member> member)
      : pool_(std::move(pool)), member_(std::move(member)) {}
  Lease(std::shared_ptr<Pool> pool, std::shared_ptr<Carriage> carriage, Ticket ticket, bool alone)
      : pool_(std::move(pool)), carriage_(std::move(carriage)), ticket_(ticket), alone_(alone) {}
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      give_back();
      pool_ = std::move(other.pool_);
      member_ = std::move(other.member_);
      carriage_ = std::move(other.carriage_);
      ticket_ = other.ticket_;
      alone_ = other.alone_;
      asks_ = std::move(other.asks_);
      told_ = std::move(other.told_);
    }
    return *this;
  }
  Lease(Lease const&) = delete;
  Lease& operator=(Lease const&) = delete;
  ~Lease() { give_back(); }

  explicit operator bool() const { return member_ != nullptr || carriage_ != nullptr; }
  // May others use the connection too? Then there is only what follows here.
  bool is_seat() const { return carriage_ != nullptr; }

  // See Connection.
  async::Operation<std::vector<wire::Reply>> run_borrowed(wire::Request const& request,
                                                          Deadline deadline);
  void ask_ahead(std::string_view sql) { asks_.ahead = sql; }
  void ask_behind(std::string_view sql) { asks_.behind = sql; }
  std::optional<std::string> const& told_ahead() const {
    return is_seat() ? told_.ahead : member_->connection->told_ahead();
  }
  std::optional<std::string> const& told_behind() const {
    return is_seat() ? told_.behind : member_->connection->told_behind();
  }
  bool on_standby() const;
  bool is_open() const;
  // Of many whose work failed with one connection, one speaks of it to the breaker: is it this one? A success
  // begins anew.
  bool speaks(Error const* error) const;

  // What the server said beside its answers to the last request. Nothing of a seat: nobody knows whom it was for.
  std::vector<wire::Notice> const& notices() const;

  // The listener of its connection, until the lease ends (see Connection). Nothing on a seat.
  void hear(std::function<void(wire::Notice const&)> listener);

  // REQUIRES: not a seat.
  wire::Connection& connection() const { return *member_->connection; }
  wire::Connection* operator->() const { return member_->connection.get(); }
  // While a COMMIT is in flight a cancel could make it acknowledge what was not replicated.
  void forbid_cancel() { member_->may_cancel = false; }
  void allow_cancel() { member_->may_cancel = true; }

  // Who has it, for the warning about leases that are never given back: "report.lua:12".
  void held_by(std::string place);
  // From here on the server sends as it is read: should the lease be dropped in the middle, the rest is
  // read for a moment before the server is told to cancel.
  void drain_first() { member_->drain_first = true; }
  // Held for long on purpose: the warning about leaks leaves this lease alone.
  void keep_long() { member_->leak_told = true; }

  void give_back() noexcept;
  // Closes the connection instead of returning it.
  void discard() noexcept;

 private:
  std::shared_ptr<Pool> pool_;
  // One of the two.
  std::unique_ptr<Member> member_;
  std::shared_ptr<Carriage> carriage_;
  Ticket ticket_;
  bool alone_ = false;
  wire::Asks asks_;
  wire::Told told_;
};

}  // namespace moonpool::pool
