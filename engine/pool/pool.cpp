#include "pool/pool.hpp"

#include <algorithm>

#include "async/drive_blocking.hpp"
#include "base/error.hpp"

namespace moonpool::pool {

using async::Operation;
using async::Wakeup;

namespace {

// Who answered so short a while ago is as alive as a look at the socket could show.
constexpr auto kFresh = std::chrono::microseconds(100);

}  // namespace

// Takes its waiter off the queue whatever ends the wait; a connection that was handed over at that
// very moment goes on to the next in line.
class Pool::Queued {
 public:
  Queued(Pool& pool, Waiter& waiter) : pool_(pool), waiter_(waiter) {}
  Queued(Queued const&) = delete;
  Queued& operator=(Queued const&) = delete;
  ~Queued() {
    std::unique_ptr<Member> unwanted;
    Lease unwanted_seat;
    {
      std::lock_guard const lock(pool_.mutex_);
      if (waiter_.queued) {
        pool_.waiters_.erase(waiter_.place);
        pool_.reserve();
        pool_.board_waiters();
      }
      waiter_.queued = false;
      unwanted = std::move(waiter_.given);
      unwanted_seat = std::move(waiter_.seat);
    }
    if (unwanted) pool_.take_back(std::move(unwanted), Clock::now());
  }

