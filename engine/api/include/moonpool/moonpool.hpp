// Moonpool for C++ programs. Header-only over moonpool.h, so nothing of the library's own C++ crosses
// its border. The parts: Cluster (connect, thread-safe), Session (what statements run on; one thread at
// a time), Transaction (a Session too), Rows / Row / Field (answers), Error (the one exception), and
// ScriptHost in moonpool/script_host.hpp (Lua inside your program).
//
//   auto cluster = moonpool::Cluster::connect({.primary = dsn, .replicas = {replica_dsn}});
//   auto rows = cluster.query("select id, name from users where age > $1", 18);
//   for (auto const& row : rows) use(row["id"].as<long>(), row["name"].as<std::string_view>());
//   cluster.transaction([](moonpool::Transaction& tx) { tx.exec("…"); });
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moonpool/error.hpp"
#include "moonpool/listen.hpp"
#include "moonpool/observe.hpp"
#include "moonpool/rows.hpp"
#include "moonpool/settings.hpp"
#include "moonpool/stream.hpp"

namespace moonpool {
inline namespace v1 {

enum class Isolation { server_default, read_committed, repeatable_read, serializable };

struct TransactionOptions {
  Isolation isolation = Isolation::server_default;
  bool read_only = false;
  bool deferrable = false;
  // For all of it, repetitions and pauses included; 0: each statement has the session's.
  std::chrono::milliseconds timeout{0};
  // A COMMIT whose answer was lost is looked up, at the cost of one row: what was committed returns, what is
  // proven undone runs again. Without it that is Error "commit_unknown".
  bool exactly_once = false;
};

// A parameter: numbers, booleans, text, nullptr and std::nullopt for NULL, std::optional of them.
class Param {
 public:
  Param(std::nullptr_t) {}
  Param(std::nullopt_t) {}
  Param(bool value) : text_(value ? "t" : "f") {}
  Param(std::string value) : text_(std::move(value)) {}
  Param(std::string_view value) : text_(std::string(value)) {}
  Param(char const* value) : text_(std::string(value)) {}
  template <class T>
  requires(std::integral<T> || std::floating_point<T>) Param(T value) {
    std::array<char, 64> buffer{};
    auto const end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    text_.emplace(buffer.data(), end);
  }
  template <class T>
  Param(std::optional<T> value) {
    if (value) *this = Param(std::move(*value));
  }

  mp_value view() const {
    return text_ ? mp_value{text_->data(), text_->size(), 0} : mp_value{nullptr, 0, 0};
  }

 private:
  std::optional<std::string> text_;
};

class Transaction;
namespace detail {
struct Sandbox;
}

// Where statements run. Service code takes a Session& without knowing whether it stands for the
// cluster or for a transaction. Parameters are $1, $2, … Every call throws Error; every call ends by
// its deadline. Threads: one at a time.
class Session {
 public:
  explicit Session(mp_session* session) : session_(session) {}

  // Rows affected. On the primary.
  template <class... Values>
  long long exec(std::string_view sql, Values&&... values) {
    return run(sql, MP_WRITE, {Param(std::forward<Values>(values))...}).affected();
  }
  template <class... Values>
  Rows query(std::string_view sql, Values&&... values) {
    return run(sql, MP_WRITE, {Param(std::forward<Values>(values))...});
  }
  // May run on a replica; is read-only wherever it runs.
  template <class... Values>
  Rows read_query(std::string_view sql, Values&&... values) {
    return run(sql, MP_READ, {Param(std::forward<Values>(values))...});
  }

  // Rows as the loop asks for them; on the primary, and on a replica where one may answer.
  template <class... Values>
  RowStream stream(std::string_view sql, Values&&... values) {
    return open_stream(sql, MP_WRITE, {Param(std::forward<Values>(values))...});
  }
  template <class... Values>
  RowStream read_stream(std::string_view sql, Values&&... values) {
    return open_stream(sql, MP_READ, {Param(std::forward<Values>(values))...});
  }

  // Stores a range of tuples by COPY, all of them or, when anything throws, none; gives their number.
  template <class Range>
  long long copy_in(std::string_view table, std::initializer_list<std::string_view> columns,
                    Range&& rows) {
    auto const sql = detail::copy_in_sql(table, columns);
    auto const op = detail::finish(mp_copy_in(session_.get(), sql.data(), sql.size(), nullptr));
    detail::Handle<mp_copy> const copy(mp_op_copy(op.get()));
    return detail::copy_rows(copy.get(), columns.size(), std::forward<Range>(rows));
  }
  // Calls `take` with each piece of the data of one COPY … TO STDOUT, pieces of whole rows; gives the
  // number of rows. What `take` throws ends it.
  template <class Take>
  long long copy_out(std::string_view sql, Take&& take) {
    auto const op = detail::finish(mp_copy_out(session_.get(), sql.data(), sql.size(), nullptr));
    detail::Handle<mp_copy> const copy(mp_op_copy(op.get()));
    for (;;) {
      auto const got = detail::finish(mp_copy_get(copy.get()));
      detail::Handle<mp_text> const text(mp_op_text(got.get()));
      std::size_t length = 0;
      char const* const data = mp_text_data(text.get(), &length);
      if (length == 0) return mp_op_affected(got.get());
      take(std::string_view(data, length));
    }
  }

  // Listens to channels, which are names; not inside a transaction.
  Listener listen(std::initializer_list<std::string_view> channels,
                  ListenOptions const& options = {}) {
    std::vector<mp_value> names;
    names.reserve(channels.size());
    for (auto const channel : channels) names.push_back({channel.data(), channel.size(), 0});
    mp_listen_options wishes{};
    wishes.size = sizeof wishes;
    wishes.timeout = std::chrono::duration<double>(options.timeout).count();
    wishes.probe = std::chrono::duration<double>(options.probe).count();
    auto const op = detail::finish(mp_listen(session_.get(), names.data(), names.size(), &wishes));
    return Listener(mp_op_listener(op.get()));
  }

  // Commits when `work` returns and gives what it returned; rolls back when it throws, and throws on. What the
  // server undid and asks to do again (serialization failures, deadlocks, a connection lost before COMMIT)
  // runs `work` again, `retries` times, after growing random pauses: outside of the database it must do nothing
  // that may not happen twice. Inside a transaction it is a savepoint, which takes no options and is not run
  // again alone.
  template <class Work>
  std::invoke_result_t<Work, Transaction&> transaction(Work&& work,
                                                       TransactionOptions const& options = {},
                                                       int retries = 3);

  // What a later read must have seen of this session's writes, as text that may travel to another session, of
  // another process too: after() there. "" before the first write.
  std::string token() const {
    detail::Handle<mp_text> const text(mp_session_token(session_.get()));
    std::size_t length = 0;
    char const* const data = mp_text_data(text.get(), &length);
    return {data, length};
  }
  void after(std::string_view token) {
    mp_error* error = nullptr;
    if (mp_session_observe(session_.get(), token.data(), token.size(), &error) == 0) {
      detail::raise(error);
    }
  }

  // The same with other settings: timeout, consistency, max_lag, max_lag_bytes, fallback, slow_query, retry.*,
  // correlation_id, traceparent, tags.*, as.*. Inside a transaction it is the same transaction; what one has
  // written the other sees.
  Session with(Settings const& settings) const {
    auto const config = detail::config_of(settings);
    mp_error* error = nullptr;
    auto* const session = mp_session_with(session_.get(), config.get(), &error);
    if (session == nullptr) detail::raise(error);
    Session other(session);
    other.in_sandbox_ = in_sandbox_;
    return other;
  }

  bool in_transaction() const { return mp_session_in_transaction(session_.get()) != 0; }
  void ping() { detail::finish(mp_ping(session_.get())); }
  mp_session* handle() const { return session_.get(); }

 private:
  Rows run(std::string_view sql, int route, std::initializer_list<Param> params) {
    std::vector<mp_value> values;
    values.reserve(params.size());
    for (auto const& param : params) values.push_back(param.view());
    mp_statement const statement{sql.data(), sql.size(), values.data(), values.size()};
    mp_run_options options{};
    options.size = sizeof options;
    options.route = route;
    auto const op = detail::finish(mp_run(session_.get(), &statement, 1, &options));
    return Rows(mp_op_result(op.get(), 0));
  }

  RowStream open_stream(std::string_view sql, int route, std::initializer_list<Param> params) {
    std::vector<mp_value> values;
    values.reserve(params.size());
    for (auto const& param : params) values.push_back(param.view());
    mp_statement const statement{sql.data(), sql.size(), values.data(), values.size()};
    mp_run_options options{};
    options.size = sizeof options;
    options.route = route;
    auto const op = detail::finish(mp_stream_open(session_.get(), &statement, &options));
    return RowStream(mp_op_stream(op.get()));
  }

  friend struct detail::Sandbox;
  detail::Handle<mp_session> session_;
  bool in_sandbox_ = false;
};

// A transaction, or a savepoint inside one, for as long as its function runs.
class Transaction : public Session {
 public:
  using Session::Session;
};

namespace detail {

// Of moonpool/testing.hpp: code in a sandbox must not notice that its transactions are savepoints.
struct Sandbox {
  static bool& of(Session& session) { return session.in_sandbox_; }
};

// One attempt. What `work` threw matters more than what became of the rollback.
template <class Work>
std::invoke_result_t<Work, Transaction&> run_transaction(Session& outer, mp_tx_options const& begin,
                                                         Work& work) {
  auto const op = finish(mp_begin(outer.handle(), &begin));
  Transaction transaction(mp_op_session(op.get()));
  Sandbox::of(transaction) = Sandbox::of(outer);
  auto guarded = [&]() -> std::invoke_result_t<Work, Transaction&> {
    try {
      return work(transaction);
    } catch (...) {
      Handle<mp_op> const undo(mp_rollback(transaction.handle()));
      mp_op_run(undo.get());
      throw;
    }
  };
  if constexpr (std::is_void_v<std::invoke_result_t<Work, Transaction&>>) {
    guarded();
    finish(mp_commit(transaction.handle()));
  } else {
    auto result = guarded();
    finish(mp_commit(transaction.handle()));
    return result;
  }
}

// A random part of 20 ms, 40 ms, … 1 s: those who failed together do not come back together.
inline double pause_after(int attempt) {
  thread_local std::minstd_rand random(std::random_device{}());
  auto const most = std::min(1.0, 0.02 * static_cast<double>(1 << std::min(attempt - 1, 10)));
  return std::uniform_real_distribution<double>(0, most)(random);
}

}  // namespace detail

template <class Work>
std::invoke_result_t<Work, Transaction&> Session::transaction(Work&& work,
                                                              TransactionOptions const& options,
                                                              int retries) {
  // Inside another transaction a conflict has doomed that one too: it must be run again whole.
  bool const nested = in_transaction();
  if (nested) retries = 0;
  auto wishes = options;
  if (nested && in_sandbox_) {
    wishes = {};
    wishes.timeout = options.timeout;
  }
  bool const plain = wishes.isolation == Isolation::server_default && !wishes.read_only &&
                     !wishes.deferrable && !wishes.exactly_once;
  if (nested && !plain) {
    throw Error("a transaction inside a transaction is a savepoint, which takes no options");
  }
  mp_tx_options begin{};
  begin.size = sizeof begin;
  begin.isolation = static_cast<int>(wishes.isolation);
  begin.read_only = wishes.read_only ? 1 : 0;
  begin.deferrable = wishes.deferrable ? 1 : 0;
  begin.exactly_once = wishes.exactly_once ? 1 : 0;
  begin.timeout = std::chrono::duration<double>(wishes.timeout).count();
  double const until = mp_clock() + begin.timeout;
  for (int attempt = 1;; ++attempt) {
    begin.attempt = retries > 0 ? attempt : 0;
    double pause = 0;
    try {
      return detail::run_transaction(*this, begin, work);
    } catch (Error const& error) {
      bool const undone = error.retryable && error.outcome == "rejected";
      if (!undone || attempt > retries) throw;
      if (mp_session_may_repeat(handle(), error.sqlstate.c_str()) == 0) throw;
      pause = detail::pause_after(attempt);
      if (options.timeout.count() > 0) {
        begin.timeout = until - mp_clock() - pause;
        if (begin.timeout <= 0) throw;
      }
    }
    mp_sleep(pause);
  }
}

// What an operator may say of a node's breakers: nobody is let to it, everybody is, or they decide.
enum class Breaker {
  automatic = MP_BREAKER_AUTOMATIC,
  open = MP_BREAKER_OPEN,
  closed = MP_BREAKER_CLOSED
};

// Many connections to a primary and its replicas. Threads: any; a call from each thread runs on a
// session of its own.
class Cluster {
 public:
  // Opens no connection yet. Without servers named: MOONPOOL_DSN, DATABASE_URL, libpq's environment,
  // the embedded development cluster.
  static Cluster connect(Options const& options = {}) {
    auto const config = detail::config_of(options);
    mp_error* error = nullptr;
    if (!options.log_to) {
      auto* const cluster = mp_connect(config.get(), &error);
      if (cluster == nullptr) detail::raise(error);
      return Cluster(cluster, {});
    }
    auto told = std::make_unique<detail::ToldTo<std::function<void(Event const&)>>>(options.log_to);
    auto wishes = detail::observe_options(EventKind::log, {options.log_level, false});
    wishes.call = detail::Told::call;
    wishes.data = static_cast<detail::Told*>(told.get());
    mp_observer* observer = nullptr;
    auto* const cluster = mp_connect_observed(config.get(), &wishes, &observer, &error);
    if (cluster == nullptr) detail::raise(error);
    return Cluster(cluster, Observation(std::move(told), observer));
  }

  // With settings of its own where some are given: those of Session::with.
  Session session() const { return made_session(Correlation::habits()); }
  Session session(Settings const& settings) const {
    return settings.empty() ? session() : session().with(settings);
  }

  template <class... Values>
  long long exec(std::string_view sql, Values&&... values) const {
    return session().exec(sql, std::forward<Values>(values)...);
  }
  template <class... Values>
  Rows query(std::string_view sql, Values&&... values) const {
    return session().query(sql, std::forward<Values>(values)...);
  }
  template <class... Values>
  Rows read_query(std::string_view sql, Values&&... values) const {
    return session().read_query(sql, std::forward<Values>(values)...);
  }
  template <class... Values>
  RowStream stream(std::string_view sql, Values&&... values) const {
    return session().stream(sql, std::forward<Values>(values)...);
  }
  template <class... Values>
  RowStream read_stream(std::string_view sql, Values&&... values) const {
    return session().read_stream(sql, std::forward<Values>(values)...);
  }
  template <class Range>
  long long copy_in(std::string_view table, std::initializer_list<std::string_view> columns,
                    Range&& rows) const {
    return session().copy_in(table, columns, std::forward<Range>(rows));
  }
  template <class Take>
  long long copy_out(std::string_view sql, Take&& take) const {
    return session().copy_out(sql, std::forward<Take>(take));
  }
  Listener listen(std::initializer_list<std::string_view> channels,
                  ListenOptions const& options = {}) const {
    return session().listen(channels, options);
  }
  template <class Work>
  std::invoke_result_t<Work, Transaction&> transaction(Work&& work,
                                                       TransactionOptions const& options = {},
                                                       int retries = 3) const {
    return session().transaction(std::forward<Work>(work), options, retries);
  }
  void ping() const { session().ping(); }

  // Nodes, roles and pool counters as JSON.
  std::string stats() const {
    detail::Handle<mp_text> const text(mp_cluster_stats(cluster_.get()));
    std::size_t length = 0;
    char const* const data = mp_text_data(text.get(), &length);
    return {data, length};
  }

  // In Prometheus' text format. What happens is counted from the first call on, or from the beginning with
  // the setting metrics = true.
  std::string metrics() const {
    detail::Handle<mp_text> const text(mp_cluster_metrics(cluster_.get()));
    std::size_t length = 0;
    char const* const data = mp_text_data(text.get(), &length);
    return {data, length};
  }

  // Calls `take` with each event of these kinds, of all sessions, for as long as what this gives lives: see
  // Observation for how it is called. Where it takes EventKind::log, nothing is written to stderr meanwhile.
  template <class Take>
  requires std::invocable < std::decay_t<Take>
  &, Event const& > [[nodiscard]] Observation observe(EventKinds kinds, Take&& take,
                                                      ObserveOptions const& options = {}) const {
    auto told = std::make_unique<detail::ToldTo<std::decay_t<Take>>>(std::forward<Take>(take));
    auto wishes = detail::observe_options(kinds, options);
    wishes.call = detail::Told::call;
    wishes.data = static_cast<detail::Told*>(told.get());
    auto* const observer = observed(wishes);
    return Observation(std::move(told), observer);
  }
  // The same into a queue of `capacity` events.
  EventQueue events(EventKinds kinds, ObserveOptions const& options = {},
                    std::size_t capacity = 4096) const {
    auto wishes = detail::observe_options(kinds, options);
    wishes.capacity = capacity;
    return EventQueue(observed(wishes));
  }

  // Until it is said otherwise. Throws Error(usage) for a node that is not there.
  void breaker(std::string const& node, Breaker how) const {
    mp_error* error = nullptr;
    if (mp_cluster_breaker(cluster_.get(), node.c_str(), static_cast<int>(how), &error) == 0) {
      detail::raise(error);
    }
  }

  // No new work; running work ends, or is cut after `drain`.
  void close(std::chrono::milliseconds drain = std::chrono::seconds(5)) const {
    detail::finish(mp_close(cluster_.get(), std::chrono::duration<double>(drain).count()));
  }

  mp_cluster* handle() const { return cluster_.get(); }

 private:
  Cluster(mp_cluster* cluster, Observation log) : log_(std::move(log)), cluster_(cluster) {}

  Session made_session(mp_config const* habits) const {
    mp_error* error = nullptr;
    auto* const session = mp_session_new(cluster_.get(), habits, &error);
    if (session == nullptr) detail::raise(error);
    return Session(session);
  }
  mp_observer* observed(mp_observe_options const& wishes) const {
    mp_error* error = nullptr;
    auto* const observer = mp_observe(cluster_.get(), &wishes, &error);
    if (observer == nullptr) detail::raise(error);
    return observer;
  }

  Observation log_;  // hears the cluster's last words
  detail::Handle<mp_cluster> cluster_;
};

}  // namespace v1
}  // namespace moonpool
