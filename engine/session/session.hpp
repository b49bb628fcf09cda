#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/cluster.hpp"
#include "session/hold.hpp"
#include "session/memory.hpp"
#include "session/options.hpp"
#include "session/transaction.hpp"
#include "session/watched.hpp"

namespace moonpool::session {

// Where the primary's log ends. pg_catalog by name: nobody's search_path decides what it means.
inline constexpr auto kWritten = "select pg_catalog.pg_current_wal_insert_lsn()";

struct RunOptions {
  cluster::Route route = cluster::Route::write;
  Duration timeout = Duration::zero();  // zero: the session's habit
  bool atomic = false;                  // several statements: all or none
  bool idempotent = false;              // running it twice does no harm
  // Of a read; nullopt and zero: the session's habit.
  std::optional<policy::Consistency> consistency = std::nullopt;
  std::optional<policy::Fallback> fallback = std::nullopt;
  Duration max_lag = Duration::zero();
  int attempt = 1;  // which one this is, for observers
};

// What became of the statements, one reply each, and which node answered.
struct Answer {
  std::vector<wire::Reply> replies;
  std::string node;
  // It failed with a connection that others shared, and one of them has told of that.
  bool spoken_for = false;

  // The error that speaks for all of them, or nullptr.
  Error const* error() const;
};

class Stream;
class CopyIn;
class CopyOut;
class Lent;
class Listener;
struct ListenOptions;

// What a caller does: statements on the right node, transactions, savepoints. Service code takes a
// session without knowing whether it stands for the cluster or for a transaction.
// Threads: one at a time. Copies of the handle inside a transaction share the transaction.
//
// Asked behind a commit, a position in the server's log tells what later reads must have seen; see Memory.
class Session : public std::enable_shared_from_this<Session> {
 public:
  static std::shared_ptr<Session> make(std::shared_ptr<cluster::Cluster> cluster, Habits habits);

  // The same server state and the same memory of writes, with other habits.
  std::shared_ptr<Session> with(Habits habits) const;

  Habits const& habits() const { return habits_; }
  std::shared_ptr<cluster::Cluster> const& cluster() const { return cluster_; }

  // Runs statements in one round trip. Outside a transaction, work that did not happen for a passing
  // reason is run again elsewhere, up to the habits' attempts; then the error is retry_exhausted and
  // lists them. Throws where no connection could be had or the request is
  // wrong (nothing was sent); what the server says is in the replies. Not atomic: each statement is
  // its own segment, a failing one does not hinder the next. Inside a transaction a failing one
  // makes the server skip the rest.
  async::Operation<Answer> run(wire::Request statements, RunOptions options);
  // A text that may hold several statements, on the primary.
  async::Operation<Answer> run_script(std::string sql, RunOptions options);

  // The rows of one statement, as they are asked for: see Stream. Waits for its first answer; until then
  // it is repeated as run() is. A timeout is for the whole of it; without one each call has the habit's.
  async::Operation<std::shared_ptr<Stream>> stream(wire::Statement statement, RunOptions options);
  // One COPY … FROM STDIN, on the primary; one COPY … TO STDOUT. They wait until the server is ready.
  async::Operation<std::shared_ptr<CopyIn>> copy_in(std::string sql, RunOptions options);
  async::Operation<std::shared_ptr<CopyOut>> copy_out(std::string sql, RunOptions options);

  // A connection for somebody who speaks libpq: see Lent.
  async::Operation<std::shared_ptr<Lent>> lend(RunOptions options);

  // Listens to channels on a connection of its own; waits until it does. Not inside a transaction.
  async::Operation<std::shared_ptr<Listener>> listen(std::vector<std::string> channels,
                                                     ListenOptions options);

  // A session for a new transaction, or for a savepoint inside this one. Waits for a connection only:
  // BEGIN rides with the first statement.
  async::Operation<std::shared_ptr<Session>> begin(TransactionOptions options);
  // End what begin() began. Throw Error(transaction) on a session that stands for no transaction, or
  // out of order. See Transaction for what else commit throws. Of a transaction that is exactly_once a lost
  // COMMIT is looked up, for at most kProofTime: commit returns where it happened, and throws
  // Error(connection), rejected, where it did not; commit_unknown only where that could not be found out.
  async::Operation<void> commit();
  async::Operation<void> rollback();

