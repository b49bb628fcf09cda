#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/operation.hpp"
#include "wire/conninfo.hpp"
#include "wire/exchange.hpp"
#include "wire/reach.hpp"
#include "wire/statement.hpp"
#include "wire/statement_cache.hpp"

struct pg_conn;
struct pg_result;

namespace moonpool::wire {

class CopyIn;
class CopyOut;
class Listening;
class RawConnection;
class Shared;
class Stream;

enum class TransactionState : std::uint8_t { idle, active, open, failed, unknown };

// A NOTICE or WARNING of the server.
struct Notice {
  std::string severity;
  std::string sqlstate;
  std::string message;
  std::string routine;  // the server's function that raised it; not translated
  std::string detail;
  std::string hint;
};

// One connection in libpq's pipeline mode. It does not know pools, nodes or retry.
//
// Threads: one world; whoever holds it uses it alone. Operations of a connection run one at a time;
// destroying one that has begun leaves the connection mid-flight: then usable() is false until
// drain() has succeeded.
class Connection {
 public:
  struct Options {
    // Statements kept prepared on the server, at most; 0 never prepares (for poolers that share
    // server connections between transactions).
    std::size_t statement_cache = 256;
  };

  // Connects without blocking; names are resolved on a thread beside. Throws Error(connection) in
  // phase connect, with the SQLSTATE where the server gave one that is known by its message, or
  // Error(timeout). Secrets do not appear in errors.
  static async::Operation<std::unique_ptr<Connection>> open(Conninfo info, Options options,
                                                            Deadline deadline);

  ~Connection();
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  // Runs the statements in one round trip and gives one reply a statement, always. An error of the
  // server is a reply; so is a lost connection or a passed deadline, with an outcome that tells what
  // may have happened. Throws only what is wrong with the request itself (Error usage: NUL or broken
  // UTF-8 in text, too many parameters): then nothing was sent.
  // REQUIRES: usable(), request not empty and its last statement ends a segment.
  async::Operation<std::vector<Reply>> run(Request request, Deadline deadline);

  // The same for a request that outlives the operation, so that it can be run again elsewhere.
  async::Operation<std::vector<Reply>> run_borrowed(Request const& request, Deadline deadline);

  // One text that may hold several statements, by the simple protocol: they are one transaction
  // unless they say otherwise. Gives the replies up to the first error.
  async::Operation<std::vector<Reply>> run_script(std::string sql, Deadline deadline);

  // Has this statement ride ahead of the next request, at no round trip of its own. If the server
  // refuses it, the first segment of that request is not run (not_sent) and the connection is closed.
  void ride_ahead(std::string sql);

  // Has a question ride with the next request, in a segment of its own before or after it, at no round trip
  // of its own. It is no part of the request: when it fails, nothing else does. It gives one value.
  // Its text must live until then.
  void ask_ahead(std::string_view sql) { asks_.ahead = sql; }
  void ask_behind(std::string_view sql) { asks_.behind = sql; }
  // What the last run() was told; nullopt: nothing was asked, or no answer came.
  std::optional<std::string> const& told_ahead() const { return told_.ahead; }
  std::optional<std::string> const& told_behind() const { return told_.behind; }

  // Reads and drops what is still coming. True when the connection is in step again.
  async::Operation<bool> drain(Deadline deadline);

  // Asks the server to cancel what runs, on a thread beside, and waits until the request was
  // delivered. The result is then still to be read: drain().
  async::Operation<bool> cancel(Deadline deadline);

  // Out of pipeline mode and blocking, as others expect a connection; it is lent() until take_back(), and
  // not usable meanwhile. Throws Error.
  async::Operation<void> lend(Deadline deadline);
  pg_conn* lent() const;
  // False when it is not in step: it was lost, or left in the middle of something, and is to be closed.
  // A transaction may be open on it.
  bool take_back();
  // For who is not its holder.
  std::shared_ptr<Reach const> const& reach() const { return reach_; }

  // Without waiting: reads what has arrived while the connection was idle. False when it is dead.
  bool poll_alive();

  // Open, and no answer is owed.
  bool usable() const;
  bool is_open() const;
  TransactionState transaction_state() const;
  int backend_pid() const;
  int server_version() const;
  // As the server reports it: in_hot_standby, server_version, TimeZone, …; "" when it does not.
  std::string parameter(char const* name) const;
  // As of the server's last answer: is it a standby?
  bool on_standby();
  int socket() const;

