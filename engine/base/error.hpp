#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/sqlstate.hpp"

namespace moonpool {

// Why an operation failed, from the caller's point of view. `server` means that PostgreSQL answered
// with an error; which one is then told by the SQLSTATE and by Error::name().
enum class ErrorKind : std::uint8_t {
  usage,            // the call itself is wrong: parameters, types, a handle after its end
  config,           // a configuration key or value is wrong
  environment,      // the machine lacks something: binaries, files, processes, permissions
  connection,       // a connection could not be made, or was lost
  timeout,          // the deadline of the call passed
  cancelled,        // somebody asked for the end: Ctrl-C, a cancelled group of coroutines
  pool_timeout,     // no connection became free in time
  pool_overloaded,  // too many callers wait for a connection already
  self_deadlock,    // the caller waits for a connection that it holds itself
  circuit_open,     // the breaker of the node refuses calls at the moment
  no_healthy_node,  // no node may take this statement
  no_primary,       // no node can take writes at the moment
  retry_exhausted,  // every allowed attempt failed; causes() lists them
  cluster_closed,   // the cluster was closed
  commit_unknown,   // COMMIT was sent and its answer was lost
  transaction,      // the transaction is over, failed, or is used in the wrong order
  protocol,         // the server's answer makes no sense
  server,           // PostgreSQL answered with an error
  script,           // a Lua script failed
  internal,         // a defect in this library
};

// What became of the work when an operation failed. Retry, breaker and router read nothing else.
enum class Outcome : std::uint8_t {
  not_sent,         // nothing was sent that could take effect
  rejected,         // the server answered with an error: nothing happened
  unknown,          // sent, but no final answer came
  committed_local,  // committed on this node, perhaps not replicated
};

// Where an operation was when it failed.
enum class Phase : std::uint8_t { prepare, acquire, connect, send, wait, commit };

// The fields of PostgreSQL's ErrorResponse. Any of them may be empty. They may quote user data.
struct ServerFields {
  std::string severity;  // ERROR, FATAL, PANIC: not localized
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
  std::string context;
  std::string schema;
  std::string table;
  std::string column;
  std::string data_type;
  std::string constraint;
  std::string internal_query;
  std::string routine;  // the server's function that raised it
  int position = 0;     // in characters, 1-based, into the statement; 0: none
  int internal_position = 0;
};

std::string_view to_string(ErrorKind kind);
std::string_view to_string(Outcome outcome);
std::string_view to_string(Phase phase);

// The one error type of the engine. Thrown below the C ABI; caught in three places: the retry loop,
// the transaction runner, the C ABI. Copies share their content and do not throw.
// Threads: copies are independent of each other; one object belongs to one thread at a time.
class Error final : public std::exception {
 public:
  Error(ErrorKind kind, std::string message);
  // PostgreSQL's answer: kind `server`, outcome `rejected`.
  explicit Error(ServerFields fields);
  // Moving copies, so what() can be asked of an error at any time.
  Error(Error const&) noexcept = default;
  Error& operator=(Error const&) noexcept = default;
  ~Error() override = default;

  // Adding to an error while it travels up. Each returns *this.
  Error& at(Phase phase, Outcome outcome);
  Error& on_node(std::string node);
  Error& in_query(std::string sql);
  Error& hint(std::string text);
  Error& attempt(int number);
  Error& because(std::vector<Error> causes);
  // Changes the kind and keeps everything else (a lost COMMIT becomes commit_unknown).
  Error& as(ErrorKind kind, std::string message);

  ErrorKind kind() const noexcept;
  // The name users see: the kind, or for `server` PostgreSQL's condition name (unique_violation).
  std::string_view name() const noexcept;
  Outcome outcome() const noexcept;
  Phase phase() const noexcept;
  std::string const& message() const noexcept;
  std::string const& hint() const noexcept;
  std::string const& sqlstate() const noexcept;
  ServerFields const& server() const noexcept;
  std::string const& node() const noexcept;
  std::string const& query() const noexcept;
  int attempt() const noexcept;
  std::vector<Error> const& causes() const noexcept;
  RetryClass retry_class() const noexcept;

  // May the same work be run again without the risk of running twice?
  bool retryable() const noexcept;
  // Must the connection be closed after this?
  bool poisons_connection() const noexcept;
  // Could the work have taken effect although this error was raised?
  bool in_doubt() const noexcept;
  // Does this error speak of the node's health?
  bool trips_breaker() const noexcept;

  // One line: name, message, SQLSTATE, node.
  char const* what() const noexcept override;
  // what(), and below it the statement's line with a caret where PostgreSQL gave a position, then the
  // HINT and the earlier attempts. DETAIL is left out: it quotes values.
  std::string describe() const;

 private:
  struct Content;
  Content& edit();
  std::shared_ptr<Content> content_;
};

}  // namespace moonpool
