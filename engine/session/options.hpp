#pragma once

#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "observe/activity.hpp"
#include "observe/comment.hpp"
#include "policy/retry.hpp"
#include "policy/routing.hpp"
#include "session/context.hpp"

namespace moonpool::session {

enum class Share : std::uint8_t { off, reads, all };

// How a session's calls behave unless a call says otherwise.
struct Habits {
  // For every call that names no timeout of its own. Default 30 s.
  Duration timeout = std::chrono::seconds(30);
  // Keeps one connection for writes from the first statement on: for what belongs to a connection.
  bool pinned = false;
  // A statement that took longer is logged, its literals and parameters masked. Zero, the default: none is.
  Duration slow_query = Duration::zero();
  // Which statements may be sent on a connection behind those of others where connections are scarce: see
  // ticket_of(). Default: reads. Writes that wait for each other's locks hold up whoever is behind them.
  Share share = Share::reads;
  // How calls outside transactions are repeated where that is safe.
  policy::RetryOptions retry;
  // What reads ask of the node that serves them.
  policy::Reading reading = {};
  // What the caller says of itself, for observers and the log.
  observe::Tag tag = {};
  // What is said in a comment behind each statement, the same every time, so that it stays prepared.
  observe::Marks marks = {};
  // The tag is said there too, when its trace is sampled. Such a statement is never prepared.
  bool trace_comment = false;
  // A test mode: the first COMMIT of every transaction that can be run again is a rollback instead, and fails
  // as a serialization failure does. Finds functions that must not be run twice. Default false.
  bool test_rerun = false;
  // What is laid on every statement. COPY and scripts take it inside a transaction only.
  Context context = {};
};

enum class Isolation : std::uint8_t {
  server_default,
  read_committed,
  repeatable_read,
  serializable
};

struct TransactionOptions {
  Isolation isolation = Isolation::server_default;
  bool read_only = false;
  bool deferrable = false;
  Duration timeout = Duration::zero();  // for the whole transaction; zero: the session's habit
  std::string place = {};               // where it was begun, for the warning about leaks
  // A COMMIT whose answer was lost is looked up: see exactly_once.hpp.
  bool exactly_once = false;
  // The how-manieth run of a function that can be run again this is; 0: of none.
  int attempt = 0;
};

// "BEGIN ISOLATION LEVEL … READ ONLY DEFERRABLE".
std::string begin_statement(TransactionOptions const& options);

}  // namespace moonpool::session
