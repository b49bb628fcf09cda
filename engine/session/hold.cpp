#include "session/hold.hpp"

#include "base/error.hpp"
#include "session/attempts.hpp"
#include "session/session.hpp"
#include "session/turn.hpp"

namespace moonpool::session {

using async::Operation;
using cluster::Placement;
using cluster::Route;

Patience Patience::of(Duration timeout, Duration habit) {
  if (timeout > Duration::zero()) return {timeout, Deadline::in(timeout)};
  return {habit, Deadline::never()};
}

void Hold::take(Placement placement, std::shared_ptr<Placement> home) {
  placement_ = std::move(placement);
  home_ = std::move(home);
  node_ = placement_.node->name();
}

void Hold::take(std::shared_ptr<Transaction> transaction) {
  transaction_ = std::move(transaction);
  loan_ = transaction_->loan();
  node_ = transaction_->node();
}

wire::Connection& Hold::connection() const {
  if (transaction_ && transaction_->loan() != loan_) {
    throw Error(ErrorKind::transaction, "the transaction that this belongs to is over")
        .on_node(node_);
  }
  return transaction_ ? transaction_->connection() : placement_.lease.connection();
}

void Hold::show(std::shared_ptr<Session const> session, int attempt) {
  if (!transaction_) hear(placement_, session->cluster()->hub(), session->habits());
  if (operation_.empty() && sql_.empty()) return;
  watched_.reset();
  session_ = std::move(session);
  watched_.emplace(*session_->cluster()->hub(), session_->habits(), sql_, operation_, node_,
                   placement_.on_primary || transaction_ ? "write" : "read", attempt);
}

Operation<void> Hold::learn_position(Deadline deadline) {
  if (!memory_ || !placement_.lease || !placement_.lease->usable()) co_return;
  wire::Request request;
  request.push_back({kWritten, {}, true, true});
  std::vector<wire::Reply> replies;
  try {
    auto running = placement_.lease->run(std::move(request), deadline);
    replies = co_await std::move(running);
  } catch (Error const&) {
    // What was written is written; that it is not known where is told to later reads.
    co_return;
  }
  auto const* result = std::get_if<wire::Result>(&replies.front());
  auto const value = result != nullptr ? result->value(0, 0) : std::nullopt;
  auto const lsn = value ? policy::parse_lsn(std::string(*value)) : std::nullopt;
  if (!lsn) co_return;
  memory_->remember({placement_.history.system, placement_.history.timeline, *lsn});
  memory_.reset();
}

void Hold::end(Error const* error) noexcept {
  if (watched_) {
    try {
      watched_->end(error, rows_);
    } catch (std::exception const&) {
      // Only its being seen was lost.
    }
    watched_.reset();
    session_.reset();
  }
  if (transaction_) {
    if (transaction_->loan() == loan_) transaction_->take_back(error);
    transaction_.reset();
  }
  if (!placement_.lease) return;
  placement_.passage.settle(error);
  if (memory_ && (error == nullptr || error->in_doubt())) memory_->forget_where();
  if (home_ && !home_->lease && placement_.lease->usable()) {
    *home_ = std::move(placement_);
  } else {
    placement_.lease.give_back();
  }
}

void Hold::leave() noexcept {
  watched_.reset();
  end(nullptr);
}

// The transaction's connection is the only one that will do, and nothing of it can be repeated.
Operation<void> Session::hold_inside(Hold& hold, bool undoable, Start start, Deadline deadline) {
  check_turn();
  auto lending = transaction_->lend(undoable, deadline);
  co_await std::move(lending);
  hold.take(transaction_);
  hold.show(shared_from_this(), 1);
  std::optional<Error> failure;
  try {
    auto starting = start(hold.connection(), deadline.earlier(transaction_->deadline()));
    co_await std::move(starting);
  } catch (Error const& error) {
    failure = error;
  }
  if (!failure) co_return;
  failure->on_node(hold.node());
  hold.end(&*failure);
  throw Error(*failure);
}

Operation<void> Session::hold_one(Hold& hold, RunOptions options, Start start, Deadline deadline) {
  if (habits_.pinned && options.route == Route::write) {
    Turn const turn(turn_);
    auto pinning = pinned_placement(deadline);
    co_await std::move(pinning);
    hold.take(std::move(*pinned_), pinned_);
  } else {
    auto placing = place(options, {}, std::nullopt, deadline);
    auto placement = co_await std::move(placing);
    if (placement.must_have != 0) {
      auto catching = caught_up(&placement, deadline);
      bool const there = co_await std::move(catching);
      if (!there) {
        placement.lease.give_back();
        auto needs = needs_of(options);
        needs.uncertain = true;
        auto replacing = cluster_->place_read(needs, deadline);
        placement = co_await std::move(replacing);
      }
    }
    placement.lease.keep_long();
    hold.take(std::move(placement), nullptr);
  }
  hold.show(shared_from_this(), options.attempt);
  auto starting = start(hold.connection(), deadline);
  co_await std::move(starting);
  if (options.route == Route::write && cluster_->has_choice()) hold.writes_into(memory_);
  hold.begun();
}

Operation<void> Session::hold(Hold& hold, RunOptions options, bool undoable, Start start,
                              Deadline deadline) {
  if (transaction_) {
    Turn const turn(turn_);
    auto holding = hold_inside(hold, undoable, std::move(start), deadline);
    co_await std::move(holding);
    co_return;
  }
  auto const work = options.route == Route::read || options.idempotent ? policy::Work::repeatable
                                                                       : policy::Work::once;
  Attempts attempts(*cluster_, habits_.retry, work);
  for (;;) {
    std::optional<Error> failure;
    try {
      auto holding = hold_one(hold, options, start, deadline);
      co_await std::move(holding);
    } catch (Error const& error) {
      failure = error;
    }
    if (!failure) {
      attempts.succeed();
      co_return;
    }
    if (hold.held()) failure->on_node(hold.node());
    hold.end(&*failure);
    bool const writing_read =
        failure->retry_class() == RetryClass::reroute && options.route == Route::read;
    if (writing_read) failure->hint("this only reads: use the method without read_");
    auto const pause = attempts.after(*failure, !writing_read, false, deadline);
    if (!pause) throw attempts.verdict();
    tell_retry(options, *failure, *pause);
    ++options.attempt;
    auto sleeping = async::sleep_until(deadline.earlier_in(*pause));
    auto const wakeup = co_await std::move(sleeping);
    if (wakeup == async::Wakeup::cancelled) throw attempts.cancelled();
  }
}

}  // namespace moonpool::session
