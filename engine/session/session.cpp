#include "session/session.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "policy/random.hpp"
#include "session/attempts.hpp"
#include "session/exactly_once.hpp"
#include "session/share.hpp"
#include "session/turn.hpp"

namespace moonpool::session {

using async::Operation;
using cluster::Placement;
using cluster::Route;

namespace {

// A rollback gets its own time: the deadline that has just passed must not leave the transaction open.
constexpr auto kRollbackTime = std::chrono::seconds(2);

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

// As a serialization failure comes.
Error rerun_wanted(std::string const& node) {
  ServerFields fields;
  fields.severity = "ERROR";
  fields.sqlstate = "40001";
  fields.message = "rolled back by test_rerun, which has every transaction run twice";
  return Error(std::move(fields)).at(Phase::commit, Outcome::rejected).on_node(node);
}

// For our own statements: nothing of the caller's is laid on them.
Habits plain_habits() {
  Habits habits;
  habits.timeout = std::chrono::seconds(5);
  return habits;
}

}  // namespace

// Of a group, the statement that failed speaks, not those that were undone or skipped because of it.
Error const* Answer::error() const {
  Error const* first = nullptr;
  for (auto const& reply : replies) {
    auto const* error = std::get_if<Error>(&reply);
    if (error == nullptr) continue;
    if (error->kind() != ErrorKind::transaction) return error;
    if (first == nullptr) first = error;
  }
  return first;
}

Session::Session(std::shared_ptr<cluster::Cluster> cluster, Habits habits)
    : cluster_(std::move(cluster)), habits_(habits) {
  if (habits.pinned) turn_ = std::make_shared<bool>(false);
}

std::shared_ptr<Session> Session::make(std::shared_ptr<cluster::Cluster> cluster, Habits habits) {
  return std::shared_ptr<Session>(new Session(std::move(cluster), habits));
}

std::shared_ptr<Session> Session::with(Habits habits) const {
  if (transaction_ && habits.context != habits_.context) {
    throw Error(ErrorKind::usage, "a context is laid on a transaction as a whole")
        .hint("lay it on the database's handle, and begin the transaction there");
  }
  auto other = make(cluster_, habits);
  other->transaction_ = transaction_;
  other->scope_ = scope_;
  other->memory_ = memory_;
  if (habits.pinned) other->pinned_ = pinned_;
  if (turn_ && (transaction_ || habits.pinned)) other->turn_ = turn_;
  return other;
}

Deadline Session::deadline_in(Duration timeout) const {
  return Deadline::in(timeout > Duration::zero() ? timeout : habits_.timeout);
}

bool Session::in_transaction() const {
  return transaction_ && !scope_->over &&
         (transaction_->state() == Transaction::State::open ||
          transaction_->state() == Transaction::State::broken);
}

// A session of a transaction may be used while the transaction lives and no savepoint is open inside.
void Session::check_turn() const {
  if (!transaction_) return;
  auto refuse = [](std::string message, std::string hint) {
    throw Error(ErrorKind::transaction, std::move(message)).hint(std::move(hint));
  };
  if (scope_->over || scope_->level > transaction_->level()) {
    refuse("this transaction is over",
           "its handle must not be used after the function has returned");
  }
  if (scope_->level < transaction_->level()) {
    refuse("a nested transaction is open inside this one",
           "use the innermost handle until its function has returned");
  }
  if (transaction_->state() == Transaction::State::broken) {
    throw transaction_->why_broken().on_node(transaction_->node());
  }
  if (transaction_->state() != Transaction::State::open) refuse("this transaction is over", "");
}

Context Session::context_for(Route route) const {
  auto context = habits_.context;
  if (route == Route::read && !cluster_->keeps_sessions()) context.make_read_only();
  return context;
}

// The simple protocol has no segment that the settings could be local to.
void Session::refuse_context(char const* what) const {
  if (transaction_ || habits_.context.empty()) return;
  throw Error(ErrorKind::usage,
              std::string(what) + " runs under a context only inside a transaction")
      .hint("begin a transaction on this handle, and run it there");
}

Operation<Placement*> Session::pinned_placement(Deadline deadline) {
  if (!pinned_) pinned_ = std::make_shared<Placement>();
  bool const held = pinned_->lease && pinned_->lease->usable();
  if (!held || !cluster_->may_write(*pinned_)) {
    pinned_->lease.give_back();
    auto placing = place({}, {}, std::nullopt, deadline);
    *pinned_ = co_await std::move(placing);
    pinned_->lease.keep_long();
  }
  co_return pinned_.get();
}

Operation<Answer> Session::run_placed(Placement* placement, wire::Request const& statements,
                                      RunOptions options, Deadline deadline) {
  Answer answer;
  answer.node = placement->node->name();
  auto const begun = Clock::now();
  Watched watched(*cluster_->hub(), habits_, statements, answer.node, to_string(options.route),
                  options.attempt);
  ask_position(*placement, options.route);
  auto const context = context_for(options.route);
  bool const plain = context.empty();
  auto const laid = plain ? wire::Request() : context.lay_on(statements);
  auto running = placement->lease.run_borrowed(plain ? statements : laid, deadline);
  answer.replies = co_await std::move(running);
  if (!plain) answer.replies = Context::lay_off(std::move(answer.replies), statements);
  auto const* error = answer.error();
  if (placement->lease.speaks(error)) placement->passage.settle(error, Clock::now() - begun);
  cluster_->met(*placement, error);
  note_position(*placement, options.route, error);
  watched.end(answer.replies);
  if (options.atomic) reject_all(answer.replies);
  name_node(answer.replies, answer.node);
  co_return answer;
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
      auto running = placement->must_have != 0
                         ? run_read(&*placement, statements, options, deadline)
                         : run_placed(&*placement, statements, options, deadline);
      answer = co_await std::move(running);
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
    auto const pause =
        attempts.after(*failure, (thrown || whole) && !hopeless && !stale, elsewhere, deadline);
    if (pause) {
      tell_retry(options, *failure, *pause);
      ++options.attempt;
      auto sleeping = async::sleep_until(deadline.earlier_in(*pause));
      co_await std::move(sleeping);
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
    auto running = placement->lease->run_script(sql, deadline);
    answer.replies = co_await std::move(running);
    watched.end(answer.replies);
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

Operation<std::shared_ptr<Session>> Session::begin(TransactionOptions options) {
  auto const self = shared_from_this();
  Turn const turn(turn_);
  auto inner = make(cluster_, habits_);
  inner->turn_ = turn_ ? turn_ : std::make_shared<bool>(false);
  inner->memory_ = memory_;
  if (options.exactly_once && (transaction_ || options.read_only)) {
    throw Error(ErrorKind::usage,
                transaction_ ? "exactly_once is for whole transactions, not for nested ones"
                             : "exactly_once stores a row; a transaction that is read-only has "
                               "nothing to prove");
  }
  if (transaction_) {
    check_turn();
    inner->transaction_ = transaction_;
    inner->scope_ = std::make_shared<Scope>();
    inner->scope_->level = transaction_->push();
    co_return inner;
  }
  auto const deadline = deadline_in(options.timeout);
  cluster_->call_counts();
  Placement placement;
  if (habits_.pinned) {
    auto pinning = pinned_placement(deadline);
    co_await std::move(pinning);
    placement = std::move(*pinned_);
    inner->pinned_ = pinned_;
  } else {
    auto placed = place_now({}, {}, std::nullopt);
    if (!placed) {
      auto placing = place({}, {}, std::nullopt, deadline);
      placed = co_await std::move(placing);
    }
    placement = std::move(*placed);
  }
  auto const node = placement.node->name();
  if (!options.place.empty()) placement.lease.held_by(options.place);
  inner->scope_ = std::make_shared<Scope>();
  auto const limit = options.timeout > Duration::zero() ? deadline : Deadline::never();
  inner->scope_->rerun = habits_.test_rerun && options.attempt == 1;
  inner->transaction_ = std::make_shared<Transaction>(std::move(placement), options, limit);
  inner->scope_->watched.emplace(cluster_->hub(), habits_, node);
  // Ahead of the context: the token is the login role's affair.
  if (options.exactly_once) inner->transaction_->take_token(new_token());
  if (!habits_.context.empty()) inner->transaction_->begin_with(habits_.context.text());
  if (cluster_->has_choice()) inner->transaction_->ask_at_commit(kWritten);
  co_return inner;
}

Operation<void> Session::commit() {
  auto const self = shared_from_this();
  if (!transaction_) throw Error(ErrorKind::transaction, "this handle stands for no transaction");
  check_turn();
  Turn const turn(turn_);
  scope_->over = true;
  if (scope_->level > 0) {
    transaction_->end_savepoint();
    co_return;
  }
  if (scope_->rerun) {
    auto undoing = transaction_->rollback(Deadline::in(kRollbackTime), pinned_.get());
    co_await std::move(undoing);
    scope_->watched->end("rolled_back", nullptr);
    throw rerun_wanted(transaction_->node());
  }
  bool const wrote = transaction_->begun();
  if (wrote && !cluster_->may_write(transaction_->placement())) {
    auto const node = transaction_->node();
    transaction_->abandon();
    scope_->watched->end("rolled_back", nullptr);
    throw Error(ErrorKind::no_primary, node +
                                           " is not the primary any more, so the transaction was "
                                           "rolled back")
        .at(Phase::commit, Outcome::rejected)
        .on_node(node);
  }
  auto const history = transaction_->placement().history;
  // Until it is known where the commit landed; a commit that fails may have landed all the same.
  if (wrote && cluster_->has_choice()) memory_->forget_where();
  std::optional<Error> lost;
  try {
    auto committing = transaction_->commit(deadline_in(Duration::zero()), pinned_.get());
    co_await std::move(committing);
  } catch (Error const& error) {
    if (error.kind() != ErrorKind::commit_unknown || token().empty()) {
      scope_->watched->end(error.in_doubt() ? "unknown" : "rolled_back", &error);
      throw;
    }
    lost = error;
  }
  if (lost) {
    auto proving = prove(*lost);
    co_await std::move(proving);
    co_return;
  }
  scope_->watched->end("committed", nullptr);
  if (!token().empty()) {
    auto sweeping = sweep_now_and_then(make(cluster_, plain_habits()));
    co_await std::move(sweeping);
  }
  cluster_->call_succeeded(0, true);
  if (auto const lsn = policy::parse_lsn(transaction_->committed_at())) {
    memory_->remember({history.system, history.timeline, *lsn});
  }
}

// Returns where the lost COMMIT happened.
Operation<void> Session::prove(Error lost) {
  std::optional<Error> why;
  bool committed = false;
  try {
    auto proving = prove_committed(make(cluster_, plain_habits()), token(), kProofTime);
    committed = co_await std::move(proving);
  } catch (Error const& error) {
    why = error;
  }
  scope_->watched->end(committed ? "committed"
                       : why     ? "unknown"
                                 : "rolled_back",
                       committed ? nullptr : &lost);
  if (why) throw Error(lost.because({*why}));
  if (committed) co_return;
  throw Error(ErrorKind::connection,
              "the answer to COMMIT was lost, and it is proven that nothing was committed")
      .at(Phase::commit, Outcome::rejected)
      .on_node(lost.node())
      .because({lost});
}

Operation<void> Session::rollback() {
  auto const self = shared_from_this();
  if (!transaction_) throw Error(ErrorKind::transaction, "this handle stands for no transaction");
  if (scope_->over) co_return;
  Turn const turn(turn_);
  scope_->over = true;
  if (scope_->level > 0) {
    while (transaction_->level() >= scope_->level) transaction_->undo();
    co_return;
  }
  auto rolling = transaction_->rollback(Deadline::in(kRollbackTime), pinned_.get());
  co_await std::move(rolling);
  scope_->watched->end("rolled_back", nullptr);
}

Operation<void> Session::ping() {
  wire::Request request;
  request.push_back({"SELECT 1", {}, true, false});
  auto running = run(std::move(request), {});
  auto const answer = co_await std::move(running);
  if (auto const* error = answer.error()) throw Error(*error);
}

}  // namespace moonpool::session
