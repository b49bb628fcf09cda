// The pool's work in the background: opening, bringing back in step, closing what is old.
#include <algorithm>
#include <utility>
#include "base/error.hpp"
#include "observe/log.hpp"
#include "policy/random.hpp"
#include "policy/retry.hpp"
#include "pool/pool.hpp"

namespace moonpool::pool {

using async::Operation;

namespace {

Duration fraction(Duration whole, double part) {
  return std::chrono::duration_cast<Duration>(whole * part);
}

constexpr auto kGrace = std::chrono::milliseconds(30);

// Full jitter, 10 ms doubling to 5 s.
Duration pause_after(int failures) {
  if (failures == 0) return Duration::zero();
  static constexpr policy::RetryOptions kBackoff{.base = std::chrono::milliseconds(20),
                                                 .cap = std::chrono::seconds(5)};
  return policy::retry_pause(failures, policy::random_unit(), kBackoff);
}

}  // namespace

// Starts as many connects as the waiters and `min` ask for and the limits allow.
void Pool::grow(std::unique_lock<std::mutex>& lock) {
  (void)lock;
  if (closed_) return;
  for (;;) {
    auto const total = idle_.size() + counts_.busy + counts_.connecting + counts_.closing;
    bool const wanted = waiters_.size() > counts_.connecting || total < options_.min;
    if (!wanted || total >= options_.max || counts_.connecting >= options_.connecting_limit) return;
    ++counts_.connecting;
    auto const pause = pause_after(failures_in_a_row_);
    keeper_.spawn(open_one(shared_from_this(), Deadline::in(pause), generation_));
  }
}

Operation<void> Pool::open_one([[maybe_unused]] std::shared_ptr<Pool> self, Deadline not_before,
                               std::uint64_t generation) {
  std::unique_ptr<wire::Connection> connection;
  std::optional<Error> failure;
  auto begun = Clock::now();
  try {
    if (!not_before.passed()) {
      auto sleeping = async::sleep_until(not_before);
      co_await std::move(sleeping);
      begun = Clock::now();
    }
    wire::Connection::Options options;
    options.statement_cache = options_.statement_cache;
    auto opening = wire::Connection::open(info_, options, Deadline::in(options_.connect_timeout));
    connection = co_await std::move(opening);
  } catch (Error const& error) {
    failure = error;
  } catch (std::exception const& other) {
    failure = Error(ErrorKind::internal, other.what());
  }
  if (failure) failure->on_node(name_);
  if (observe::wants(options_.hub, observe::Kind::connect)) {
    tell(observe::Kind::connect, begun, {}, failure ? &*failure : nullptr);
  }
  if (failure) {
    open_failed(*failure);
  } else {
    opened(std::move(connection), generation);
  }
}

void Pool::tell(observe::Kind kind, TimePoint since, std::string_view became,
                Error const* error) const {
  observe::Activity activity;
  activity.kind = kind;
  activity.stage = observe::Stage::end;
  activity.node = name_;
  activity.purpose = options_.purpose;
  activity.took = Clock::now() - since;
  activity.to = became;
  activity.error = error;
  observe::see(options_.hub, activity);
}

Operation<std::unique_ptr<wire::Connection>> Pool::open_apart(Deadline deadline) {
  auto opening = wire::Connection::open(info_, {}, deadline.earlier_in(options_.connect_timeout));
  auto connection = co_await std::move(opening);
  co_return connection;
}

void Pool::opened(std::unique_ptr<wire::Connection> connection, std::uint64_t generation) {
  auto member = std::make_unique<Member>();
  member->connection = std::move(connection);
  auto const now = Clock::now();
  member->idle_since = member->heard = now;
  member->expires = member->idle_since + options_.max_lifetime -
                    fraction(options_.max_lifetime, policy::random_unit() * 0.1);
  {
    std::lock_guard const lock(mutex_);
    --counts_.connecting;
    ++counts_.busy;
    ++counts_.opened;
    failures_in_a_row_ = 0;
    last_failure_.reset();
    member->generation = generation;
  }
  pass_on(std::move(member), now);
  std::unique_lock lock(mutex_);
  grow(lock);
}

// Callers fail at once where waiting cannot help: the server turned us away for good, or nobody holds
// a connection that could come back. What to try next is theirs to decide.
void Pool::open_failed(Error const& error) {
  std::unique_lock lock(mutex_);
  --counts_.connecting;
  ++counts_.connect_failures;
  ++failures_in_a_row_;
  last_failure_ = error;
  bool const nothing_to_wait_for = counts_.busy + counts_.connecting + counts_.closing == 0;
  fail_waiters(error, error.retryable() && !nothing_to_wait_for);
  grow(lock);
}

// When the next cancel request may go out: at most half as many a second as there are connections,
// because each one is a connection of its own to the server. Who waits for it holds a place of the pool, so
// the line is two seconds long at most.
Deadline Pool::next_cancel() {
  std::lock_guard const lock(mutex_);
  auto const now = Clock::now();
  auto const at = std::max(now, next_cancel_);
  next_cancel_ = at + std::chrono::duration_cast<Duration>(std::chrono::seconds(2)) /
                          static_cast<Duration::rep>(std::max<std::size_t>(options_.max, 4));
  return Deadline(at);
}

// A connection whose user left in the middle: cancel what runs, read what is owed, roll back.
Operation<void> Pool::recover([[maybe_unused]] std::shared_ptr<Pool> self,
                              std::unique_ptr<Member> member) {
  auto& connection = *member->connection;
  auto const begun = Clock::now();
  bool in_step = false;
  try {
    bool readable = connection.usable();
    if (!readable && std::exchange(member->drain_first, false)) {
      // Whoever left a loop early left little to be read, as a rule: no need to trouble the server.
      auto draining = connection.drain(Deadline::in(kGrace));
      readable = co_await std::move(draining);
    }
    bool may_cancel = !readable && member->may_cancel;
    if (may_cancel) {
      auto const turn = next_cancel();
      // A pool that is closed has nobody to be fair to, and little time left.
      while (!turn.passed() && !is_closed()) {
        auto waiting = async::sleep_until(turn.earlier_in(std::chrono::milliseconds(20)));
        co_await std::move(waiting);
      }
    }
    auto const deadline = Deadline::in(options_.recover_timeout);
    // A cancel that overtakes its statement is lost, so it is said again until the answers have come. One
    // that is still on its way could hit the next user's statement: then the connection is closed.
    bool delivered = true;
    // Its place stays taken while the request is on its way, or the server could see more sessions than max.
    while (may_cancel && delivered && !readable && !deadline.passed() && connection.is_open()) {
      auto cancelling = connection.cancel(Deadline::in(5 * options_.recover_timeout));
      delivered = co_await std::move(cancelling);
      auto draining = connection.drain(Deadline::in(std::chrono::milliseconds(200)));
      bool const drained = co_await std::move(draining);
      readable = delivered && drained;
    }
    if (readable) {
      wire::Request request;
      request.push_back({"ROLLBACK", {}, true, false});
      auto running = connection.run(std::move(request), Deadline::in(std::chrono::seconds(1)));
      co_await std::move(running);
      in_step =
          connection.usable() && connection.transaction_state() == wire::TransactionState::idle;
    }
  } catch (Error const&) {
    in_step = false;
  }
  if (observe::wants(options_.hub, observe::Kind::recover)) {
    tell(observe::Kind::recover, begun, in_step ? "in_step" : "closed", nullptr);
  }
  if (!in_step) {
    close_member(std::move(member));
    co_return;
  }
  {
    std::lock_guard const lock(mutex_);
    --counts_.closing;
    ++counts_.busy;
  }
  take_back(std::move(member), Clock::now());
}

Operation<void> Pool::keep_alive([[maybe_unused]] std::shared_ptr<Pool> self,
                                 std::unique_ptr<Member> member) {
  bool alive = false;
  try {
    wire::Request request;
    request.push_back({"", {}, true, false});
    auto running =
        member->connection->run(std::move(request), Deadline::in(std::chrono::seconds(1)));
    auto const replies = co_await std::move(running);
    alive = std::holds_alternative<wire::Result>(replies.front());
  } catch (Error const&) {
    alive = false;
  }
  if (!alive) {
    drop(std::move(member));
    co_return;
  }
  auto const now = Clock::now();
  member->heard = now;
  pass_on(std::move(member), now);
}

void Pool::start() {
  {
    std::unique_lock lock(mutex_);
    grow(lock);
  }
  keeper_.spawn(maintain(weak_from_this()));
}

// Once for each lease that is held suspiciously long.
void Pool::warn_of_leaks() {
  std::vector<observe::Event> events;
  {
    std::lock_guard const lock(mutex_);
    auto const now = Clock::now();
    for (auto* member : busy_) {
      if (member->leak_told || now - member->leased_at < options_.leak_threshold) continue;
      member->leak_told = true;
      ++counts_.leases_over_threshold;
      auto const held = std::chrono::duration_cast<std::chrono::seconds>(now - member->leased_at);
      events.push_back({observe::Level::warning,
                        "pool.leak",
                        "a connection has been held for " + std::to_string(held.count()) +
                            " s; is a transaction left open?",
                        {{"node", name_}, {"holder", member->holder}}});
    }
  }
  for (auto const& event : events) observe::log(options_.hub, event);
}

// Holds the pool only while it works, so that a forgotten pool can go.
Operation<void> Pool::maintain(std::weak_ptr<Pool> weak) {
  for (;;) {
    auto sleeping = async::sleep_until(Deadline::in(std::chrono::seconds(1)));
    co_await std::move(sleeping);
    auto const self = weak.lock();
    if (!self) co_return;
    std::vector<std::unique_ptr<Member>> old;
    std::vector<std::unique_ptr<Member>> quiet;
    {
      std::unique_lock lock(mutex_);
      if (closed_) co_return;
      auto const now = Clock::now();
      auto const total = idle_.size() + counts_.busy + counts_.connecting + counts_.closing;
      auto spare = total > options_.min ? total - options_.min : 0;
      // The front was used longest ago.
      for (auto& member : idle_) {
        bool const unused = now - member->idle_since >= options_.idle_timeout && spare > 0;
        if (!unused && !is_expired(*member, now)) {
          bool const due = options_.keepalive > Duration::zero() && waiters_.empty() &&
                           now - member->heard >=
                               fraction(options_.keepalive, 0.8 + 0.4 * policy::random_unit());
          if (due) quiet.push_back(std::move(member));
          continue;
        }
        if (spare > 0) --spare;
        old.push_back(std::move(member));
      }
      std::erase(idle_, nullptr);
      counts_.closing += old.size();
      counts_.busy += quiet.size();
      grow(lock);
    }
    for (auto& member : quiet) keeper_.spawn(keep_alive(self, std::move(member)));
    warn_of_leaks();
    for (auto& member : old) close_member(std::move(member));
  }
}

}  // namespace moonpool::pool
