// What the engine does, for the C++ face: events, lines of the log, who asked. Included by moonpool.hpp.
//
//   auto watching = cluster.observe(moonpool::EventKind::statement, [&](moonpool::Event const& event) {
//     histogram.record(event.operation, event.took);
//   });                                               // until `watching` goes
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "moonpool/error.hpp"

namespace moonpool {
inline namespace v1 {

enum class EventKind : std::uint32_t {
  statement = MP_EVENT_STATEMENT,      // one execution of one or several statements, each attempt
  transaction = MP_EVENT_TRANSACTION,  // `to`: committed, rolled_back, unknown, abandoned
  acquire = MP_EVENT_ACQUIRE,          // finding a connection for a call
  connect = MP_EVENT_CONNECT,          // opening a connection
  use = MP_EVENT_USE,                  // how long a connection was lent
  recover = MP_EVENT_RECOVER,          // work that was cut short; `to`: in_step, closed
  probe = MP_EVENT_PROBE,              // a look at a node
  retry = MP_EVENT_RETRY,              // a call is about to be run again, after `pause`
  role = MP_EVENT_ROLE,                // a node is something else than it was: `from`, `to`
  breaker = MP_EVENT_BREAKER,          // a breaker changed its state: `from`, `to`
  audit = MP_EVENT_AUDIT,              // a statement that may write, or a transaction, has ended
  log = MP_EVENT_LOG,                  // a line of the log
  notice = MP_EVENT_NOTICE,            // what the server says beside its answers, as it comes
};

// Several kinds: EventKind::role | EventKind::breaker.
class EventKinds {
 public:
  constexpr EventKinds(EventKind kind) : bits_(static_cast<std::uint32_t>(kind)) {}
  static constexpr EventKinds all() { return EventKinds(MP_EVENT_ALL); }
  constexpr bool has(EventKind kind) const {
    return (bits_ & static_cast<std::uint32_t>(kind)) != 0;
  }
  constexpr std::uint32_t bits() const { return bits_; }
  friend constexpr EventKinds operator|(EventKinds a, EventKinds b) {
    return EventKinds(a.bits_ | b.bits_);
  }

 private:
  constexpr explicit EventKinds(std::uint32_t bits) : bits_(bits) {}
  std::uint32_t bits_;
};
constexpr EventKinds operator|(EventKind a, EventKind b) { return EventKinds(a) | EventKinds(b); }

enum class Stage { begin = MP_STAGE_BEGIN, end = MP_STAGE_END, point = MP_STAGE_POINT };
enum class Level {
  trace = MP_LEVEL_TRACE,
  debug = MP_LEVEL_DEBUG,
  info = MP_LEVEL_INFO,
  warning = MP_LEVEL_WARNING,
  error = MP_LEVEL_ERROR
};

// What has begun, ended or happened. What is not known, or says nothing of this kind, is empty or 0. Values of
// parameters, literals of statements and secrets are never in it. Its text leans on the call that gave it (of
// an EventQueue: until the next one): copy what is to be kept. All of it ends in NUL.
struct Event {
  EventKind kind;
  Stage stage;
  Level level;           // of a line
  int attempt;           // 1 is the first
  std::uint64_t number;  // the same at the begin and at the end of one thing
  std::chrono::system_clock::time_point at;
  std::chrono::nanoseconds took;   // at the end
  std::chrono::nanoseconds pause;  // of a retry
  long long rows;                  // given or touched
  std::uint64_t statements;        // how many
  std::uint32_t timeline;          // of a role
  bool writes;                     // may write, as far as the text tells
  std::string_view name;           // of the kind: "statement"; of a line: "pool.leak"
  std::string_view node;
  std::string_view purpose;    // write, read, fallback
  std::string_view operation;  // SELECT, INSERT, …; BATCH, SCRIPT
  std::string_view statement;  // normalised: literals are ?
  std::string_view fingerprint;
  std::string_view outcome;  // at the end: ok, not_sent, rejected, unknown, committed_local
  std::string_view error;    // the kind of error, or PostgreSQL's condition
  std::string_view sqlstate;
  std::string_view who;  // the context laid on: "role=app, app.user_id=7"
  std::string_view from;
  std::string_view to;
  std::string_view correlation_id;
  std::string_view traceparent;
  std::string_view message;  // of a line, of a notice

  explicit Event(mp_event const& event)
      : kind(static_cast<EventKind>(event.kind)),
        stage(static_cast<Stage>(event.stage)),
        level(static_cast<Level>(event.level)),
        attempt(event.attempt),
        number(event.number),
        at(std::chrono::round<std::chrono::system_clock::duration>(
            std::chrono::duration<double>(event.at))),
        took(event.took),
        pause(event.pause),
        rows(event.rows),
        statements(event.statements),
        timeline(event.timeline),
        writes(event.writes != 0),
        name(event.name),
        node(event.node),
        purpose(event.purpose),
        operation(event.operation),
        statement(event.statement),
        fingerprint(event.fingerprint),
        outcome(event.outcome),
        error(event.error),
        sqlstate(event.sqlstate),
        who(event.who),
        from(event.from),
        to(event.to),
        correlation_id(event.correlation_id),
        traceparent(event.traceparent),
        message(event.message),
        fields_(event.fields),
        field_count_(event.field_count) {}

  bool failed() const { return !error.empty(); }
  // Of a line, of a notice (severity, detail, hint): its fields, in their order, by take(key, value); the value
  // of one, "" where it has none such.
  template <class Take>
  void each_field(Take&& take) const {
    for (std::size_t i = 0; i < field_count_; ++i) {
      take(std::string_view(fields_[i].key), std::string_view(fields_[i].value));
    }
  }
  std::string_view field(std::string_view key) const {
    for (std::size_t i = 0; i < field_count_; ++i) {
      if (key == fields_[i].key) return fields_[i].value;
    }
    return {};
  }

 private:
  mp_field const* fields_;
  std::size_t field_count_;
};

struct ObserveOptions {
  Level level = Level::info;  // of EventKind::log: the least that is told
  bool begins = false;        // begins are told too, not only ends
};

namespace detail {

struct FreeObserver {
  void operator()(mp_observer* observer) const noexcept { mp_observer_free(observer); }
};
using ObserverHandle = std::unique_ptr<mp_observer, FreeObserver>;

// How deep this thread is in functions of observers.
inline int& telling() {
  thread_local int depth = 0;
  return depth;
}

// The function of an observer, and what became of its calls.
class Told {
 public:
  virtual ~Told() = default;

  static void call(mp_event const* event, void* data) noexcept {
    auto& told = *static_cast<Told*>(data);
    ++telling();
    try {
      told.take(Event(*event));
    } catch (std::exception const& failure) {
      told.failed(failure.what());
    } catch (...) {
      told.failed("something that is no std::exception");
    }
    --telling();
  }
  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  virtual void take(Event const& event) = 0;
  void failed(char const* why) noexcept {
    if (failures_.fetch_add(1, std::memory_order_relaxed) != 0) return;
    std::fprintf(stderr, "moonpool: a function that observes events threw: %s\n", why);
  }
  std::atomic<std::uint64_t> failures_{0};
};

template <class Function>
class ToldTo final : public Told {
 public:
  template <class Given>
  explicit ToldTo(Given&& function) : function_(std::forward<Given>(function)) {}

 private:
  void take(Event const& event) override { std::invoke(function_, event); }
  Function function_;
};

inline mp_observe_options observe_options(EventKinds kinds, ObserveOptions const& wishes) {
  mp_observe_options options{};
  options.size = sizeof options;
  options.kinds = kinds.bits() | (wishes.begins ? static_cast<std::uint32_t>(MP_EVENT_BEGINS) : 0U);
  options.level = static_cast<int>(wishes.level);
  return options;
}

}  // namespace detail

// For as long as it lives its function is called with each event of its kinds: on whichever thread met the
// event, several at once, while the engine waits. The function must be quick, guard what it shares, and not
// call into the cluster; who wants to do that takes an EventQueue. What it throws ends there: the event counts
// as told, failures() counts it, and the first one is said on stderr. Move-only; may outlive the cluster.
class Observation {
 public:
  Observation() = default;
  Observation(Observation&&) noexcept = default;
  Observation& operator=(Observation&& other) noexcept {
    stop();
    told_ = std::move(other.told_);
    observer_ = std::move(other.observer_);
    return *this;
  }
  ~Observation() { stop(); }

  // Once this returns the function is not called any more, and what it held is let go of. Called in the middle
  // of a function that observes it would wait for itself: that is Error "usage" instead; from a destructor, the
  // end of the program.
  void stop() {
    if (observer_ && detail::telling() > 0) {
      throw Error("an observation is not ended in the middle of a function that observes");
    }
    observer_.reset();
    told_.reset();
  }
  explicit operator bool() const { return observer_ != nullptr; }
  // How often its function threw.
  std::uint64_t failures() const { return told_ ? told_->failures() : 0; }

 private:
  friend class Cluster;
  Observation(std::unique_ptr<detail::Told> told, mp_observer* observer)
      : told_(std::move(told)), observer_(observer) {}

  // The function is let go of after the observer that calls it.
  std::unique_ptr<detail::Told> told_;
  detail::ObserverHandle observer_;
};

// Keeps events for whoever asks, on the asker's thread, which may use the cluster for what it learns. When it is
// full the oldest is dropped. Move-only. Threads: one at a time.
class EventQueue {
 public:
  // The oldest; nullopt: there is none. Does not wait. Leans on the queue, until the next call.
  std::optional<Event> next() {
    auto const* const event = mp_observer_next(observer_.get());
    if (event == nullptr) return std::nullopt;
    return Event(*event);
  }
  std::size_t waiting() const { return mp_observer_waiting(observer_.get()); }
  // How many were dropped.
  std::uint64_t lost() const { return mp_observer_lost(observer_.get()); }

 private:
  friend class Cluster;
  explicit EventQueue(mp_observer* observer) : observer_(observer) {}
  detail::ObserverHandle observer_;
};

// Who asks. For as long as it lives, every session that is made on its thread says so, in every event and line
// that its calls cause: calls on the Cluster itself, each of which makes one, and Cluster::session(). An inner
// one counts instead of the outer one. A session keeps what it was made with, on whatever thread it is used. REQUIRES: to
// go on the thread, and in the reverse of the order, in which it was made: it is for a function's body, not for
// a coroutine that changes threads; there a session with settings says it.
class Correlation {
 public:
  // Up to 200 bytes on one line; `traceparent` as W3C has it. Throws Error "config" where they are not.
  explicit Correlation(std::string_view id, std::string_view traceparent = {})
      : config_(mp_config_new()), outer_(current()) {
    set("correlation_id", id);
    set("traceparent", traceparent);
    current() = this;
  }
  Correlation(Correlation const&) = delete;
  Correlation& operator=(Correlation const&) = delete;
  ~Correlation() { current() = outer_; }

 private:
  friend class Cluster;
  static Correlation*& current() {
    thread_local Correlation* innermost = nullptr;
    return innermost;
  }
  static mp_config const* habits() { return current() ? current()->config_.get() : nullptr; }
  void set(char const* key, std::string_view value) {
    mp_error* error = nullptr;
    if (mp_config_set(config_.get(), key, value.data(), value.size(), &error) == 0) {
      detail::raise(error);
    }
  }

  detail::Handle<mp_config> config_;
  Correlation* outer_;
};

}  // namespace v1
}  // namespace moonpool
