// Statements on their way: in a transaction, on a pinned connection, or wherever they may run, as often as they may.
#include <algorithm>

#include "base/error.hpp"
#include "session/attempts.hpp"
#include "session/session.hpp"
#include "session/share.hpp"
#include "session/turn.hpp"

namespace moonpool::session {

using async::Operation;
using cluster::Placement;
using cluster::Route;

namespace {

void name_node(std::vector<wire::Reply>& replies, std::string const& node) {
  for (auto& reply : replies) {
    if (auto* error = std::get_if<Error>(&reply)) error->on_node(node);
  }
}

// In a group that is all or none, what succeeded before the failure did not happen.
void reject_all(std::vector<wire::Reply>& replies) {
  Error const* failure = nullptr;
  for (auto const& reply : replies) {
    if (auto const* error = std::get_if<Error>(&reply); error && !failure) failure = error;
  }
  if (failure == nullptr) return;
  Error undone(ErrorKind::transaction,
               "rolled back, because another statement of its group failed: " + failure->message());
  undone.at(Phase::wait, failure->outcome());
  for (auto& reply : replies) {
    if (std::holds_alternative<wire::Result>(reply)) reply = undone;
  }
}

}  // namespace

// A request on one placement: what is laid on it and asked beside it, and what is learnt from its end. Not a
// coroutine, because each one costs a call something. What it is given must live as long as it.
class Session::Visit {
 public:
  Visit(Session const& session, Placement& placement, wire::Request const& statements,
        RunOptions const& options)
      : session_(session),
        placement_(placement),
        statements_(statements),
        options_(options),
        watched_(*session.cluster_->hub(), session.habits_, statements, placement.node->name(),
                 to_string(options.route), options.attempt) {}

  Operation<std::vector<wire::Reply>> run(Deadline deadline) {
    hear(placement_, session_.cluster_->hub(), session_.habits_);
    session_.ask_position(placement_, options_.route);
    auto const context = session_.context_for(options_.route);
    plain_ = context.empty();
    if (!plain_) laid_ = context.lay_on(statements_);
    return placement_.lease.run_borrowed(plain_ ? statements_ : laid_, deadline);
  }

  Answer end(std::vector<wire::Reply> replies) {
    Answer answer{std::move(replies), placement_.node->name(), false};
    if (!plain_) answer.replies = Context::lay_off(std::move(answer.replies), statements_);
    auto const* error = answer.error();
    if (placement_.lease.speaks(error)) {
      placement_.passage.settle(error, Clock::now() - begun_);
    } else {
      answer.spoken_for = error != nullptr;
    }
    session_.cluster_->met(placement_, error);
    session_.note_position(placement_, options_.route, error);
    watched_.end(answer.replies);
    watched_.said(placement_.lease.notices());
    if (options_.atomic) reject_all(answer.replies);
    name_node(answer.replies, answer.node);
    return answer;
  }