 private:
  Pool& pool_;
  Waiter& waiter_;
};

void Lease::held_by(std::string place) { pool_->name_holder(*member_, std::move(place)); }

void Lease::give_back() noexcept {
  if (carriage_) pool_->alight(std::exchange(carriage_, nullptr), ticket_, alone_, told_);
  if (member_) {
    member_->connection->hear(nullptr);
    pool_->tell_use(*member_);
    auto const now = Clock::now();
    member_->rest(now);
    pool_->take_back(std::move(member_), now);
  }
  pool_.reset();
}

void Lease::discard() noexcept {
  if (carriage_) {
    pool_->leave_to_end(*carriage_);
    give_back();
  }
  if (member_) {
    member_->connection->hear(nullptr);
    pool_->tell_use(*member_);
    pool_->drop(std::move(member_));
  }
  pool_.reset();
}

Operation<std::vector<wire::Reply>> Lease::run_borrowed(wire::Request const& request,
                                                        Deadline deadline) {
  if (carriage_) {
    return carriage_->member->shared->run(request, std::exchange(asks_, {}), &told_, deadline);
  }
  auto& own = connection();
  if (!asks_.ahead.empty()) own.ask_ahead(std::exchange(asks_.ahead, {}));
  if (!asks_.behind.empty()) own.ask_behind(std::exchange(asks_.behind, {}));
  return own.run_borrowed(request, deadline);
}

bool Lease::on_standby() const {
  return carriage_ ? carriage_->member->shared->on_standby() : connection().on_standby();
}

bool Lease::speaks(Error const* error) const {
  if (!carriage_) return true;
  bool const failed = error != nullptr && error->trips_breaker();
  return !carriage_->spoken.exchange(failed) || !failed;
}

std::vector<wire::Notice> const& Lease::notices() const {
  static std::vector<wire::Notice> const none;
  return member_ ? member_->connection->notices() : none;
}

void Lease::hear(std::function<void(wire::Notice const&)> listener) {
  if (member_) member_->connection->hear(std::move(listener));
}

bool Lease::is_open() const {
  return carriage_ ? carriage_->member->shared->is_open() : connection().is_open();
}

std::shared_ptr<Pool> Pool::make(std::string name, wire::Conninfo info, PoolOptions options,
                                 async::Loop& keeper) {
  return std::shared_ptr<Pool>(new Pool(std::move(name), std::move(info), options, keeper));
}

Pool::Pool(std::string name, wire::Conninfo info, PoolOptions options, async::Loop& keeper)
    : name_(std::move(name)), info_(std::move(info)), options_(options), keeper_(keeper) {}

Pool::~Pool() = default;

bool Pool::is_expired(Member const& member, TimePoint now) const {
  return member.generation != generation_ || now >= member.expires;
}

Error Pool::exhausted() const {
  std::string message = "no connection to " + name_ +
                        " became free in time: " + std::to_string(counts_.busy) + " of " +
                        std::to_string(options_.max) + " are in use, " +
                        std::to_string(waiters_.size()) + " callers wait";
  if (last_failure_)
    message += "; the last attempt to open one failed: " + last_failure_->message();
  return Error(ErrorKind::pool_timeout, std::move(message))
      .at(Phase::acquire, Outcome::not_sent)
      .on_node(name_)
      .hint("raise pool.max, hold connections for shorter, or raise pool.acquire_timeout");
}

// The most recently used one, counted as busy. REQUIRES: the lock.
std::unique_ptr<Member> Pool::pop_idle() {
  if (idle_.empty()) return nullptr;
  auto member = std::move(idle_.back());
  idle_.pop_back();
  ++counts_.busy;
  return member;
}

// Only a thread that blocks can: a coroutine that waits lets the holders go on. REQUIRES: the lock.
bool Pool::waits_for_itself() const {
  if (!async::thread_blocks() || busy_.size() < options_.max) return false;
  return std::ranges::all_of(busy_, [me = std::this_thread::get_id()](Member const* member) {
    return member->thread == me;
  });
}

void Pool::lend(Member* member, TimePoint now) {
  if (now - member->idle_since > options_.verify_after) member->connection->ride_ahead("");
  member->leased_at = now;
  member->round_trips = member->connection->round_trips();
  member->thread = std::this_thread::get_id();
  member->holder.clear();
  member->leak_told = false;
  member->drain_first = false;
  busy_.push_back(member);
}

Lease Pool::give(std::unique_ptr<Member> member, std::optional<Ticket> const& ticket) {
  if (ticket && options_.share_depth > 1) return begin_carriage(std::move(member), *ticket);
  return Lease(shared_from_this(), std::move(member));
}

void Pool::name_holder(Member& member, std::string place) {
  std::lock_guard const lock(mutex_);
  member.holder = std::move(place);
}

void Pool::tell_use(Member const& member) const {
  if (observe::wants(options_.hub, observe::Kind::use)) {
    tell(observe::Kind::use, member.leased_at, {}, nullptr);
  }
}

// A seat, or an idle connection, which is looked at without the lock: the last one that was used is there first.
// Nothing where the caller would have to wait, and when the pool is closed.
std::optional<Lease> Pool::take_free(std::unique_lock<std::mutex>& lock,
                                     std::optional<Ticket> const& ticket) {
  for (;;) {
    bool const shares = ticket && !must_be_alone(*ticket);
    if (shares && first_rider() == waiters_.end()) {
      if (auto carriage = find_seat()) return seat(std::move(carriage), *ticket);
    }
    // Whoever waits already comes first.
    auto member = waiters_.empty() && !closed_ ? pop_idle() : nullptr;
    if (!member) return std::nullopt;
    auto const now = Clock::now();
    bool const expired = is_expired(*member, now);
    if (!expired) {
      ++counts_.acquired;
      lend(member.get(), now);
    }
    lock.unlock();
    bool const fresh = now - member->heard < kFresh;
    if (!expired && (fresh || member->connection->poll_alive())) {
      if (ticket) lock.lock();
      return give(std::move(member), ticket);
    }
    drop(std::move(member));
    if (!expired) sweep_idle();
    lock.lock();
  }
}

std::optional<Lease> Pool::acquire_now(std::optional<Ticket> const& ticket) {
  std::unique_lock lock(mutex_);
  return take_free(lock, ticket);
}

Operation<Lease> Pool::acquire(Deadline deadline, std::optional<Ticket> ticket, bool elsewhere) {
  auto const self = shared_from_this();
  std::optional<Waiter> waiter;
  {
    std::unique_lock lock(mutex_);
    if (auto lease = take_free(lock, ticket)) co_return std::move(*lease);
    if (closed_) {
      throw Error(ErrorKind::cluster_closed, "the pool of " + name_ + " is closed")
          .at(Phase::acquire, Outcome::not_sent);
    }
    if (waiters_.size() >= options_.waiters_limit()) {
      throw Error(ErrorKind::pool_overloaded, std::to_string(waiters_.size()) +
                                                  " callers wait for a connection to " + name_ +
                                                  " already")
          .at(Phase::acquire, Outcome::not_sent)
          .on_node(name_);
    }
    if (waits_for_itself()) {
      throw Error(ErrorKind::self_deadlock,
                  "this thread holds all " + std::to_string(options_.max) + " connections to " +
                      name_ + " itself and would wait for ever for one more")
          .at(Phase::acquire, Outcome::not_sent)
          .on_node(name_)
          .hint("inside a transaction use its own handle, not the database's; or raise pool.max");
    }
    waiter.emplace();
    if (ticket && !must_be_alone(*ticket)) waiter->ticket = ticket;
    waiter->elsewhere = elsewhere;
    waiter->place = waiters_.insert(waiters_.end(), &*waiter);
    waiter->queued = true;
    reserve();
    grow(lock);
    // Its coming has started an attempt; who comes later will see what became of it. An old failure is no news of
    // the server.
    if (elsewhere && last_failure_) {
      Error known(ErrorKind::circuit_open,
                  "no connection to " + name_ + " could be opened: " + last_failure_->message());
      fail_waiters(known.at(Phase::acquire, Outcome::not_sent).on_node(name_), true);
    }
  }

  Queued const queued(*this, *waiter);
  auto const limit = deadline.earlier_in(options_.acquire_timeout);
  for (;;) {
    auto waiting = waiter->signal.wait(limit);
    auto const wakeup = co_await std::move(waiting);
    std::unique_lock lock(mutex_);
    if (waiter->seat) co_return std::move(waiter->seat);
    if (waiter->given) {
      auto member = std::move(waiter->given);
      // A connection may have died in its last user's hands: then one that became idle meanwhile.
      while (member) {
        lock.unlock();
        bool const alive = member->connection->poll_alive();
        if (alive) {
          lock.lock();
          ++counts_.acquired;
          lend(member.get(), Clock::now());
          co_return give(std::move(member), ticket);
        }
        drop(std::move(member));
        lock.lock();
        member = closed_ ? nullptr : pop_idle();
      }
      if (closed_) {
        throw Error(ErrorKind::cluster_closed, "the pool of " + name_ + " was closed")
            .at(Phase::acquire, Outcome::not_sent);
      }
      // There is none: this caller keeps its place at the head of the line.
      waiter->place = waiters_.insert(waiters_.begin(), &*waiter);
      waiter->queued = true;
      reserve();
      grow(lock);
      continue;
    }
    if (waiter->failure) throw Error(*waiter->failure);
    if (wakeup == Wakeup::cancelled) {
      throw Error(ErrorKind::cancelled, "cancelled while waiting for a connection to " + name_)
          .at(Phase::acquire, Outcome::not_sent);
    }
    if (wakeup == Wakeup::timed_out) {
      ++counts_.timeouts;
      auto error = exhausted();
      if (limit.at() == deadline.at()) error.as(ErrorKind::timeout, error.message());
      throw error;
    }
  }
}

// Puts a connection in step to use: to the first in line, else to the idle ones.
// REQUIRES: it counts as busy and the lock is not held.
void Pool::pass_on(std::unique_ptr<Member> member, TimePoint now) {
  std::unique_lock lock(mutex_);
  if (closed_ || is_expired(*member, now)) {
    lock.unlock();
    drop(std::move(member));
    return;
  }
  std::erase(busy_, member.get());
  if (!waiters_.empty()) {
    auto* const first = waiters_.front();
    waiters_.pop_front();
    first->queued = false;
    first->given = std::move(member);
    first->signal.set();
    reserve();
    board_waiters();
    return;
  }
  --counts_.busy;
  idle_.push_back(std::move(member));
}

// The server's own transaction status decides, never a counter of ours.
void Pool::take_back(std::unique_ptr<Member> member, TimePoint now) {
  auto& connection = *member->connection;
  if (!connection.is_open()) {
    drop(std::move(member));
    return;
  }
  if (!connection.usable() || connection.transaction_state() != wire::TransactionState::idle) {
    {
      std::lock_guard const lock(mutex_);
      std::erase(busy_, member.get());
      --counts_.busy;
      ++counts_.closing;
    }
    keeper_.spawn(recover(shared_from_this(), std::move(member)));
    return;
  }
  if (connection.session_changed()) {
    connection.ride_ahead("DISCARD ALL");
    connection.session_restored();
  }
  pass_on(std::move(member), now);
}

// Closes a busy connection; its place is free only once the socket is closed.
void Pool::drop(std::unique_ptr<Member> member) {
  {
    std::lock_guard const lock(mutex_);
    std::erase(busy_, member.get());
    --counts_.busy;
    ++counts_.closing;
  }
  close_member(std::move(member));
}

// REQUIRES: it counts as closing and the lock is not held.
void Pool::close_member(std::unique_ptr<Member> member) {
  member.reset();
  std::unique_lock lock(mutex_);
  --counts_.closing;
  ++counts_.closed;
  grow(lock);
}

// One connection was dead, so its neighbours are looked at before anybody is given one of them.
void Pool::sweep_idle() {
  std::vector<std::unique_ptr<Member>> dead;
  {
    std::lock_guard const lock(mutex_);
    for (auto& member : idle_) {
      if (!member->connection->poll_alive()) dead.push_back(std::move(member));
    }
    std::erase(idle_, nullptr);
    counts_.closing += dead.size();
  }
  for (auto& member : dead) close_member(std::move(member));
}

// REQUIRES: the lock.
void Pool::fail_waiters(Error const& error, bool only_elsewhere) {
  std::erase_if(waiters_, [&](Waiter* waiter) {
    if (only_elsewhere && !waiter->elsewhere) return false;
    waiter->queued = false;
    waiter->failure = error;
    waiter->signal.set();
    return true;
  });
  reserve();
  board_waiters();
}

void Pool::recycle() {
  std::vector<std::unique_ptr<Member>> old;
  {
    std::lock_guard const lock(mutex_);
    ++generation_;
    old.swap(idle_);
    counts_.closing += old.size();
  }
  for (auto& member : old) close_member(std::move(member));
}

void Pool::sever() {
  {
    std::lock_guard const lock(mutex_);
    for (auto const* member : busy_) member->connection->reach()->cut();
    fail_waiters(Error(ErrorKind::connection, name_ + " was given up")
                     .at(Phase::acquire, Outcome::not_sent)
                     .on_node(name_));
  }
  recycle();
}

void Pool::close() {
  std::vector<std::unique_ptr<Member>> idle;
  {
    std::lock_guard const lock(mutex_);
    closed_ = true;
    idle.swap(idle_);
    counts_.closing += idle.size();
    fail_waiters(Error(ErrorKind::cluster_closed, "the pool of " + name_ + " was closed")
                     .at(Phase::acquire, Outcome::not_sent));
  }
  for (auto& member : idle) close_member(std::move(member));
}

namespace {

Operation<void> cancel_beside(std::shared_ptr<wire::Reach const> reach) {
  auto cancelling = wire::Reach::cancel(std::move(reach), Deadline::in(std::chrono::seconds(5)));
  co_await std::move(cancelling);
}

}  // namespace

void Pool::cancel_leases() {
  std::lock_guard const lock(mutex_);
  for (auto const* member : busy_) {
    if (member->may_cancel) keeper_.spawn(cancel_beside(member->connection->reach()));
  }
}

void Pool::cut_leases() {
  std::lock_guard const lock(mutex_);
  for (auto const* member : busy_) member->connection->reach()->cut();
}

std::vector<std::shared_ptr<wire::Reach const>> Pool::awaited() const {
  std::vector<std::shared_ptr<wire::Reach const>> out;
  std::lock_guard const lock(mutex_);
  for (auto const* member : busy_) {
    auto const& reach = member->connection->reach();
    if (reach->awaited()) out.push_back(reach);
  }
  return out;
}

bool Pool::is_closed() const {
  std::lock_guard const lock(mutex_);
  return closed_;
}

bool Pool::is_empty() const {
  std::lock_guard const lock(mutex_);
  return counts_.busy + counts_.connecting + counts_.closing == 0;
}

PoolStats Pool::stats() const {
  std::lock_guard const lock(mutex_);
  auto stats = counts_;
  stats.max = options_.max;
  stats.idle = idle_.size();
  stats.waiting = waiters_.size();
  for (auto const& carriage : carriages_) stats.riding += carriage->riders - 1;
  return stats;
}

}  // namespace moonpool::pool