  // Of the last run().
  std::vector<Notice> const& notices() const { return notices_; }
  // Calls `listener` with each notice from here on, as it comes, on the thread that reads it; nullptr: nobody. It
  // must be quick and must not use the connection.
  void hear(std::function<void(Notice const&)> listener) { listener_ = std::move(listener); }
  // Did the server say that it committed without waiting for its synchronous standbys to the end?
  bool committed_locally() const;
  // Did a command that outlives its transaction run (SET, LISTEN, PREPARE, …; known by its tag)? The
  // pool undoes it before the connection meets its next user.
  bool session_changed() const { return session_changed_; }
  void session_restored() { session_changed_ = false; }

  StatementCache const& statement_cache() const { return cache_; }
  // The engine's count of round trips: requests sent. For statistics and tests.
  std::uint64_t round_trips() const { return round_trips_; }

 private:
  // What reads or writes over several operations keeps the same books.
  friend class CopyIn;
  friend class CopyOut;
  friend class Exchange;
  friend class Listening;
  friend class Shared;
  friend class Stream;

  // An answer the server owes: to what rode ahead (clearing may fail, a rider must not), to a statement
  // of the request, to a Sync of either.
  struct Expected {
    enum class What : std::uint8_t {
      clearing,
      cleared,
      rider,
      ask,  // index: kAhead or kBehind
      prepare,
      statement,
      sync
    } what = What::statement;
    std::size_t index = 0;   // of the statement in the request
    std::string name;        // prepare, statement: under which it is prepared; empty: plain
    Exchange* of = nullptr;  // whom it belongs to; nullptr: nobody waits for it
  };

  static constexpr std::size_t kAhead = 0;
  static constexpr std::size_t kBehind = 1;

  Connection(std::unique_ptr<RawConnection> raw, Options options);
  static void keep_notice(void* context, pg_result const* result);
  // Sends it; false when the connection is lost.
  // `alone`: nothing is sent behind it before its end.
  bool begin(Exchange& exchange, Asks const& asks, bool alone);
  // One answer that is here: takes it to whom it belongs. REQUIRES: expected_ not empty, libpq not busy.
  void take_answer();
  void take_error(Error error);
  void take_refusal(Error refused);
  void expect(Expected::What what, std::size_t index, std::string name);
  void answered();
  void lose(Error const& error);  // the connection, for everybody who waits on it
  bool send_all(Request const& request, Asks const& asks);
  bool send_all(Request const& request) { return send_all(request, {}); }
  bool send_alone(Statement const& statement);
  bool send_ask(std::string_view sql, std::size_t which);
  void note_ask(Expected const& expected, pq::ResultHandle result);
  using Plan = StatementCache::Plan;
  Plan plan_for(Statement const& statement);
  bool send_statement(Statement const& statement, std::size_t index, Plan const& plan);
  bool send_riders();
  bool send_sync(Expected::What what);
  // Until libpq can give a result without blocking; anything but `ready` is the end of waiting. By hand:
  // while is_busy(), wait for more_to_read() and tell read_more() how that ended.
  async::Operation<async::Wakeup> wait_for_result(Deadline deadline);
  bool is_busy() const;
  async::Wait more_to_read(Deadline deadline);
  async::Wakeup read_more(async::Wakeup wakeup, Deadline deadline);
  Error loss(async::Wakeup wakeup);
  async::Operation<void> leave_pipeline(Deadline deadline);
  void return_to_pipeline();
  void end_alone();
  async::Operation<void> start_copy(std::string const& sql, bool in, Deadline deadline);
  async::Operation<bool> abandon_copy(Deadline deadline);
  void note_tag(std::string_view tag, bool gave_rows);
  void note_error(Expected const& expected, Error const& error);

  std::unique_ptr<RawConnection> raw_;
  std::shared_ptr<Reach const> reach_;
  std::deque<Expected> expected_;  // answers owed by the server, in order
  std::vector<std::string> ahead_;
  Asks asks_;
  Told told_;
  Exchange* sending_ = nullptr;  // whose answers are expected from here on
  std::vector<Notice> notices_;
  std::function<void(Notice const&)> listener_;
  void (*others_notices_)(void*, pg_result const*) = nullptr;  // libpq's own receiver
  StatementCache cache_;
  std::vector<pq::Value> values_;  // of the statement that is being sent
  std::uint64_t round_trips_ = 0;
  bool session_changed_ = false;
  bool outside_ = false;  // of pipeline mode, for a script, a COPY, or a statement alone
  bool unready_ = false;  // a rider was refused
  bool may_be_standby_ = true;
  bool lost_ = false;
};

}  // namespace moonpool::wire