 private:
  Session const& session_;
  Placement& placement_;
  wire::Request const& statements_;
  RunOptions const& options_;
  wire::Request laid_;
  bool plain_ = true;
  TimePoint const begun_ = Clock::now();
  Watched watched_;
};

Operation<Answer> Session::run_placed(Placement* placement, wire::Request const& statements,
                                      RunOptions options, Deadline deadline) {
  Visit visit(*this, *placement, statements, options);
  auto running = visit.run(deadline);
  auto replies = co_await std::move(running);
  co_return visit.end(std::move(replies));
}

// Statements of a transaction, or of a group that is all or none, share one segment.
void Session::prepare(wire::Request& statements, bool one_segment) const {
  if (statements.empty()) throw Error(ErrorKind::usage, "there is no statement to run");
  for (auto& statement : statements) statement.ends_segment = !one_segment;
  statements.back().ends_segment = true;
  mark(statements, habits_);
}

// No coroutine of its own: each one costs a call something.
Operation<Answer> Session::run(wire::Request statements, RunOptions options) {
  auto self = shared_from_this();
  if (transaction_) return run_inside(std::move(self), std::move(statements), options);
  if (habits_.pinned && options.route == Route::write) {
    return run_pinned(std::move(self), std::move(statements), options);
  }
  return run_anywhere(std::move(self), std::move(statements), options);
}

Operation<Answer> Session::run_inside([[maybe_unused]] Self self, wire::Request statements,
                                      RunOptions options) {
  auto const deadline = deadline_in(options.timeout);
  prepare(statements, true);
  check_turn();
  Turn const turn(turn_);
  Answer answer;
  answer.node = transaction_->node();
  auto const begun = Clock::now();
  Watched watched(*cluster_->hub(), habits_, statements, answer.node, to_string(Route::write),
                  options.attempt);
  auto running = transaction_->run(watched.on() ? statements : std::move(statements), deadline);
  answer.replies = co_await std::move(running);
  transaction_->settle(answer.error(), Clock::now() - begun);
  cluster_->met(transaction_->placement(), answer.error());
  name_node(answer.replies, answer.node);
  watched.end(answer.replies);
  watched.said(transaction_->placement().lease.notices());
  co_return answer;
}

Operation<Answer> Session::run_pinned([[maybe_unused]] Self self, wire::Request statements,
                                      RunOptions options) {
  auto const deadline = deadline_in(options.timeout);
  prepare(statements, options.atomic);
  Turn const turn(turn_);
  auto pinning = pinned_placement(deadline);
  auto* placement = co_await std::move(pinning);
  auto running = run_placed(placement, statements, options, deadline);
  auto answer = co_await std::move(running);
  co_return answer;
}

Operation<Answer> Session::run_anywhere([[maybe_unused]] Self self, wire::Request statements,
                                        RunOptions options) {
  auto const deadline = deadline_in(options.timeout);
  prepare(statements, options.atomic);
  auto const work = options.route == Route::read || options.idempotent ? policy::Work::repeatable
                                                                       : policy::Work::once;
  // Several segments may have ended differently: only a whole request can be repeated.
  bool const whole = std::ranges::count(statements, true, &wire::Statement::ends_segment) == 1;
  auto const ticket = ticket_of(statements, options.route, habits_);
  Attempts attempts(*cluster_, habits_.retry, work);
  std::vector<std::size_t> avoid;  // nodes on which it failed
  for (;;) {
    Answer answer;
    std::optional<Error> failure;
    std::optional<std::size_t> tried;
    bool thrown = false;
    bool refused_here = false;
    try {
      auto placement = place_now(options, avoid, ticket);
      if (!placement) {
        auto placing = place(options, avoid, ticket, deadline);
        placement = co_await std::move(placing);
      }
      tried = placement->node->index();
      if (placement->must_have != 0) {
        auto running = run_read(&*placement, statements, options, deadline);
        answer = co_await std::move(running);
      } else {
        Visit visit(*this, *placement, statements, options);
        auto running = visit.run(deadline);
        auto replies = co_await std::move(running);
        answer = visit.end(std::move(replies));
      }
    } catch (Error const& error) {
      failure = error;
      thrown = true;
    }
    if (!thrown) {
      if (auto const* error = answer.error()) failure = *error;
    }
    if (!failure) {
      attempts.succeed();
      co_return answer;
    }
    if (tried) avoid.push_back(*tried);
    // A read that writes is refused everywhere; and what the primary refuses was made read-only by its user.
    bool const misplaced = failure->retry_class() == RetryClass::reroute;
    if (misplaced && !thrown && options.route == Route::write) {
      auto looking = cluster_->takes_writes(avoid.back(), deadline);
      refused_here = co_await std::move(looking);
    }
    bool const writing_read = misplaced && options.route == Route::read;
    bool const hopeless = misplaced && (writing_read || refused_here);
    if (writing_read) failure->hint("read_query only reads: use query or exec");
    // A prepared statement that went stale was prepared anew by the connection already.
    bool const stale = failure->retry_class() == RetryClass::statement_cache;
    bool const elsewhere = options.route == Route::read && cluster_->has_other(avoid);
    bool const repeatable = (thrown || whole) && !hopeless && !stale;
    auto const pause =
        attempts.after(*failure, repeatable, elsewhere || answer.spoken_for, deadline);
    if (pause) {
      tell_retry(options, *failure, *pause);
      ++options.attempt;
      auto sleeping = async::sleep_until(deadline.earlier_in(*pause));
      auto const wakeup = co_await std::move(sleeping);
      if (wakeup == async::Wakeup::cancelled) throw attempts.cancelled();
      continue;
    }
    failure = attempts.verdict();
    if (thrown) throw Error(*failure);
    auto const* told = answer.error();
    for (auto& reply : answer.replies) {
      if (std::get_if<Error>(&reply) == told) {
        reply = *failure;
        break;
      }
    }
    co_return answer;
  }
}

Operation<Answer> Session::run_script(std::string sql, RunOptions options) {
  auto const self = shared_from_this();
  Turn const turn(turn_);
  refuse_context("a script");
  auto const deadline = deadline_in(options.timeout);
  Answer answer;
  if (transaction_) {
    check_turn();
    answer.node = transaction_->node();
    Watched watched(*cluster_->hub(), habits_, sql, "SCRIPT", answer.node, "write", 1);
    auto running = transaction_->run_script(sql, deadline);
    answer.replies = co_await std::move(running);
    watched.end(answer.replies);
    watched.said(transaction_->placement().lease.notices());
  } else {
    Placement own;
    Placement* placement = &own;
    if (habits_.pinned) {
      auto pinning = pinned_placement(deadline);
      placement = co_await std::move(pinning);
    } else {
      auto placing = place({}, {}, std::nullopt, deadline);
      own = co_await std::move(placing);
    }
    answer.node = placement->node->name();
    Watched watched(*cluster_->hub(), habits_, sql, "SCRIPT", answer.node, "write", 1);
    hear(*placement, cluster_->hub(), habits_);
    auto running = placement->lease->run_script(sql, deadline);
    answer.replies = co_await std::move(running);
    watched.end(answer.replies);
    watched.said(placement->lease.notices());
    auto const* error = answer.error();
    cluster_->met(*placement, error);
    // The simple protocol lets nothing ride along.
    if (cluster_->has_choice() && placement->lease->usable()) {
      wire::Request nothing;
      nothing.push_back({"", {}, true, false});
      ask_position(*placement, Route::write);
      auto asking = placement->lease->run(std::move(nothing), deadline);
      co_await std::move(asking);
    }
    note_position(*placement, Route::write, error);
  }
  name_node(answer.replies, answer.node);
  co_return answer;
}

}  // namespace moonpool::session
