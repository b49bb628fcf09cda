#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/cluster.hpp"
#include "session/memory.hpp"
#include "session/transaction.hpp"
#include "session/watched.hpp"

namespace moonpool::session {

class Session;

// How long work that takes several calls may wait: the whole of it where the caller said so, else each
// call by itself.
struct Patience {
  Duration each = Duration::zero();
  Deadline whole;

  // `timeout` zero: none was given, each call has `habit`.
  static Patience of(Duration timeout, Duration habit);
  Deadline next() const { return whole.earlier_in(each); }
};

// A connection for longer than one call: one of its own, a pinned session's, or the transaction's, which
// runs nothing else meanwhile. Dropped in the middle of the work, the connection is brought back in step
// before anybody else uses it, or closed.
class Hold {
 public:
  Hold() = default;
  Hold(Hold const&) = delete;
  Hold& operator=(Hold const&) = delete;
  ~Hold() { leave(); }

  // `home`: whose pinned connection it is; nullptr: the pool's.
  void take(cluster::Placement placement, std::shared_ptr<cluster::Placement> home);
  // What is held for may write: unless learn_position() finds out where, later reads must be told.
  void writes_into(std::shared_ptr<Memory> memory) { memory_ = std::move(memory); }
  // REQUIRES: the transaction has lent its connection.
  void take(std::shared_ptr<Transaction> transaction);

  // Throws Error(transaction) when the transaction that lent it is over.
  wire::Connection& connection() const;
  std::string const& node() const { return node_; }
  // The node has answered, which is what its breaker wants to know, and the data flow.
  void begun() noexcept {
    placement_.passage.settle(nullptr);
    placement_.lease.drain_first();
  }
  // What observers see it as: the text, and what they call it. Before it takes anything.
  void shown_as(std::string sql, std::string_view operation) {
    sql_ = std::move(sql);
    operation_ = operation;
  }
  // From here on they see it. REQUIRES: it holds.
  void show(std::shared_ptr<Session const> session, int attempt);
  void count_rows(std::int64_t rows) { rows_ += rows; }
  // Asks where what was written landed, in a round trip of its own, so that later reads need not all go to the
  // primary. REQUIRES: the work has ended well, and nothing was given back yet. Never throws.
  async::Operation<void> learn_position(Deadline deadline);
  // Gives the connection back; `error` is what ended the work. Once; later calls do nothing.
  void end(Error const* error) noexcept;
  // The same for work that was left before its end.
  void leave() noexcept;
  bool held() const { return placement_.lease || transaction_; }

 private:
  cluster::Placement placement_;
  std::shared_ptr<cluster::Placement> home_;
  std::shared_ptr<Memory> memory_;
  std::shared_ptr<Transaction> transaction_;
  std::uint64_t loan_ = 0;
  std::string node_;
  std::string sql_;
  std::string_view operation_;  // a literal
  std::int64_t rows_ = 0;
  std::shared_ptr<Session const> session_;  // `watched_` leans on it
  std::optional<Watched> watched_;
};

// Begins the work on a connection that was found for it.
using Start = std::function<async::Operation<void>(wire::Connection&, Deadline)>;

}  // namespace moonpool::session
