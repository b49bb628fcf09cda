// Lends a pooled, routed connection to the host's own libpqxx, 7.8 or newer. Opt-in: nothing else includes
// this, and it compiles against the libpqxx of the host.
//
//   auto const n = moonpool::with_pqxx(cluster, [](pqxx::connection& connection) {
//     pqxx::work tx(connection);
//     auto const count = tx.query_value<long>("select count(*) from users");
//     tx.commit();
//     return count;
//   });
#pragma once

#include <pqxx/connection>
#include <type_traits>
#include <utility>

#include "moonpool/moonpool.hpp"

namespace moonpool {
inline namespace v1 {

namespace detail {

// Two owners of one PGconn: libpqxx's lets go of it before ours takes it back, whatever happens.
class PqxxLoan {
 public:
  PqxxLoan(mp_session* session, int route) : loan_(lend(session, route)), connection_(seize()) {}
  PqxxLoan(PqxxLoan const&) = delete;
  PqxxLoan& operator=(PqxxLoan const&) = delete;
  ~PqxxLoan() { release(); }

  pqxx::connection& connection() { return connection_; }
  // Throws Error where something was left behind that should not have been.
  void give_back() {
    release();
    mp_error* error = nullptr;
    if (mp_loan_return(loan_.get(), &error) == 0) raise(error);
  }

 private:
  static mp_loan* lend(mp_session* session, int route) {
    mp_run_options options{};
    options.size = sizeof options;
    options.route = route;
    return mp_op_loan(finish(mp_lend(session, &options)).get());
  }
  pqxx::connection seize() const {
    using Raw = decltype(std::declval<pqxx::connection>().release_raw_connection());
    return pqxx::connection::seize_raw_connection(
        static_cast<Raw>(mp_loan_connection(loan_.get())));
  }
  void release() noexcept {
    if (!std::exchange(released_, true)) std::move(connection_).release_raw_connection();
  }

  Handle<mp_loan> loan_;
  pqxx::connection connection_;
  bool released_ = false;
};

}  // namespace detail

// Calls `work` with a connection of the pool and returns what it returns. On the primary, or with MP_READ on
// a replica where one may answer, read-only. What `work` throws passes through; the connection is then
// checked as well. Settings made on it are undone before its next user. Throws Error when `work` left a
// transaction open (it is rolled back). Inside a transaction of ours it is that transaction's connection:
// use pqxx::nontransaction there. The connection must not be kept.
template <class Work>
std::invoke_result_t<Work&, pqxx::connection&> with_pqxx(Session& session, Work&& work,
                                                         int route = MP_WRITE) {
  detail::PqxxLoan loan(session.handle(), route);
  if constexpr (std::is_void_v<std::invoke_result_t<Work&, pqxx::connection&>>) {
    work(loan.connection());
    loan.give_back();
  } else {
    auto result = work(loan.connection());
    loan.give_back();
    return result;
  }
}

template <class Work>
std::invoke_result_t<Work&, pqxx::connection&> with_pqxx(Cluster const& cluster, Work&& work,
                                                         int route = MP_WRITE) {
  auto session = cluster.session();
  return with_pqxx(session, std::forward<Work>(work), route);
}

}  // namespace v1
}  // namespace moonpool
