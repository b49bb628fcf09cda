#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"

namespace moonpool::observe {

// What the engine does that somebody may want to watch.
enum class Kind : std::uint8_t {
  statement,    // one execution of one or several statements on a node; each attempt is one
  transaction,  // from its begin to its end
  acquire,      // finding a connection for a call, waiting for it included
  connect,      // opening a connection
  use,          // how long a connection was lent
  recover,      // a connection whose work was cut short is brought back in step, or closed
  probe,        // a look at a node
  retry,        // a call is about to be run again
  role,         // a node is something else than it was
  breaker,      // a breaker changed its state
  audit,        // a statement that may write, or a transaction, has ended
  // What the server says beside its answers. The bit between is a line of the log's.
  notice = 12,
};
// Those before the notice.
inline constexpr std::size_t kKinds = 11;

enum class Stage : std::uint8_t {
  begin,
  end,    // with what took it and what became of it
  point,  // of what takes no time
};

// What a caller said of itself: carried into everything that its calls cause.
struct Tag {
  std::string correlation_id;
  std::string traceparent;  // W3C trace context: 00-<trace>-<span>-<flags>

  bool empty() const { return correlation_id.empty() && traceparent.empty(); }
  bool operator==(Tag const&) const = default;
};

// A notice in the server's words, which may quote values.
struct Said {
  std::string_view severity;  // WARNING, NOTICE, INFO, LOG, DEBUG
  std::string_view sqlstate;
  std::string_view message;
  std::string_view detail;
  std::string_view hint;
};

// One thing that begins, ends or happens. What is not known, or says nothing of this kind, is empty. Values
// of parameters and secrets are never in it, but for a notice. Everything leans on who tells it: copy what is
// to be kept.
struct Activity {
  Kind kind = Kind::statement;
  Stage stage = Stage::point;
  std::uint64_t number = 0;  // the same at the begin and at the end; 0: has none
  std::string_view node = {};
  std::string_view purpose = {};      // write, read, fallback
  Duration took = Duration::zero();   // at the end
  Error const* error = nullptr;       // at the end; nullptr: it went well
  std::string_view operation = {};    // SELECT, INSERT, …; BATCH, SCRIPT
  std::string_view sql = {};          // as written, so it may hold literals: see fingerprint()
  std::size_t statements = 0;         // how many
  std::int64_t rows = 0;              // given or touched
  int attempt = 0;                    // 1 is the first
  bool writes = false;                // may write, as far as its text tells
  Tag const* tag = nullptr;           // nullptr: the caller said nothing
  std::string_view who = {};          // the context that was laid on: "role=app, app.user_id=7"
  std::string_view from = {};         // of a change
  std::string_view to = {};           // of a change; of a transaction, recover: what became of it
  Duration pause = Duration::zero();  // of a retry: before the next attempt
  std::uint32_t timeline = 0;         // of a role
  Said const* said = nullptr;         // of a notice
};

std::string_view to_string(Kind kind);
std::string_view to_string(Stage stage);
// "ok", or the outcome of the error.
std::string_view outcome_of(Activity const& activity);

// A set of kinds.
using Kinds = std::uint32_t;
constexpr Kinds kinds_of(Kind kind) { return Kinds{1} << static_cast<unsigned>(kind); }
inline constexpr Kinds kAllKinds = ((Kinds{1} << kKinds) - 1) | kinds_of(Kind::notice);

struct Event;

// Who watches. Called on whichever thread does the work, several at once, and while it waits: quick, and
// without calls into the cluster that is watched.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void see(Activity const& activity) noexcept = 0;
  // A line of the log, of the level that was asked for or above.
  virtual void read(Event const& line) noexcept = 0;
};

}  // namespace moonpool::observe