  bool in_transaction() const;
  // Of an exactly_once transaction; "" of others.
  std::string token() const { return transaction_ ? transaction_->token() : ""; }

  // Up to where this session's reads must have seen its writes. To carry it into another session, of
  // another process too: observe() there, after which that one's reads see the same.
  policy::Position position() const { return memory_->seen().position; }
  void observe(policy::Position const& position) { memory_->learn(position); }
  // The same as text. It says so when nobody knows where the last write was committed: reads go to the primary then.
  std::string position_token() const;
  // False: this is no token, and nothing was changed.
  bool observe_token(std::string_view token);

  // One round trip to the primary.
  async::Operation<void> ping();

 private:
  class Cursor;
  class Visit;
  Session(std::shared_ptr<cluster::Cluster> cluster, Habits habits);
  Deadline deadline_in(Duration timeout) const;
  void check_turn() const;
  // What is laid on each statement of this route.
  Context context_for(cluster::Route route) const;
  void refuse_context(char const* what) const;
  void tell_retry(RunOptions const& options, Error const& failure, Duration pause) const;
  async::Operation<Answer> run_placed(cluster::Placement* placement,
                                      wire::Request const& statements, RunOptions options,
                                      Deadline deadline);
  using Self = std::shared_ptr<Session const>;  // so that it outlives what is under way
  void prepare(wire::Request& statements, bool one_segment) const;
  async::Operation<Answer> run_inside(Self self, wire::Request statements, RunOptions options);
  async::Operation<Answer> run_pinned(Self self, wire::Request statements, RunOptions options);
  async::Operation<Answer> run_anywhere(Self self, wire::Request statements, RunOptions options);
  async::Operation<cluster::Placement*> pinned_placement(Deadline deadline);
  async::Operation<void> prove(Error lost);
  // Finds a connection, begins the work on it, and keeps it. `start` is called once an attempt and leans
  // on what outlives the operation. `undoable`: inside a transaction, the work may be left early.
  async::Operation<void> hold(Hold& hold, RunOptions options, bool undoable, Start start,
                              Deadline deadline);
  async::Operation<void> hold_one(Hold& hold, RunOptions options, Start start, Deadline deadline);
  async::Operation<void> hold_inside(Hold& hold, bool undoable, Start start, Deadline deadline);
  cluster::ReadNeeds needs_of(RunOptions const& options) const;
  async::Operation<cluster::Placement> place(RunOptions options, std::vector<std::size_t> avoid,
                                             std::optional<pool::Ticket> ticket, Deadline deadline);
  // The same without waiting, where that can be.
  std::optional<cluster::Placement> place_now(RunOptions const& options,
                                              std::vector<std::size_t> const& avoid,
                                              std::optional<pool::Ticket> const& ticket) const;
  async::Operation<Answer> run_read(cluster::Placement* placement, wire::Request const& statements,
                                    RunOptions options, Deadline deadline);
  async::Operation<bool> caught_up(cluster::Placement* placement, Deadline deadline);
  void ask_position(cluster::Placement& placement, cluster::Route route) const;
  void note_position(cluster::Placement const& placement, cluster::Route route,
                     Error const* error) const;

  std::shared_ptr<cluster::Cluster> const cluster_;
  Habits const habits_;
  std::shared_ptr<Transaction> transaction_;  // shared by the sessions of its savepoints
  // What begin() made: shared by every handle on it.
  struct Scope {
    std::size_t level = 0;  // of the savepoint; 0: the transaction itself
    bool over = false;
    std::optional<WatchedTransaction> watched = std::nullopt;  // of the transaction itself
    bool rerun = false;  // its COMMIT is to be a rollback: Habits::test_rerun
  };
  std::shared_ptr<Scope> scope_;  // with transaction_, never without
  std::shared_ptr<cluster::Placement> pinned_;
  std::shared_ptr<bool> turn_;  // see Turn; of a transaction or a pinned session
  std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
};

}  // namespace moonpool::session
