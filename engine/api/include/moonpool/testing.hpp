// Helpers for the tests of programs that use Moonpool. Opt-in: nothing includes it.
//
//   std::string why;
//   auto const servers = moonpool::testing::Servers::start(0, &why);
//   if (!servers) return skip(why);                       // this machine has no PostgreSQL
//   auto const cluster = servers->connect();
//   moonpool::testing::sandbox(cluster, [](moonpool::Session& db) { … });   // leaves nothing behind
#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
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

}  // namespace testing
}  // namespace v1
}  // namespace moonpool
