// Helpers for the tests of programs that use Moonpool. Opt-in: nothing includes it.
//
//   std::string why;
//   auto const servers = moonpool::testing::Servers::start(0, &why);
//   if (!servers) return skip(why);                       // this machine has no PostgreSQL
//   auto const cluster = servers->connect();
//   moonpool::testing::sandbox(cluster, [](moonpool::Session& db) { … });   // leaves nothing behind
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moonpool/moonpool.hpp"

namespace moonpool {
inline namespace v1 {
namespace testing {

namespace detail {
inline std::string variable(char const* name) {
  char const* const value = std::getenv(name);
  return value != nullptr ? value : "";
}
struct StopServers {
  void operator()(mp_servers* servers) const noexcept { mp_servers_free(servers); }
};
}  // namespace detail

// A PostgreSQL to test against: what MOONPOOL_TEST_DSN names, else a private one of its own, which ends when this
// object does or its process, however that ends, and leaves nothing. Move-only.
class Servers {
 public:
  // Takes seconds. Gives nullopt, and says why, where no DSN is named and this machine has no PostgreSQL to
  // start: a test is skipped then. With MOONPOOL_TEST_REQUIRED set that is an Error, so that nothing is skipped
  // where nothing may be. Throws Error where servers are there and do not start.
  static std::optional<Servers> start(std::size_t replicas = 0, std::string* why = nullptr) {
    if (auto dsn = detail::variable("MOONPOOL_TEST_DSN"); !dsn.empty()) {
      return Servers(nullptr, std::move(dsn));
    }
    mp_error* error = nullptr;
    if (mp_servers_available(&error) == 0) {
      moonpool::detail::Handle<mp_error> const owned(error);
      Error const absent(owned.get());
      if (!detail::variable("MOONPOOL_TEST_REQUIRED").empty()) throw absent;
      if (why != nullptr) *why = absent.message + (absent.hint.empty() ? "" : "; " + absent.hint);
      return std::nullopt;
    }
    auto* const servers = mp_servers_start(replicas, &error);
    if (servers == nullptr) moonpool::detail::raise(error);
    return Servers(servers, "");
  }

  // Connection strings; of a named DSN that alone.
  std::string primary() const { return servers_ ? mp_servers_dsn(servers_.get(), 0) : dsn_; }
  std::vector<std::string> replicas() const {
    std::vector<std::string> out;
    for (std::size_t i = 1; servers_; ++i) {
      char const* const dsn = mp_servers_dsn(servers_.get(), i);
      if (dsn == nullptr) break;
      out.emplace_back(dsn);
    }
    return out;
  }
  // The cluster must not outlive this object: its servers would be gone.
  Cluster connect(Options options = {}) const {
    if (servers_) {
      options.primary = primary();
      options.replicas = replicas();
    } else {
      options.dsn = dsn_;
    }
    return Cluster::connect(options);
  }

 private:
  Servers(mp_servers* servers, std::string dsn) : servers_(servers), dsn_(std::move(dsn)) {}
  std::unique_ptr<mp_servers, detail::StopServers> servers_;
  std::string dsn_;
};

// Runs `work` inside one transaction that is always rolled back; gives what it returned, throws what it threw.
// Transactions in it become savepoints, and their options but the timeout are passed over. A statement that fails
// outside of one spoils the rest of the sandbox, as in any transaction.
template <class Work>
std::invoke_result_t<Work, Transaction&> sandbox(Session& session, Work&& work) {
  if (session.in_transaction()) {
    throw Error("a sandbox is opened on the database, not inside a transaction");
  }
  auto const op = moonpool::detail::finish(mp_begin(session.handle(), nullptr));
  Transaction transaction(mp_op_session(op.get()));
  moonpool::detail::Sandbox::of(transaction) = true;
  struct Undo {
    mp_session* session;
    ~Undo() {
      moonpool::detail::Handle<mp_op> const undo(mp_rollback(session));
      mp_op_run(undo.get());
    }
  } const undo{transaction.handle()};
  return work(transaction);
}
template <class Work>
std::invoke_result_t<Work, Transaction&> sandbox(Cluster const& cluster, Work&& work) {
  auto session = cluster.session();
  return sandbox(session, std::forward<Work>(work));
}

// Sees what runs on a cluster while it lives, on whichever session, and the lines of its log, which do not go to
// stderr meanwhile. Threads: one at a time.
class Watch {
 public:
  struct Statement {
    std::string text;  // normalised: literals and parameters are ?
    std::string node;
    std::string outcome;  // "ok", or what became of it
    std::string error;
    std::size_t statements = 1;  // of a batch
    long long rows = 0;
  };
  struct Line {
    int level = 0;  // mp_level
    std::string event;
    std::string message;
    std::vector<std::pair<std::string, std::string>> fields;
  };

  explicit Watch(Cluster const& cluster, int level = MP_LEVEL_INFO) {
    mp_observe_options options{};
    options.size = sizeof options;
    options.kinds = MP_EVENT_STATEMENT | MP_EVENT_LOG;
    options.level = level;
    options.capacity = 65536;
    mp_error* error = nullptr;
    observer_.reset(mp_observe(cluster.handle(), &options, &error));
    if (!observer_) moonpool::detail::raise(error);
  }

  // How many statements ran, those of batches one by one.
  std::size_t count() {
    take();
    std::size_t sum = 0;
    for (auto const& one : statements_) sum += one.statements;
    return sum;
  }
  // How many executions of a text that has this in it.
  std::size_t count(std::string_view part) {
    take();
    return static_cast<std::size_t>(std::count_if(
        statements_.begin(), statements_.end(),
        [part](Statement const& one) { return one.text.find(part) != std::string::npos; }));
  }
  std::vector<Statement> const& statements() {
    take();
    return statements_;
  }
  // Lines of one event ("pool.leak"), or all.
  std::vector<Line> lines(std::string_view event = "") {
    take();
    std::vector<Line> found;
    for (auto const& line : lines_) {
      if (event.empty() || line.event == event) found.push_back(line);
    }
    return found;
  }
  void clear() {
    take();
    statements_.clear();
    lines_.clear();
  }

 private:
  struct End {
    void operator()(mp_observer* observer) const noexcept { mp_observer_free(observer); }
  };

  void take() {
    while (auto const* const event = mp_observer_next(observer_.get())) {
      if (event->kind == MP_EVENT_LOG) {
        Line line{event->level, event->name, event->message, {}};
        for (std::size_t i = 0; i < event->field_count; ++i) {
          line.fields.emplace_back(event->fields[i].key, event->fields[i].value);
        }
        lines_.push_back(std::move(line));
      } else {
        statements_.push_back({event->statement, event->node, event->outcome, event->error,
                               static_cast<std::size_t>(event->statements), event->rows});
      }
    }
    if (mp_observer_lost(observer_.get()) > 0) {
      throw Error("events were dropped; look at a watch more often");
    }
  }

  std::unique_ptr<mp_observer, End> observer_;
  std::vector<Statement> statements_;
  std::vector<Line> lines_;
};

}  // namespace testing
}  // namespace v1
}  // namespace moonpool
