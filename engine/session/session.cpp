#include "session/session.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "policy/random.hpp"
#include "session/exactly_once.hpp"
#include "session/turn.hpp"

namespace moonpool::session {

using async::Operation;
using cluster::Placement;
using cluster::Route;

namespace {

// A rollback gets its own time: the deadline that has just passed must not leave the transaction open.
constexpr auto kRollbackTime = std::chrono::seconds(2);

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
  hear(placement, cluster_->hub(), habits_);
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
