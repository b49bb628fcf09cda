#include "session/lend.hpp"

#include "base/error.hpp"
#include "session/session.hpp"

namespace moonpool::session {

using async::Operation;
using wire::TransactionState;

Lent::~Lent() {
  try {
    give_back();
  } catch (...) {
    // Nobody is there to be told; the connection is safe either way.
  }
}

void Lent::give_back() {
  if (!hold_.held()) return;
  std::optional<Error> failure;
  try {
    auto& connection = hold_.connection();
    bool const in_step = connection.take_back();
    auto const state = connection.transaction_state();
    if (!in_step) {
      failure.emplace(ErrorKind::connection,
                      "the connection came back broken, or in the middle of a statement or COPY");
      failure->at(Phase::wait, Outcome::unknown);
    } else if (inside_ && state == TransactionState::idle) {
      failure.emplace(ErrorKind::transaction, "the work ended the transaction it was lent from");
      failure->at(Phase::wait, Outcome::unknown)
          .hint("inside a transaction use pqxx::nontransaction, which begins and ends none");
    } else if (!inside_ && state != TransactionState::idle) {
      failure.emplace(ErrorKind::transaction,
                      "the work left a transaction open, so it was rolled back");
      failure->at(Phase::wait, Outcome::rejected).hint("commit it before the work returns");
    }
  } catch (Error const& error) {
    failure = error;
  }
  if (failure) failure->on_node(hold_.node());
  hold_.end(failure ? &*failure : nullptr);
  if (failure) throw Error(*failure);
}

Operation<std::shared_ptr<Lent>> Session::lend(RunOptions options) {
  auto const self = shared_from_this();
  refuse_context("a lent connection");
  auto const deadline = deadline_in(options.timeout);
  auto lent = std::make_shared<Lent>();
  lent->hold_.shown_as({}, "LENT");
  lent->inside_ = transaction_ != nullptr;
  Start const start = [](wire::Connection& connection, Deadline until) {
    return connection.lend(until);
  };
  auto holding = hold(lent->hold_, options, false, start, deadline);
  co_await std::move(holding);
  co_return lent;
}

}  // namespace moonpool::session
