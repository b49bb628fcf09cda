#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/cluster.hpp"
#include "session/options.hpp"

namespace moonpool::session {

// One transaction on one leased connection, with its savepoints. Control statements (BEGIN,
// SAVEPOINT, RELEASE, ROLLBACK TO) ride with the next statement, at no round trip of their own.
// Threads: the session's. Destroyed before it is over, its connection is not reused as it is.
class Transaction {
 public:
  enum class State : std::uint8_t { open, committed, rolled_back, broken };

  Transaction(cluster::Placement placement, TransactionOptions const& options, Deadline deadline);

  // How deep savepoints are open; level 0 is the transaction itself.
  std::size_t level() const { return savepoints_.size(); }
  State state() const { return state_; }
  Deadline deadline() const { return deadline_; }
  std::string const& node() const { return node_; }
  cluster::Placement const& placement() const { return placement_; }
  // The node has answered, or has not: what its breaker wants to know, once.
  void settle(Error const* error, Duration took) { placement_.passage.settle(error, took); }
  bool begun() const { return begun_; }  // something was sent
  // Why it is broken: the error with which its connection was lost, where that undid it for certain, so that all
  // of it may be run again.
  Error why_broken() const;

  // A question that rides behind COMMIT, of a text that outlives everything, and its answer; "" when there is none.
  void ask_at_commit(std::string_view sql) { ask_at_commit_ = sql; }
  std::string const& committed_at() const { return committed_at_; }
  // Closes the connection, which rolls back. It is over afterwards.
  void abandon();

  // One reply a statement. The transaction is failed after the first error.
  async::Operation<std::vector<wire::Reply>> run(wire::Request request, Deadline deadline);
  async::Operation<std::vector<wire::Reply>> run_script(std::string sql, Deadline deadline);

  // Opens a savepoint; gives its level.
  std::size_t push();
  // Ends the innermost savepoint and keeps what was done in it; throws Error(transaction), and undoes
  // it, when a statement in it had failed.
  void end_savepoint();
  // Ends the innermost savepoint and undoes what was done in it.
  void undo();

  // Lends the connection for what takes longer than a call (COPY); what waits to ride goes first. Until
  // it is taken back, everything else is refused. `undoable`: a savepoint is set, so that work that is
  // left early can be undone alone. Throws Error; nothing is lent then.
  async::Operation<void> lend(bool undoable, Deadline deadline);
  // The number of the present loan; 0: none. The end of the transaction ends it.
  std::uint64_t loan() const { return loan_; }
  // REQUIRES: lent.
  wire::Connection& connection() const { return placement_.lease.connection(); }
  // `error`: what the work ended with. A connection that is left in the middle of it is brought back in
  // step by the next call.
  void take_back(Error const* error) noexcept;

  // Has a statement follow BEGIN. REQUIRES: nothing was run yet.
  void begin_with(std::string sql) { control_.push_back(std::move(sql)); }
  // Takes a token behind BEGIN, ahead of what else follows; see exactly_once.hpp. The table it goes into is made
  // when it is not there. REQUIRES: nothing was run yet.
  void take_token(std::string token);
  std::string const& token() const { return token_; }  // "": none
  // Has a statement ride with the next one, unless the transaction has failed or is over.
  void ride_if_sound(std::string sql);

  // Throws Error: transaction (it had failed, so the server rolled back), commit_unknown, or what the
  // server said. It is over afterwards, whatever happened. `home`: where a connection that is in step
  // goes, instead of back to the pool; may be nullptr.
  async::Operation<void> commit(Deadline deadline, cluster::Placement* home);
  // Never throws: a connection that cannot roll back is closed, which rolls back.
  async::Operation<void> rollback(Deadline deadline, cluster::Placement* home);

 private:
  wire::Request with_control(wire::Request request);
  // Sends a request behind what waits to ride; replies to all of it.
  async::Operation<std::vector<wire::Reply>> send(wire::Request request, Deadline deadline);
  // Sends what waits to ride, alone; its error, if any.
  async::Operation<std::optional<Error>> send_control(Deadline deadline);
  void note(std::vector<wire::Reply> const& replies);
  async::Operation<void> get_in_step(Deadline deadline);
  async::Operation<void> undo_loan(Deadline deadline);
  void check_in_step();
  void check_still_open(std::vector<wire::Reply>& replies);
  void send_home(cluster::Placement* home);

  struct Savepoint {
    std::string name;
    bool sent = false;
  };

  cluster::Placement placement_;
  std::string const node_;
  Deadline deadline_;
  std::vector<std::string> control_;  // to ride with the next statement
  std::vector<Savepoint> savepoints_;
  std::size_t names_ = 0;
  std::string token_;
  std::string_view ask_at_commit_;
  std::string committed_at_;
  bool begun_ = false;  // something was sent
  std::optional<Error> lost_;
  std::uint64_t loans_ = 0;
  std::uint64_t loan_ = 0;
  std::string undo_point_;  // the savepoint of a loan
  bool left_ = false;       // a loan ended in the middle of its work
  State state_ = State::open;
};

}  // namespace moonpool::session
